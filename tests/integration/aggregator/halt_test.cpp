// A node that is switched off cleanly: the aggregator's word, the agent's obedience, the lines between them.
#include <fstream>
#include <optional>

#include "fixture.hpp"

namespace bramble::test {
namespace {

class AggregatorHalt : public AggregatorTest {
 protected:
  AggregatorHalt() {
    std::filesystem::create_directories(dir_ / "lines");
    set("supply", "1");
    set("halted", "0");
  }

  void set(const std::string& role, const std::string& level) const {
    std::ofstream(dir_ / "lines/pi01." + role) << level << "\n";
  }
  std::string line(const std::string& role) const {
    return "[[line]]\nnode = \"pi01\"\nkind = \"sim\"\ndirectory = \"" + dir_ / "lines" + "\"\nrole = \"" + role +
           "\"\n";
  }
  std::string level() const { return posix::read_file(dir_ / "lines/pi01.supply", 100).value_or("none"); }
  void wait_for_level(const std::string& wanted) const {
    for (int i = 0; i < 600 && level() != wanted; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));  // a file tells nobody that it changed
    }
    ASSERT_EQ(level(), wanted);
  }
  void boot(const std::string& boot_id, const std::string& more) {
    node_.emplace(dir_ / "node", "pi01", broker_.url(), "boot_id = \"" + boot_id + "\"\n" + more);
  }

  Mosquitto broker_;
  std::optional<NodeProcesses> node_;
};

TEST_F(AggregatorHalt, AnIdleNodeHaltsLosesItsPowerAndComesBackForWork) {
  AggregatorProcess aggregator(
      dir_.path(),
      config(dir_ / "state", broker_.url(), line("supply") + line("halted") + "[power]\nidle_off_s = 1\nhold_s = 1\n"));
  aggregator.start();
  // As a machine does: its daemons are stopped, then it halts.
  const std::string machine =
      "#!/bin/sh\n[ $1 = poweroff ] || exit 1\nkill -TERM $PPID\n"
      "while readlink /proc/$PPID/exe >/dev/null; do sleep 0.05; done\necho 1 >" +
      dir_ / "lines/pi01.halted\n";
  ASSERT_TRUE(posix::write_file_atomically(dir_ / "machine", machine, {.mode = 0755}));
  const std::string halts = "halt_command = \"" + dir_ / "machine" + "\"\n";
  boot("first", halts);
  wait_for_level("0\n");
  aggregator.wait_logged("power of node pi01: off (it has halted)");
  EXPECT_EQ(aggregator.times_logged("node pi01 said goodbye"), 1U);
  EXPECT_EQ(node_->agent.times_logged("the aggregator asks this machine to shut down: no work for 1 s"), 1U);

  ASSERT_EQ(bramble({"submit", "--", "/bin/true"}).status, 0);
  wait_for_level("1\n");
  set("halted", "0");
  boot("second", halts);
  EXPECT_EQ(bramble({"job", "wait", "last"}).status, 0);
}

TEST_F(AggregatorHalt, ANodeThatCannotHaltItselfKeepsItsPower) {
  AggregatorProcess aggregator(dir_.path(), config(dir_ / "state", broker_.url(),
                                                   line("supply") + "[power]\nidle_off_s = 1\nhalt_limit_s = 5\n"));
  aggregator.start();
  boot("first", "halt_request = \"\"\n");
  aggregator.wait_logged("node pi01 stays on: it did not shut down within 5 s");
  EXPECT_EQ(node_->agent.times_logged("this machine does not shut down: halt_request is empty"), 1U);
  EXPECT_EQ(level(), "1\n");
  wait_for_node("pi01", "on");
}

}  // namespace
}  // namespace bramble::test
