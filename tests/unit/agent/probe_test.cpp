// Files of the kernel: long ones, and those that stay open.
#include "agent/sensors/probe.hpp"

#include <gtest/gtest.h>

#include <ctime>
#include <filesystem>
#include <fstream>

#include "common/posix/process.hpp"
#include "support/temp_dir.hpp"
#include "unit/agent/sensor_looks.hpp"

namespace bramble::sensors {
namespace {

// A machine with hundreds of CPUs has as long a line of interrupts; one with hundreds of containers as many interfaces.
TEST(Probe, ReadsLongFilesWhole) {
  const test::TempDir dir;
  const Roots roots{dir / "proc", dir / "sys", dir / "dev", {}};
  std::string interfaces = "Inter-| Receive | Transmit\n";
  for (int i = 0; i < 2000; ++i) {
    interfaces += "veth" + std::to_string(i) + ": 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0\n";
  }
  put(dir / "proc/net/dev", interfaces + "eth0: 1000 1 2 0 0 0 0 0 2000 1 3 0 0 0 0 0\n");
  const auto stat = [&](const std::string& first) {
    put(dir / "proc/stat", first + "\nintr" + std::string(300'000, '1') + "\n");
  };
  Looks looks(all_sources(roots, std::make_shared<FileFirmware>("/nonexistent")));
  stat("cpu 10 0 10 80 0 0 0 0");
  looks.look(roots, {1000});
  stat("cpu 60 0 10 130 0 0 0 0");
  looks.look(roots, {2000});
  EXPECT_EQ(looks.reading.values.at("cpu_busy_ratio"), 0.5);
  EXPECT_EQ(looks.reading.values.at("net_receive_bytes"), 1000) << "the last of all lines";
  EXPECT_EQ(looks.reading.values.at("net_errors"), 5);
  EXPECT_TRUE(looks.complaints.empty()) << looks.complaints.begin()->second;
}

TEST(Probe, SaysOfAnEndlessFileThatItIsTooLong) {
  const test::TempDir dir;
  put(dir / "long", std::string(kMaxProbedBytes + 1, '1'));
  agent::Reading reading;
  const Roots roots;
  Probe probe(roots, {1}, reading);
  EXPECT_FALSE(probe.text(dir / "long"));
  EXPECT_EQ(probe.complaint(), (dir / "long") + " is longer than 1048576 bytes");
}

TEST(KeptFiles, OfTheKernelAreReadAnewWithoutBeingOpened) {
  KeptFiles kept;
  const Roots roots;
  agent::Reading reading;
  const auto clock_text = [&] {
    Probe probe(roots, {1}, reading, &kept);
    return std::string(probe.text("/proc/uptime").value_or(""));
  };
  const std::string first = clock_text();
  ASSERT_EQ(kept.size(), 1U);
  const int fd = kept.find("/proc/uptime");
  volatile uint64_t work = 0;
  for (const auto begin = std::clock(); std::clock() - begin < CLOCKS_PER_SEC / 20;) work = work + 1;
  EXPECT_NE(clock_text(), first) << "time has passed";
  EXPECT_EQ(kept.find("/proc/uptime"), fd);
}

TEST(KeptFiles, OnADiskAreNotKept) {
  const test::TempDir dir;
  put(dir / "value", "1\n");
  KeptFiles kept;
  const Roots roots;
  agent::Reading reading;
  Probe probe(roots, {1}, reading, &kept);
  EXPECT_EQ(probe.number(dir / "value"), 1);
  EXPECT_EQ(kept.size(), 0U);
}

// A process that has ended stands for a device that was pulled out.
TEST(KeptFiles, ThatAnswerNoMoreAreLookedForAgain) {
  auto process = posix::Process::spawn({.argv = {"/bin/sleep", "60"}, .env = {}, .directory = {}});
  ASSERT_TRUE(process);
  const std::string path = "/proc/" + std::to_string(process->pid()) + "/stat";
  KeptFiles kept;
  const Roots roots;
  agent::Reading reading;
  Probe probe(roots, {1}, reading, &kept);
  EXPECT_TRUE(probe.text(path));
  EXPECT_EQ(kept.size(), 1U);
  process->kill_and_wait();
  EXPECT_FALSE(probe.text(path));
  EXPECT_EQ(kept.size(), 0U);
  EXPECT_EQ(probe.complaint(), "") << "absent is no trouble";
}

}  // namespace
}  // namespace bramble::sensors
