// Power lines that are configured: adopted as they stand, and what is wrong with them is told.
#include <fstream>

#include "fixture.hpp"

namespace bramble::test {
namespace {

using testing::HasSubstr;

constexpr const char* kNobodyThere = "tcp://127.0.0.1:1";

class AggregatorLines : public AggregatorTest {
 protected:
  std::string level(const std::string& line) const { return posix::read_file(lines_ + line, 100).value_or("none"); }

  const std::string lines_ = dir_ / "lines/";
};

TEST_F(AggregatorLines, AreLeftAsTheyStandByStartStopAndKill) {
  std::filesystem::create_directories(lines_);
  std::ofstream(lines_ + "pi01.supply") << "1\n";
  std::ofstream(lines_ + "pi02.supply") << "0\n";
  const std::string sim = "kind = \"sim\"\ndirectory = \"" + dir_ / "lines" + "\"\n";
  AggregatorProcess aggregator(dir_.path(), config(dir_ / "state", kNobodyThere,
                                                   "[[line]]\nnode = \"pi01\"\n" + sim + "[[line]]\nnode = \"pi02\"\n" +
                                                       sim + "[[line]]\nnode = \"pi03\"\n" + sim +
                                                       "[[line]]\nnode = \"pi04\"\nkind = \"relay\"\n"
                                                       "chip = \"no-such-chip\"\nline = \"GPIO17\"\n"));
  const std::string trouble =
      "line no-such-chip GPIO17 of node pi04: there is no GPIO chip with the label 'no-such-chip'";
  for (const size_t start : {1U, 2U}) {
    aggregator.start();
    aggregator.wait_logged(trouble, start);
    if (start == 1) {
      aggregator.kill();
    } else {
      EXPECT_TRUE(aggregator.stop().success());
    }
    EXPECT_EQ(aggregator.times_logged(trouble), start) << "once a start: " << aggregator.log();
    EXPECT_EQ(level("pi01.supply"), "1\n");
    EXPECT_EQ(level("pi02.supply"), "0\n");
    EXPECT_EQ(level("pi03.supply"), "none");
  }
}

TEST_F(AggregatorLines, NamesThatProtectNobodyAreToldAtTheStart) {
  AggregatorProcess aggregator(dir_.path(),
                               config(dir_ / "state", kNobodyThere,
                                      "[power]\nkeep_on = \"pi01,pi11\"\n[[line]]\nnode = \"pi01\"\nkind = \"sim\"\n"));
  aggregator.start();
  aggregator.wait_logged("(keep_on = pi11): a typo there protects nobody");
  EXPECT_TRUE(aggregator.stop().success());
}

TEST_F(AggregatorLines, OneThatIsGivenToTwoNodesKeepsItFromStarting) {
  const std::string relay = "kind = \"relay\"\nchip = \"pinctrl-rp1\"\nline = \"GPIO17\"\n";
  AggregatorProcess aggregator(dir_.path(),
                               config(dir_ / "state", kNobodyThere,
                                      "[[line]]\nnode = \"pi01\"\n" + relay + "[[line]]\nnode = \"pi02\"\n" + relay));
  aggregator.start();
  EXPECT_EQ(aggregator.wait_for_end().code, 1);
  EXPECT_THAT(aggregator.log(), HasSubstr("pinctrl-rp1 GPIO17 is given to the supply of pi01 already"));
}

}  // namespace
}  // namespace bramble::test
