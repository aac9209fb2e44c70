#include "agent/warden/process_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "common/posix/files.hpp"
#include "support/temp_dir.hpp"

namespace bramble::warden {
namespace {

std::string stat_line(const std::string& name, char state, pid_t pid, pid_t parent) {
  return std::to_string(pid) + " (" + name + ") " + state + " " + std::to_string(parent) +
         " 1 1 0 -1 4194560 100 0 0 0 7 8 0 0 20 0 1 0 123456 2000000 321 18446744073709551615 1 1 0";
}

std::vector<pid_t> pids(const std::vector<ProcessEntry>& entries) {
  std::vector<pid_t> result;
  for (const ProcessEntry& each : entries) result.push_back(each.pid);
  return result;
}

TEST(ProcessStat, ReadsWhatIsNeeded) {
  ProcessEntry entry;
  ASSERT_TRUE(parse_process_stat(stat_line("sleep", 'S', 42, 7), entry));
  EXPECT_EQ(entry.pid, 42);
  EXPECT_EQ(entry.parent, 7);
  EXPECT_EQ(entry.start_ticks, 123456U);
  EXPECT_EQ(entry.rss_pages, 321U);
  EXPECT_EQ(entry.cpu_ticks, 7U + 8U);
  EXPECT_FALSE(entry.zombie);
}

TEST(ProcessStat, ANameMayHoldAnything) {
  ProcessEntry entry;
  ASSERT_TRUE(parse_process_stat(stat_line("a) R 1 (b\n", 'Z', 42, 7), entry));
  EXPECT_EQ(entry.parent, 7);
  EXPECT_TRUE(entry.zombie);
}

TEST(ProcessStat, RefusesWhatIsNone) {
  ProcessEntry entry;
  const std::string whole = stat_line("x", 'S', 42, 7);
  for (const std::string& text : {std::string(), std::string("42"), std::string("x (y) S 1 2"), whole.substr(0, 40)}) {
    EXPECT_FALSE(parse_process_stat(text, entry)) << text;
  }
}

TEST(ProcessTable, FindsAllDescendantsAndNoOthers) {
  const test::TempDir proc;
  const auto add = [&](pid_t pid, pid_t parent) {
    const std::string directory = proc / std::to_string(pid);
    ASSERT_TRUE(posix::make_directories(directory));
    std::ofstream(directory + "/stat") << stat_line("p", 'S', pid, parent);
  };
  add(1, 0);
  add(10, 1);
  add(11, 10);
  add(12, 11);
  add(13, 10);
  add(20, 1);
  add(21, 20);
  ASSERT_TRUE(posix::make_directories(proc / "self"));
  const ProcessTable table = ProcessTable::read(proc.path());
  EXPECT_EQ(table.entries().size(), 7U);
  EXPECT_THAT(pids(table.descendants(10)), testing::UnorderedElementsAre(11, 12, 13));
  EXPECT_TRUE(table.descendants(12).empty());
  const auto page_bytes = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  EXPECT_EQ(rss_bytes(table.descendants(10)), 3 * 321 * page_bytes);
}

TEST(ProcessTable, ARingOfParentsEnds) {
  const ProcessTable table({{.pid = 2, .parent = 3}, {.pid = 3, .parent = 2}});
  EXPECT_FALSE(table.descendants(2).empty());
}

TEST(ProcessTable, ReadsTheMachinesOwn) {
  const ProcessTable table = ProcessTable::read();
  EXPECT_THAT(pids(table.entries()), testing::Contains(::getpid()));
}

}  // namespace
}  // namespace bramble::warden
