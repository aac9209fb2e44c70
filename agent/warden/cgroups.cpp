#include "agent/warden/cgroups.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <vector>

#include "common/base/memory_share.hpp"
#include "common/posix/error.hpp"
#include "common/posix/files.hpp"

namespace bramble::warden {
namespace {

constexpr size_t kMaxFileBytes = 1 << 20;
constexpr uint64_t kCpuPeriodUs = 100'000;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(separator));
    if (!part.empty()) parts.push_back(part);
    text.remove_prefix(std::min(part.size() + 1, text.size()));
  }
  return parts;
}

std::string text_of(const std::string& path) { return posix::read_file(path, kMaxFileBytes).value_or(""); }

// In place and in one write, as the kernel's files want it; never makes one.
Status write_to(const std::string& path, std::string_view text) {
  const posix::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return posix::system_failure("cannot open " + path, errno);
  if (::write(fd.get(), text.data(), text.size()) < 0) return posix::system_failure("cannot write " + path, errno);
  return {};
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// "0::/system.slice/bramble-warden.service"
std::string own_group(const std::string& root) {
  const std::string text = text_of(root + "/proc/self/cgroup");
  for (const std::string_view line : split(text, '\n')) {
    if (line.starts_with("0::/")) return std::string(line.substr(3));
  }
  return {};
}

struct Mount {
  std::string root;   // which part of the tree is mounted
  std::string point;  // where
};

// "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw"
std::vector<Mount> cgroup2_mounts(const std::string& root) {
  std::vector<Mount> mounts;
  const std::string text = text_of(root + "/proc/self/mountinfo");
  for (const std::string_view line : split(text, '\n')) {
    const auto words = split(line, ' ');
    const auto dash = std::find(words.begin(), words.end(), "-");
    const bool is_cgroup2 = words.end() - dash > 1 && dash[1] == "cgroup2" && dash - words.begin() >= 6;
    if (is_cgroup2) mounts.push_back({std::string(words[3]), std::string(words[4])});
  }
  return mounts;
}

// The number behind a name in lines of "name number".
uint64_t count_in(const std::string& path, std::string_view name) {
  const std::string text = text_of(path);
  for (const std::string_view line : split(text, '\n')) {
    const auto words = split(line, ' ');
    if (words.size() != 2 || words[0] != name) continue;
    uint64_t count = 0;
    std::from_chars(words[1].data(), words[1].data() + words[1].size(), count);
    return count;
  }
  return 0;
}

// Of what this kernel can have at all a half, which is what one user may have unless somebody set that; shared by the
// slots.
uint32_t task_processes(const std::string& root, uint32_t slots) {
  const std::string text = text_of(root + "/proc/sys/kernel/threads-max");
  uint32_t all = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), all).ec != std::errc()) return kMaxTaskProcesses;
  return std::clamp(all / 2 / std::max<uint32_t>(slots, 1), kMinTaskProcesses, kMaxTaskProcesses);
}

// The machine's. 0: nobody says it.
uint64_t memory_bytes(const std::string& root) {
  const std::string text = text_of(root + "/proc/meminfo");
  for (const std::string_view line : split(text, '\n')) {
    const auto words = split(line, ' ');
    uint64_t kib = 0;
    if (words.size() != 3 || words[0] != "MemTotal:") continue;
    std::from_chars(words[1].data(), words[1].data() + words[1].size(), kib);
    return kib * 1024;
  }
  return 0;
}

bool enable(const std::string& directory, const std::string& controller) {
  const std::string text = text_of(directory + "/cgroup.controllers");
  const std::string_view available(text.data(), std::min(text.size(), text.find('\n')));
  for (const std::string_view word : split(available, ' ')) {
    if (word == controller) return write_to(directory + "/cgroup.subtree_control", "+" + controller).has_value();
  }
  return false;
}

}  // namespace

// --- TaskCgroup ---

Result<TaskCgroup> TaskCgroup::open(const std::string& directory, Controllers controllers) {
  TaskCgroup group;
  group.directory_ = directory;
  group.controllers_ = controllers;
  if (const Status made = group.renew(); !made) return tl::unexpected(made.error());
  return group;
}

