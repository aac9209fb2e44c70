#include "aggregator/power/line_config.hpp"

#include <algorithm>
#include <array>

#include "aggregator/power/line_places.hpp"
#include "common/base/ids.hpp"
#include "common/base/nearest.hpp"
#include "common/posix/files.hpp"

namespace bramble::aggregator {
namespace {

constexpr int64_t kMaxOffset = 1023;
constexpr int64_t kMaxCommandLimitMs = 9'000;  // the state machine waits 10 s for an operation
constexpr int64_t kAbsent = -1;

struct Kind {
  const char* name;
  LineRole role;
};
constexpr std::array kKinds{Kind{"relay", LineRole::supply},   Kind{"button", LineRole::button},
                            Kind{"reset", LineRole::reset},    Kind{"halt", LineRole::halted},
                            Kind{"command", LineRole::supply}, Kind{"sim", LineRole::supply},
                            Kind{"meter", LineRole::meter}};
constexpr std::array kRoles{LineRole::supply, LineRole::button, LineRole::reset, LineRole::halted, LineRole::meter};

// Everything that a table may hold; what belongs to another kind is told as that, not as an unknown key.
struct Table {
  std::string node;
  std::string kind;
  std::string role;
  GpioPlace gpio;
  int64_t offset = kAbsent;
  CommandPlace command;
  int64_t limit_ms = kAbsent;
  std::string directory;
  MeterPlace meter;
  int64_t channel = kAbsent;
  int64_t press_ms = kAbsent;
  int64_t long_press_ms = kAbsent;
};

Table read_table(posix::ConfigFile& file) {
  Table table;
  file.text("node", table.node);
  file.text("kind", table.kind);
  file.text("role", table.role);
  file.text("chip", table.gpio.chip);
  file.text("line", table.gpio.line);
  file.integer("offset", table.offset, 0, kMaxOffset);
  file.flag("active_low", table.gpio.active_low);
  file.flag("open_drain", table.gpio.open_drain);
  file.text("pull", table.gpio.pull);
  file.list("on", table.command.on);
  file.list("off", table.command.off);
  file.list("status", table.command.status);
  file.integer("limit_ms", table.limit_ms, 100, kMaxCommandLimitMs);
  file.text("directory", table.directory);
  file.text("hwmon", table.meter.hwmon);
  file.text("device", table.meter.device);
  file.integer("channel", table.channel, 1, 16);
  file.integer("press_ms", table.press_ms, 10, kMaxPressMs);
  file.integer("long_press_ms", table.long_press_ms, 10, kMaxPressMs);
  return table;
}

bool is_gpio(const std::string& kind) { return kind != "command" && kind != "sim" && kind != "meter"; }

struct KeyRule {
  bool present;
  bool fits;
  const char* text;
};

// What is said of the first key that does not fit the kind; empty: all fit.
std::string misplaced_key(const Table& table) {
  const bool gpio = is_gpio(table.kind);
  const bool command = table.kind == "command";
  const bool sim = table.kind == "sim";
  const bool meter = table.kind == "meter";
  const bool halt = table.kind == "halt";
  const bool pressed =
      table.kind == "button" || table.kind == "reset" || (sim && (table.role == "button" || table.role == "reset"));
  const std::array rules{
      KeyRule{!table.gpio.chip.empty() || !table.gpio.line.empty() || table.offset != kAbsent || table.gpio.active_low,
              gpio, "chip, line, offset and active_low belong to GPIO lines (relay, button, reset, halt)"},
      KeyRule{table.gpio.open_drain, gpio && !halt,
              "open_drain belongs to lines that are driven (relay, button, reset)"},
      KeyRule{!table.gpio.pull.empty(), halt, "pull belongs to inputs (kind = \"halt\")"},
      KeyRule{!table.command.on.empty() || !table.command.off.empty() || !table.command.status.empty() ||
                  table.limit_ms != kAbsent,
              command, "on, off, status and limit_ms belong to kind = \"command\""},
      KeyRule{!table.role.empty() || !table.directory.empty(), sim, "role and directory belong to kind = \"sim\""},
      KeyRule{!table.meter.hwmon.empty() || !table.meter.device.empty() || table.channel != kAbsent, meter,
              "hwmon, device and channel belong to kind = \"meter\""},
      KeyRule{table.press_ms != kAbsent || table.long_press_ms != kAbsent, pressed,
              "press_ms and long_press_ms belong to what is pressed (button, reset)"},
  };
  const auto wrong = std::find_if(rules.begin(), rules.end(), [](const KeyRule& r) { return r.present && !r.fits; });
  return wrong == rules.end() ? std::string() : wrong->text + std::string(", not to \"") + table.kind + "\"";
}

void check_gpio(posix::ConfigFile& file, const Table& table) {
  if (table.gpio.chip.empty()) {
    return file.complain("a " + table.kind +
                         " needs chip = \"LABEL\", such as \"pinctrl-rp1\" (Pi 5) or \"pinctrl-bcm2711\" (Pi 4)");
  }
  if (table.gpio.line.empty() == (table.offset == kAbsent)) {
    return file.complain("a " + table.kind + " needs one of line = \"NAME\", such as \"GPIO17\", and offset = NUMBER");
  }
  if (!table.gpio.pull.empty() && table.gpio.pull != "up" && table.gpio.pull != "down") {
    file.complain("pull must be \"up\" or \"down\", not \"" + table.gpio.pull + "\"");
  }
}

void check_command(posix::ConfigFile& file, const CommandPlace& command) {
  if (command.on.empty() || command.off.empty()) {
    return file.complain("a command needs on = [\"PROGRAM\", \"ARGUMENT\"...] and off = [...]");
  }
  for (const auto* argv : {&command.on, &command.off, &command.status}) {
    if (!argv->empty() && argv->front().empty()) return file.complain("a program of on, off or status has no name");
  }
}

GpioPlace gpio_of(const Table& table) {
  GpioPlace place = table.gpio;
  if (table.offset != kAbsent) place.offset = table.offset;
  return place;
}

std::string gpio_name(const GpioPlace& place) {
  return place.chip + " " + (place.offset ? "line " + std::to_string(*place.offset) : place.line);
}

// The place and its name for people. The table has been found to be right.
void set_place(LineConfig& line, const Table& table, const std::string& sim_directory) {
  if (is_gpio(table.kind)) {
    const GpioPlace place = gpio_of(table);
    line.spec.name = gpio_name(place);
    line.place = place;
  } else if (table.kind == "command") {
    CommandPlace place = table.command;
    if (table.limit_ms != kAbsent) place.limit_ms = table.limit_ms;
    line.spec.name = "command " + (place.on.empty() ? std::string() : place.on.front());
    line.place = std::move(place);
  } else if (table.kind == "sim") {
    const std::string& directory = table.directory.empty() ? sim_directory : table.directory;
    line.place = SimPlace{directory + "/" + table.node + "." + std::string(to_string(line.spec.role))};
    line.spec.name = "sim " + std::get<SimPlace>(line.place).path;
  } else {
    MeterPlace place = table.meter;
    if (table.channel != kAbsent) place.channel = table.channel;
    line.spec.name = "meter " + place.hwmon + (place.device.empty() ? "" : " at " + place.device) + " channel " +
                     std::to_string(place.channel);
    line.place = std::move(place);
  }
}

void set_role(posix::ConfigFile& file, LineConfig& line, const Table& table) {
  std::vector<std::string> names;
  for (const Kind& kind : kKinds) names.emplace_back(kind.name);
  const auto kind = std::find(names.begin(), names.end(), table.kind);
  if (kind == names.end()) {
    return file.complain(table.kind.empty() ? "a line needs a kind: relay, button, reset, halt, command, sim or meter"
                                            : unknown("kind", table.kind, names) +
                                                  " (relay, button, reset, halt, command, sim, meter)");
  }
  line.spec.role = kKinds[static_cast<size_t>(kind - names.begin())].role;
  if (table.role.empty() || table.kind != "sim") return;
  const auto role = std::find_if(kRoles.begin(), kRoles.end(),
                                 [&](LineRole candidate) { return table.role == to_string(candidate); });
  if (role == kRoles.end()) {
    return file.complain("role must be supply, button, reset, halted or meter, not \"" + table.role + "\"");
  }
  line.spec.role = *role;
}

LineConfig read_line(posix::ConfigFile& file, const std::string& sim_directory) {
  const Table table = read_table(file);
  LineConfig line;
  line.spec.node = table.node;
  if (!is_valid_name(table.node)) file.complain("a line needs node = \"NAME\": the node whose power it switches");
  set_role(file, line, table);
  if (const std::string misplaced = misplaced_key(table); !misplaced.empty()) file.complain(misplaced);
  if (is_gpio(table.kind)) check_gpio(file, table);
  if (table.kind == "command") check_command(file, table.command);
  if (table.kind == "meter" && table.meter.hwmon.empty()) {
    file.complain("a meter needs hwmon = \"NAME\": what stands in /sys/class/hwmon/*/name, such as \"ina219\"");
  }
  if (table.press_ms != kAbsent) line.spec.press_ms = table.press_ms;
  if (table.long_press_ms != kAbsent) line.spec.long_press_ms = table.long_press_ms;
  set_place(line, table, sim_directory);
  return line;
}

bool share_place(const LineConfig& a, const LineConfig& b) {
  const auto* gpio = std::get_if<GpioPlace>(&a.place);
  const auto* other = std::get_if<GpioPlace>(&b.place);
  if (gpio == nullptr || other == nullptr) return a.place == b.place;
  return gpio->chip == other->chip && gpio->line == other->line && gpio->offset == other->offset;
}

void check_against(posix::ConfigFile& file, const LineConfig& line, const LineConfig& other) {
  if (share_place(line, other)) {
    file.complain(given_already(line.spec, other.spec));
  } else if (line.spec.node == other.spec.node && line.spec.role == other.spec.role) {
    file.complain("there are two lines for the " + std::string(to_string(line.spec.role)) + " of " + line.spec.node);
  }
}

}  // namespace

Status make_sim_directory(const LineConfig& line) {
  const auto* sim = std::get_if<SimPlace>(&line.place);
  return sim == nullptr ? Status() : posix::make_directories(sim->path.substr(0, sim->path.rfind('/')));
}

std::vector<LineConfig> read_lines(posix::ConfigFile& file, const std::string& sim_directory) {
  std::vector<LineConfig> lines;
  file.tables("line", kMaxLines, [&](posix::ConfigFile& table) {
    LineConfig line = read_line(table, sim_directory);
    for (const LineConfig& other : lines) check_against(table, line, other);
    lines.push_back(std::move(line));
  });
  return lines;
}

}  // namespace bramble::aggregator
