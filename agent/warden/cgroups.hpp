// Control groups (cgroup v2): how the kernel itself holds tasks to their limits.
//
//   <the warden's own group>/       given to it by systemd (Delegate=yes)
//     warden/                       the warden and its keepers
//     tasks/                        all tasks: their memory together ends before the machine's
//       task-0/ task-1/ ...         one for each slot: the tasks that run there, one after the other
//
// A group is kept from task to task: making one costs more than a short task, and a group that is removed stays in the
// kernel's memory until its page cache is gone. It is made anew only after cgroup.kill: a kernel
// 6.18 was seen to kill whatever is born into a group by clone3() that was ever killed.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/result.hpp"
#include "common/posix/unique_fd.hpp"
#include "common/wire/messages.hpp"

namespace bramble::warden {

// Processes and threads that one task may have at once, at most: far above what work needs, far below what takes a Pi
// down. Where memory is small the kernel allows fewer, in all and to one user, and all slots together get half of
// these: what one task does takes nothing from another.
inline constexpr uint32_t kMaxTaskProcesses = 4096;
inline constexpr uint32_t kMinTaskProcesses = 64;

// What the kernel enforces in a task's group.
struct Controllers {
  bool memory = false;
  bool cpu = false;
  bool pids = false;
  uint32_t max_processes = kMaxTaskProcesses;
};

// How the kernel had to intervene during a task.
struct Interventions {
  bool over_memory = false;         // it reached its own limit and was killed
  bool node_out_of_memory = false;  // it was killed because the whole node had no memory left
  bool reached_max_processes = false;
};

// The group of one slot, in its keeper's hands.
class TaskCgroup {
 public:
  // An error: it cannot be made, or has no place for processes.
  static Result<TaskCgroup> open(const std::string& directory, Controllers controllers);

  // Sets the limits of the next task and forgets what happened before.
  Status prepare(const wire::TaskSpec& spec);
  int directory_fd() const { return directory_fd_.get(); }  // to be born into,
  bool takes_births() const { return !stale_; }             // if it takes them
  int procs_fd() const { return procs_fd_.get(); }          // to write "0" to, where that is not to be had

  void kill();  // all that is in it, where the kernel can
  Interventions interventions() const;
  uint32_t max_processes() const { return controllers_.max_processes; }

 private:
  struct Counts {
    uint64_t memory_limit_hits = 0;
    uint64_t memory_kills = 0;
    uint64_t process_limit_hits = 0;
  };

  Status renew();
  Status set(const char* file, std::string& is, const std::string& wanted);
  Counts counts() const;

  std::string directory_;
  Controllers controllers_;
  posix::UniqueFd directory_fd_;
  posix::UniqueFd procs_fd_;
  bool stale_ = false;      // something was killed in it, or it is somebody's before: to be made anew
  std::string memory_max_;  // as written last
  std::string swap_max_;
  std::string cpu_max_;
  std::string pids_max_;
  Counts before_;
};

class Cgroups {
 public:
  // Moves this process into the group "warden" below its own, if that is a group of its own. `root` stands before every
  // path: a parameter for tests. Where there is no such group all stays as it is, and why_not() says so.
  static Cgroups take_over(uint32_t slots, const std::string& root = "");

  bool usable() const { return !directory_.empty(); }
  const std::string& why_not() const { return why_not_; }
  Controllers controllers() const { return controllers_; }
  wire::Containment containment() const;
  std::string task_directory(uint32_t slot) const { return tasks() + "/task-" + std::to_string(slot); }

  void kill(uint32_t slot) const;    // what a dead keeper's task has left
  void remove(uint32_t slot) const;  // when nothing is in it any more

 private:
  Status find(const std::string& root);
  Status move_in();
  Status share_with_tasks();
  void leave_a_reserve(const std::string& root) const;
  Status make_slots(uint32_t slots) const;
  std::string tasks() const { return directory_ + "/tasks"; }

  std::string directory_;
  std::string why_not_;
  Controllers controllers_;
};

}  // namespace bramble::warden