Status TaskCgroup::renew() {
  ::rmdir(directory_.c_str());
  stale_ = false;
  if (::mkdir(directory_.c_str(), 0755) != 0) {
    if (errno != EEXIST) return posix::system_failure("cannot make the control group " + directory_, errno);
    stale_ = true;  // the old one would not go yet
  }
  directory_fd_.reset(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  procs_fd_.reset(::open((directory_ + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  if (!directory_fd_ || !procs_fd_) return posix::system_failure("cannot use the control group " + directory_, errno);
  for (std::string* each : {&memory_max_, &swap_max_, &cpu_max_, &pids_max_}) each->clear();
  // All of a task or nothing: what survived its own worker would hang.
  if (!exists(directory_ + "/memory.oom.group")) return {};
  return write_to(directory_ + "/memory.oom.group", "1");
}

Status TaskCgroup::set(const char* file, std::string& is, const std::string& wanted) {
  if (is == wanted) return {};
  if (const Status written = write_to(directory_ + "/" + file, wanted); !written) return written;
  is = wanted;
  return {};
}

Status TaskCgroup::prepare(const wire::TaskSpec& spec) {
  const bool limited = spec.memory_bytes > 0;
  Status done = stale_ ? renew() : Status{};
  // No swap beside a limit: it would be a limit of how fast a card wears out.
  if (done && controllers_.memory && exists(directory_ + "/memory.swap.max")) {
    done = set("memory.swap.max", swap_max_, limited ? "0" : "max");
  }
  if (done && controllers_.memory) {
    done = set("memory.max", memory_max_, limited ? std::to_string(spec.memory_bytes) : "max");
  }
  if (done && controllers_.cpu) {
    const uint64_t quota_us = uint64_t{std::max<uint32_t>(spec.cpus, 1)} * kCpuPeriodUs;
    done = set("cpu.max", cpu_max_, std::to_string(quota_us) + " " + std::to_string(kCpuPeriodUs));
  }
  if (done && controllers_.pids) done = set("pids.max", pids_max_, std::to_string(controllers_.max_processes));
  if (!done) return in_context("cannot set the task's limits", done.error());
  before_ = counts();
  return {};
}

TaskCgroup::Counts TaskCgroup::counts() const {
  Counts counts;
  if (controllers_.memory) {
    counts.memory_limit_hits = count_in(directory_ + "/memory.events", "oom");
    counts.memory_kills = count_in(directory_ + "/memory.events", "oom_kill");
  }
  if (controllers_.pids) counts.process_limit_hits = count_in(directory_ + "/pids.events", "max");
  return counts;
}

Interventions TaskCgroup::interventions() const {
  const Counts now = counts();
  const bool killed = now.memory_kills > before_.memory_kills;
  const bool at_its_limit = now.memory_limit_hits > before_.memory_limit_hits;
  return {killed && at_its_limit, killed && !at_its_limit, now.process_limit_hits > before_.process_limit_hits};
}

// Also what a keeper could not find: nothing leaves a control group by forking. Missing before Linux 5.14.
void TaskCgroup::kill() {
  if (write_to(directory_ + "/cgroup.kill", "1")) stale_ = true;
}

// --- Cgroups ---

Cgroups Cgroups::take_over(uint32_t slots, const std::string& root) {
  Cgroups groups;
  Status done = groups.find(root);
  if (done) done = groups.move_in();
  groups.controllers_.max_processes = task_processes(root, slots);
  if (done) done = groups.share_with_tasks();
  if (done) done = groups.make_slots(slots);
  if (done) {
    groups.leave_a_reserve(root);
    return groups;
  }
  groups.directory_.clear();
  groups.controllers_ = {};
  groups.why_not_ = done.error().message;
  return groups;
}

Status Cgroups::find(const std::string& root) {
  const std::string group = own_group(root);
  if (group.empty()) return fail("this kernel has no control groups of version 2");
  for (const Mount& mount : cgroup2_mounts(root)) {
    const std::string prefix = mount.root == "/" ? "" : mount.root;
    if (!group.starts_with(prefix)) continue;
    directory_ = root + mount.point + group.substr(prefix.size());
    if (directory_.ends_with('/')) directory_.pop_back();
    return {};
  }
  return fail("no control groups of version 2 are mounted");
}

// A group that others are in, too (a login's, a container's) is not this process' to divide.
Status Cgroups::move_in() {
  const std::string procs = text_of(directory_ + "/cgroup.procs");
  const auto pids = split(procs, '\n');
  const std::string own = std::to_string(::getpid());
  if (pids.size() != 1 || pids.front() != own) {
    return fail("the warden has no control group of its own: start it as a unit with Delegate=yes");
  }
  const std::string below = directory_ + "/warden";
  if (::mkdir(below.c_str(), 0755) != 0 && errno != EEXIST) {
    return posix::system_failure("cannot make the control group " + below, errno);
  }
  return write_to(below + "/cgroup.procs", own);
}

Status Cgroups::share_with_tasks() {
  if (::mkdir(tasks().c_str(), 0755) != 0 && errno != EEXIST) {
    return posix::system_failure("cannot make the control group " + tasks(), errno);
  }
  const auto enabled = [this](const char* controller) {
    return enable(directory_, controller) && enable(tasks(), controller);
  };
  controllers_.memory = enabled("memory");
  controllers_.cpu = enabled("cpu");
  controllers_.pids = enabled("pids");
  return {};
}

// Where it cannot be set, tasks take what they get, as without control groups.
void Cgroups::leave_a_reserve(const std::string& root) const {
  const uint64_t all = memory_bytes(root);
  const uint64_t share = memory_for_tasks(all);
  if (controllers_.memory && share < all) static_cast<void>(write_to(tasks() + "/memory.max", std::to_string(share)));
}

// Here already, so that what is said about this node holds. What an earlier warden left in them is dead or dies now.
Status Cgroups::make_slots(uint32_t slots) const {
  for (uint32_t slot = 0; slot < slots; ++slot) {
    auto group = TaskCgroup::open(task_directory(slot), controllers_);
    if (!group) return tl::unexpected(group.error());
    if (!group->takes_births()) group->kill();
  }
  return {};
}

wire::Containment Cgroups::containment() const {
  using wire::Enforcement;
  const auto by = [](bool kernel, Enforcement otherwise) { return kernel ? Enforcement::kernel : otherwise; };
  wire::Containment containment;
  containment.memory = by(controllers_.memory, Enforcement::polled);
  containment.cpus = by(controllers_.cpu, Enforcement::none);
  containment.processes = by(controllers_.pids, Enforcement::none);
  return containment;
}

void Cgroups::kill(uint32_t slot) const {
  if (usable()) static_cast<void>(write_to(task_directory(slot) + "/cgroup.kill", "1"));
}

void Cgroups::remove(uint32_t slot) const {
  if (usable()) ::rmdir(task_directory(slot).c_str());
}

}  // namespace bramble::warden
