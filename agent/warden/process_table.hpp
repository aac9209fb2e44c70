// What runs on this machine, and who is whose child: a snapshot of /proc.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bramble::warden {

struct ProcessEntry {
  pid_t pid = 0;
  pid_t parent = 0;
  bool zombie = false;
  uint64_t start_ticks = 0;  // with the pid, names a process for ever
  uint64_t rss_pages = 0;
  uint64_t cpu_ticks = 0;  // user + system, its own and of the children that it has waited for
};

class ProcessTable {
 public:
  // Processes that end meanwhile are missing; ones that are forked meanwhile may be. `proc` is a parameter for tests.
  static ProcessTable read(const std::string& proc = "/proc");
  explicit ProcessTable(std::vector<ProcessEntry> entries) : entries_(std::move(entries)) {}

  const std::vector<ProcessEntry>& entries() const { return entries_; }
  // Children, children's children and so on, `ancestor` itself not among them.
  std::vector<ProcessEntry> descendants(pid_t ancestor) const;

 private:
  std::vector<ProcessEntry> entries_;
};

// The text of /proc/<pid>/stat; false when it is not one.
bool parse_process_stat(std::string_view text, ProcessEntry& entry);

uint64_t rss_bytes(const std::vector<ProcessEntry>& processes);

// CPU time of every living descendant of this process, and of what these have waited for. Walks down from this process
// where the kernel lists children (CONFIG_PROC_CHILDREN), which costs a few microseconds; else reads all of /proc.
uint64_t cpu_us_of_descendants();

// Sends the signal to every living descendant of this process, and to no other one: also if a pid is used again
// meanwhile. Returns how many it found. Repeat until there is none: a process that forks may outrun one pass.
// `but`: one that is left out.
size_t signal_descendants(int signal, pid_t but = 0);

// Kills the descendants of this process that are neither one of `keepers` nor a descendant of one.
size_t kill_orphans(const std::vector<pid_t>& keepers);

}  // namespace bramble::warden
