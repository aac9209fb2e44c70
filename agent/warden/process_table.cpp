#include "agent/warden/process_table.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdio>

#include "common/posix/unique_fd.hpp"

namespace bramble::warden {
namespace {

constexpr size_t kMaxProcesses = 1 << 20;

template <typename Number>
bool parse_number(std::string_view text, Number& number) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

bool read_entry(const std::string& proc, pid_t pid, ProcessEntry& entry) {
  const std::string path = proc + "/" + std::to_string(pid) + "/stat";
  const posix::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return false;
  std::array<char, 1024> buffer{};
  const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
  return got > 0 && parse_process_stat({buffer.data(), static_cast<size_t>(got)}, entry) && entry.pid == pid;
}

// The pidfd names one process; that it is the one of the snapshot is seen by its time of start, read afterwards.
bool signal_exactly(const ProcessEntry& target, int signal) {
  const posix::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, target.pid, 0)));
  ProcessEntry again;
  if (!pidfd || !read_entry("/proc", target.pid, again) || again.start_ticks != target.start_ticks) return false;
  return ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0;
}

size_t signal_all(const std::vector<ProcessEntry>& targets, int signal) {
  size_t living = 0;
  for (const ProcessEntry& each : targets) {
    if (each.zombie) continue;
    ++living;
    signal_exactly(each, signal);
  }
  return living;
}

}  // namespace

// "pid (name) state ppid ..."; the name may hold anything, ") R 1" too, so what follows begins after the last ')'.
bool parse_process_stat(std::string_view text, ProcessEntry& entry) {
  const size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos || !parse_number(text.substr(0, text.find(' ')), entry.pid)) return false;
  std::string_view rest = text.substr(name_end + 1);
  entry.cpu_ticks = 0;
  for (int field = 3; field <= 24; ++field) {  // numbered as in proc(5)
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(word.size());
    if (word.empty()) return false;
    if (field == 3) entry.zombie = word == "Z" || word == "X";
    if (field == 4 && !parse_number(word, entry.parent)) return false;
    if (field >= 14 && field <= 17) {
      uint64_t ticks = 0;
      if (!parse_number(word, ticks)) return false;
      entry.cpu_ticks += ticks;
    }
    if (field == 22 && !parse_number(word, entry.start_ticks)) return false;
    if (field == 24 && !parse_number(word, entry.rss_pages)) return false;
  }
  return true;
}

ProcessTable ProcessTable::read(const std::string& proc) {
  std::vector<ProcessEntry> entries;
  DIR* dir = ::opendir(proc.c_str());
  if (dir == nullptr) return ProcessTable({});
  while (const dirent* name = ::readdir(dir)) {
    pid_t pid = 0;
    ProcessEntry entry;
    if (!parse_number(std::string_view(name->d_name), pid)) continue;
    if (read_entry(proc, pid, entry) && entries.size() < kMaxProcesses) entries.push_back(entry);
  }
  ::closedir(dir);
  return ProcessTable(std::move(entries));
}

std::vector<ProcessEntry> ProcessTable::descendants(pid_t ancestor) const {
  std::vector<ProcessEntry> by_parent = entries_;
  std::sort(by_parent.begin(), by_parent.end(), [](const auto& a, const auto& b) { return a.parent < b.parent; });
  std::vector<ProcessEntry> found;
  const auto add_children = [&](pid_t parent) {
    const auto less = [](const auto& a, const auto& b) { return a.parent < b.parent; };
    ProcessEntry key;
    key.parent = parent;
    const auto [first, last] = std::equal_range(by_parent.begin(), by_parent.end(), key, less);
    found.insert(found.end(), first, last);
  };
  add_children(ancestor);
  // A pid used again during the reading could make a ring: never more than there are.
  for (size_t i = 0; i < found.size() && found.size() <= entries_.size(); ++i) add_children(found[i].pid);
  return found;
}

uint64_t rss_bytes(const std::vector<ProcessEntry>& processes) {
  static const auto page_bytes = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  uint64_t pages = 0;
  for (const ProcessEntry& each : processes) pages += each.rss_pages;
  return pages * page_bytes;
}

namespace {

constexpr size_t kMaxWalked = 4096;  // processes of one task

// The pids in /proc/<pid>/task/<pid>/children are those that this thread has forked; a process of many threads may have
// forked in another. False where the kernel has no such file.
bool add_children(pid_t pid, std::vector<pid_t>& found) {
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  DIR* dir = ::opendir(tasks.c_str());
  if (dir == nullptr) return true;  // it ended meanwhile
  bool supported = true;
  while (const dirent* thread = ::readdir(dir)) {
    if (thread->d_name[0] == '.') continue;
    const posix::UniqueFd fd(::open((tasks + "/" + thread->d_name + "/children").c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
      supported = ::access((tasks + "/" + thread->d_name).c_str(), F_OK) != 0;
      if (!supported) break;
      continue;
    }
    std::array<char, 4096> buffer{};
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    std::string_view text(buffer.data(), got > 0 ? static_cast<size_t>(got) : 0);
    while (!text.empty() && found.size() < kMaxWalked) {
      const std::string_view word = text.substr(0, text.find(' '));
      pid_t child = 0;
      if (parse_number(word, child)) found.push_back(child);
      text.remove_prefix(std::min(word.size() + 1, text.size()));
    }
  }
  ::closedir(dir);
  return supported;
}

}  // namespace

uint64_t cpu_us_of_descendants() {
  static const auto ticks_per_s = static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
  uint64_t ticks = 0;
  std::vector<pid_t> found;
  bool walked = add_children(::getpid(), found);
  for (size_t i = 0; walked && i < found.size(); ++i) {
    ProcessEntry entry;
    if (read_entry("/proc", found[i], entry)) ticks += entry.cpu_ticks;
    walked = add_children(found[i], found);
  }
  if (!walked) {
    ticks = 0;
    for (const ProcessEntry& each : ProcessTable::read().descendants(::getpid())) ticks += each.cpu_ticks;
  }
  return ticks * 1'000'000 / ticks_per_s;
}

size_t signal_descendants(int signal, pid_t but) {
  std::vector<ProcessEntry> targets = ProcessTable::read().descendants(::getpid());
  std::erase_if(targets, [but](const ProcessEntry& each) { return each.pid == but; });
  return signal_all(targets, signal);
}

size_t kill_orphans(const std::vector<pid_t>& keepers) {
  // Without their parents' entries the keepers and all below them are no descendants of this process.
  std::vector<ProcessEntry> entries = ProcessTable::read().entries();
  std::erase_if(entries, [&](const ProcessEntry& each) {
    return std::find(keepers.begin(), keepers.end(), each.pid) != keepers.end();
  });
  return signal_all(ProcessTable(std::move(entries)).descendants(::getpid()), SIGKILL);
}

}  // namespace bramble::warden
