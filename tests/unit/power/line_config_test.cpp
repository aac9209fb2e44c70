#include "aggregator/power/line_config.hpp"

#include <gmock/gmock.h>

#include "unit/power/config_text.hpp"

namespace bramble::test {
namespace {

using namespace bramble::aggregator;
using testing::HasSubstr;
using testing::SizeIs;

std::vector<LineConfig> lines_of(const std::string& text) {
  std::vector<LineConfig> lines;
  EXPECT_EQ(error_in(text, [&](posix::ConfigFile& file) { lines = read_lines(file, "/state/lines"); }), "");
  return lines;
}

std::string error_of(const std::string& text) {
  return error_in(text, [](posix::ConfigFile& file) { read_lines(file, "/state/lines"); });
}

std::string line(const std::string& rest) { return "[[line]]\nnode = \"pi01\"\n" + rest + "\n"; }

constexpr const char* kRelay = "kind = \"relay\"\nchip = \"pinctrl-rp1\"\nline = \"GPIO17\"\n";

TEST(LineConfigTest, ReadsTheGpioKinds) {
  const auto lines = lines_of(line("kind = \"relay\"\nchip = \"pinctrl-rp1\"\nline = \"GPIO17\"\nactive_low = true") +
                              line("kind = \"button\"\nchip = \"pinctrl-rp1\"\noffset = 4\nopen_drain = true\npress_ms "
                                   "= 300\nlong_press_ms = 6000") +
                              line("kind = \"halt\"\nchip = \"pinctrl-rp1\"\noffset = 5\npull = \"down\"") +
                              line("kind = \"reset\"\nchip = \"pinctrl-rp1\"\noffset = 6"));
  ASSERT_THAT(lines, SizeIs(4));
  EXPECT_EQ(lines[0].spec.node, "pi01");
  EXPECT_EQ(lines[0].spec.role, LineRole::supply);
  EXPECT_EQ(lines[0].spec.name, "pinctrl-rp1 GPIO17");
  const auto& relay = std::get<GpioPlace>(lines[0].place);
  EXPECT_TRUE(relay.active_low);
  EXPECT_EQ(relay.offset, std::nullopt);
  EXPECT_EQ(lines[1].spec.role, LineRole::button);
  EXPECT_EQ(lines[1].spec.name, "pinctrl-rp1 line 4");
  EXPECT_EQ(lines[1].spec.press_ms, 300);
  EXPECT_EQ(lines[1].spec.long_press_ms, 6000);
  EXPECT_TRUE(std::get<GpioPlace>(lines[1].place).open_drain);
  EXPECT_EQ(lines[2].spec.role, LineRole::halted);
  EXPECT_EQ(std::get<GpioPlace>(lines[2].place).pull, "down");
  EXPECT_EQ(lines[3].spec.role, LineRole::reset);
}

TEST(LineConfigTest, ReadsProgramsSimulatedLinesAndMeters) {
  const auto lines = lines_of(line("kind = \"command\"\non = [\"uhubctl\", \"-a\", \"1\"]\noff = [\"uhubctl\", \"-a\", "
                                   "\"0\"]\nlimit_ms = 5000") +
                              line("kind = \"sim\"\nrole = \"button\"") +
                              line("kind = \"sim\"\nrole = \"halted\"\ndirectory = \"/d\"") +
                              line("kind = \"meter\"\nhwmon = \"ina219\"\ndevice = \"1-0040\"\nchannel = 2"));
  ASSERT_THAT(lines, SizeIs(4));
  EXPECT_EQ(std::get<CommandPlace>(lines[0].place).on, (std::vector<std::string>{"uhubctl", "-a", "1"}));
  EXPECT_EQ(std::get<CommandPlace>(lines[0].place).limit_ms, 5000);
  EXPECT_EQ(lines[0].spec.name, "command uhubctl");
  EXPECT_EQ(std::get<SimPlace>(lines[1].place).path, "/state/lines/pi01.button");
  EXPECT_EQ(std::get<SimPlace>(lines[2].place).path, "/d/pi01.halted");
  EXPECT_EQ(lines[3].spec.role, LineRole::meter);
  EXPECT_EQ(lines[3].spec.name, "meter ina219 at 1-0040 channel 2");
}

struct Bad {
  const char* what;
  std::string text;
  const char* error;
};

TEST(LineConfigTest, EachMistakeIsToldInOneSentenceWithItsPlace) {
  const std::string sim = line("kind = \"sim\"");
  const std::string button = "[[line]]\nnode = \"pi02\"\nkind = \"button\"\nchip = \"pinctrl-rp1\"\nline = \"GPIO17\"";
  const std::vector<Bad> all{
      {"no node", "[[line]]\nkind = \"sim\"", "1: a line needs node = \"NAME\": the node whose power it switches"},
      {"no kind", line(""), "1: a line needs a kind: relay, button, reset, halt, command, sim or meter"},
      {"a kind that is none", line("kind = \"relais\""),
       "1: unknown kind 'relais'; did you mean 'relay'? (relay, button, reset, halt, command, sim, meter)"},
      {"no chip", line("kind = \"relay\"\nline = \"GPIO17\""),
       "1: a relay needs chip = \"LABEL\", such as \"pinctrl-rp1\" (Pi 5) or \"pinctrl-bcm2711\" (Pi 4)"},
      {"neither line nor offset", line("kind = \"relay\"\nchip = \"c\""),
       "1: a relay needs one of line = \"NAME\", such as \"GPIO17\", and offset = NUMBER"},
      {"line and offset", line(std::string(kRelay) + "offset = 3"),
       "1: a relay needs one of line = \"NAME\", such as \"GPIO17\", and offset = NUMBER"},
      {"a chip and a command", line(std::string(kRelay) + "on = [\"a\"]"),
       "1: on, off, status and limit_ms belong to kind = \"command\", not to \"relay\""},
      {"a command on a chip", line("kind = \"command\"\non = [\"a\"]\noff = [\"b\"]\nchip = \"c\""),
       "1: chip, line, offset and active_low belong to GPIO lines (relay, button, reset, halt), not to \"command\""},
      {"a command without off", line("kind = \"command\"\non = [\"a\"]"),
       "1: a command needs on = [\"PROGRAM\", \"ARGUMENT\"...] and off = [...]"},
      {"a program without a name", line("kind = \"command\"\non = [\"a\"]\noff = [\"\"]"),
       "1: a program of on, off or status has no name"},
      {"a relay that is pressed", line(std::string(kRelay) + "press_ms = 100"),
       "1: press_ms and long_press_ms belong to what is pressed (button, reset), not to \"relay\""},
      {"a pull of an output", line(std::string(kRelay) + "pull = \"up\""),
       "1: pull belongs to inputs (kind = \"halt\"), not to \"relay\""},
      {"a pull that is none", line("kind = \"halt\"\nchip = \"c\"\noffset = 1\npull = \"sideways\""),
       "1: pull must be \"up\" or \"down\", not \"sideways\""},
      {"a role of a relay", line(std::string(kRelay) + "role = \"button\""),
       "1: role and directory belong to kind = \"sim\", not to \"relay\""},
      {"a role that is none", line("kind = \"sim\"\nrole = \"lamp\""),
       "1: role must be supply, button, reset, halted or meter, not \"lamp\""},
      {"a meter without a chip", line("kind = \"meter\""),
       "1: a meter needs hwmon = \"NAME\": what stands in /sys/class/hwmon/*/name, such as \"ina219\""},
      {"a press without end", line("kind = \"sim\"\nrole = \"button\"\npress_ms = 600000"),
       "5: press_ms must be a whole number from 10 to 15000"},
      {"an unknown key", line(std::string(kRelay) + "active_lo = true"),
       "6: unknown key 'active_lo'; did you mean 'active_low'?"},
      {"two nodes on one line", line(kRelay) + button,
       "7: pinctrl-rp1 GPIO17 is given to the supply of pi01 already: a line switches one thing"},
      {"two supplies of one node", line(kRelay) + sim, "7: there are two lines for the supply of pi01"},
      {"one simulated line twice", sim + sim, "4: "},
  };
  for (const Bad& bad : all) EXPECT_THAT(error_of(bad.text), testing::StartsWith(bad.error)) << bad.what;
}

TEST(LineConfigTest, TheSameLineWithAnotherPolarityIsStillTheSameLine) {
  EXPECT_THAT(error_of(line(kRelay) + "[[line]]\nnode = \"pi02\"\n" + kRelay + "active_low = true\n"),
              HasSubstr("is given to the supply of pi01 already"));
}

TEST(LineConfigTest, ThereIsALimit) {
  std::string text;
  for (size_t i = 0; i <= kMaxLines; ++i) text += "[[line]]\nnode = \"pi" + std::to_string(i) + "\"\nkind = \"sim\"\n";
  EXPECT_THAT(error_of(text), HasSubstr("there are more than 1024 [[line]]"));
}

}  // namespace
}  // namespace bramble::test
