// What a node finds amiss with itself, by trees of files that show it.
#include <gmock/gmock.h>

#include "agent/sensors/checkup.hpp"
#include "support/temp_dir.hpp"
#include "unit/agent/sensor_looks.hpp"

namespace bramble::sensors {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using wire::Finding;
using wire::FindingState;

class CheckupTest : public ::testing::Test {
 protected:
  void put(const std::string& path, const std::string& text) {
    const std::string whole = dir_ / path;
    ASSERT_TRUE(posix::make_directories(whole.substr(0, whole.rfind('/')), 0700));
    ASSERT_TRUE(posix::write_file_atomically(whole, text));
  }

  Finding find(const std::string& check) {
    Roots roots{dir_ / "proc", dir_ / "sys", dir_ / "dev", {}};
    agent::Reading reading;
    Probe probe(roots, {1000}, reading);
    CheckupSource(std::make_shared<FileFirmware>(dir_ / "firmware"), options_).read(probe);
    EXPECT_EQ(probe.complaint(), "");
    for (const Finding& finding : *reading.findings) {
      if (finding.check == check) return finding;
    }
    return {"none", FindingState::unknown, ""};
  }

  test::TempDir dir_;
  bool synchronised_ = true;
  CheckupOptions options_{"", "", "", [this] { return synchronised_; }};
};

TEST_F(CheckupTest, TellsWhetherTheClockIsSynchronised) {
  EXPECT_EQ(find("time").state, FindingState::good);
  synchronised_ = false;
  EXPECT_EQ(find("time").state, FindingState::warning);
}

TEST_F(CheckupTest, AdvisesAWatchdogWhereThereIsOne) {
  EXPECT_EQ(find("watchdog"), (Finding{"watchdog", FindingState::good, "none is to be seen here"}));
  put("proc/device-tree/compatible", "raspberrypi,3-model-b\0brcm,bcm2837\n");
  EXPECT_EQ(find("watchdog").state, FindingState::warning);
  EXPECT_THAT(find("watchdog").text, HasSubstr("dtparam=watchdog=on"));
}

TEST_F(CheckupTest, TellsWhoFeedsTheWatchdog) {
  put("sys/class/watchdog/watchdog0/state", "inactive\n");
  EXPECT_THAT(find("watchdog").text, HasSubstr("set watchdog_device"));
  put("sys/class/watchdog/watchdog0/state", "active\n");
  EXPECT_EQ(find("watchdog"), (Finding{"watchdog", FindingState::good, "fed by another program"}));
  options_.watchdog_device = "/dev/watchdog0";
  EXPECT_EQ(find("watchdog"), (Finding{"watchdog", FindingState::good, "fed by the agent"}));
  put("sys/class/watchdog/watchdog0/state", "inactive\n");
  EXPECT_EQ(find("watchdog").state, FindingState::problem);
}

TEST_F(CheckupTest, TellsWhetherTheKernelEnforcesLimits) {
  EXPECT_THAT(find("cgroups").text,
              AllOf(HasSubstr("systemd.unified_cgroup_hierarchy=1"), Not(HasSubstr("cmdline.txt"))));
  put("proc/device-tree/compatible", "raspberrypi,4-model-b\n");
  EXPECT_THAT(find("cgroups").text, HasSubstr("cgroup_enable=memory to /boot/firmware/cmdline.txt"));
  put("proc/cgroups", "#subsys_name\thierarchy\nmemory\t0\t1\t0\n");
  EXPECT_THAT(find("cgroups").text, HasSubstr("cgroup_enable=memory"));
  put("proc/cgroups", "#subsys_name\thierarchy\ncpu\t1\t1\t1\nmemory\t2\t1\t1\npids\t3\t1\t1\n");
  EXPECT_THAT(find("cgroups").text, HasSubstr("cgroup v1"));
  put("sys/fs/cgroup/cgroup.controllers", "cpu io memory pids\n");
  EXPECT_EQ(find("cgroups").state, FindingState::good);
  put("sys/fs/cgroup/cgroup.controllers", "cpu io pids\n");
  EXPECT_THAT(find("cgroups").text, HasSubstr("cgroup_enable=memory"));
}

TEST_F(CheckupTest, TellsWhetherItCanBeHalted) {
  EXPECT_EQ(find("halt").state, FindingState::warning) << "nothing is configured";
  options_.halt_request = dir_ / "no-such-folder/request";
  EXPECT_EQ(find("halt").state, FindingState::problem);
  options_.halt_request = dir_ / "request";
  EXPECT_EQ(find("halt").state, FindingState::good);
  options_.halt_command = dir_ / "no-such-program";
  EXPECT_EQ(find("halt").state, FindingState::problem);
  options_.halt_command = "/bin/sh";
  EXPECT_EQ(find("halt").state, FindingState::good);
}

TEST_F(CheckupTest, ReadsTheEepromOfBoardsThatHaveOne) {
  EXPECT_EQ(find("eeprom").check, "none");
  put("proc/device-tree/compatible", std::string("raspberrypi,5-model-b\0brcm,bcm2712\0", 36));
  EXPECT_EQ(find("eeprom").state, FindingState::unknown);
  put("firmware/bootloader_config", "[all]\nBOOT_UART=0\nPOWER_OFF_ON_HALT=1\nWAIT_FOR_POWER_BUTTON=1\n");
  EXPECT_EQ(find("eeprom").state, FindingState::problem);
  put("proc/device-tree/compatible", std::string("raspberrypi,model-zero-2-w\0brcm,bcm2837\0", 41));
  EXPECT_EQ(find("eeprom").check, "none");
}

TEST(JudgeEeprom, ByTheBoardAndItsSettings) {
  const auto state = [](BoardKind board, const char* config) { return judge_eeprom(board, config).state; };
  EXPECT_EQ(state(BoardKind::pi4, "POWER_OFF_ON_HALT=0\nWAKE_ON_GPIO=1\n"), FindingState::good);
  EXPECT_EQ(state(BoardKind::pi4, "WAKE_ON_GPIO=0\r\nPOWER_OFF_ON_HALT=1\r\n"), FindingState::warning);
  EXPECT_EQ(state(BoardKind::pi4, ""), FindingState::good) << "the defaults";
  EXPECT_EQ(state(BoardKind::pi5, "POWER_OFF_ON_HALT=1\n"), FindingState::good);
  EXPECT_EQ(state(BoardKind::pi5, "POWER_OFF_ON_HALT=1\nWAIT_FOR_POWER_BUTTON=1"), FindingState::problem);
  EXPECT_EQ(state(BoardKind::pi5, "POWER_OFF_ON_HALT=1\nPOWER_OFF_ON_HALT=0\nWAIT_FOR_POWER_BUTTON=1"),
            FindingState::good);
  EXPECT_EQ(state(BoardKind::cm5, "POWER_OFF_ON_HALT=1"), FindingState::warning);
  EXPECT_THAT(judge_eeprom(BoardKind::pi5, "").text, HasSubstr("over 1 W"));
}

TEST(BoardKind, IsKnownByTheDeviceTree) {
  EXPECT_EQ(board_kind(std::string("raspberrypi,5-compute-module\0brcm,bcm2712", 41)), BoardKind::cm5);
  EXPECT_EQ(board_kind("raspberrypi,5-model-b brcm,bcm2712"), BoardKind::pi5);
  EXPECT_EQ(board_kind("raspberrypi,4-compute-module brcm,bcm2711"), BoardKind::pi4);
  EXPECT_EQ(board_kind("raspberrypi,3-model-b-plus brcm,bcm2837"), BoardKind::other);
}

}  // namespace
}  // namespace bramble::sensors
