// The warden's state directory, and the files of one attempt in it. Keepers write, the warden reads and forgets.
//
//   DIR/warden.sock            the agent connects here
//   DIR/warden.lock            held by the running warden
//   DIR/slots/<n>.lock         held by keeper n: free means that its tasks are dead
//   DIR/spare/<n>/             forgotten attempts' directories, to be used again
//   DIR/kernels/<n>/           the working directory of the kernel that keeper n has
//   DIR/trash/                 what nobody needs, until a keeper has removed it
//   DIR/attempts/<store>.<job>.<task>.<attempt>/
//     start.json               the start record, until
//     exit.json                the exit record takes its place: the same file under another name
//     work/                    the task's working directory; gone when it ends, or empty if it was never touched
//     stdout, stderr           absent while nothing was written
//
// Directories are used again because making and deleting them is what costs most of a short task's time on a disk (and
// wears an SD card): ext4 takes ten times as long for new inodes as for renaming and overwriting old ones. Nothing is
// synced: after a power cut a record may hold its file's earlier contents, which is why exit records are checked for
// the attempt's name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/warden/users.hpp"
#include "common/base/result.hpp"
#include "common/wire/warden_messages.hpp"

namespace bramble::warden {

class Layout {
 public:
  explicit Layout(std::string root) : root_(std::move(root)) {}

  const std::string& root() const { return root_; }
  std::string socket() const { return root_ + "/warden.sock"; }
  std::string lock() const { return root_ + "/warden.lock"; }
  std::string slots() const { return root_ + "/slots"; }
  std::string slot_lock(uint32_t slot) const { return slots() + "/" + std::to_string(slot) + ".lock"; }
  std::string spares() const { return root_ + "/spare"; }
  std::string kernels() const { return root_ + "/kernels"; }
  std::string kernel(uint32_t slot) const { return kernels() + "/" + std::to_string(slot); }
  std::string trash() const { return root_ + "/trash"; }
  std::string attempts() const { return root_ + "/attempts"; }
  std::string attempt(const wire::WardenTask& task) const { return attempts() + "/" + directory_name(task); }

 private:
  std::string root_;
};

// Makes the directories. `group`: who may read the outputs besides this process' user.
Status make_layout(const Layout& layout, std::optional<gid_t> group);

// How a working directory looked before the task: untouched afterwards, it can be used again.
struct WorkMark {
  int64_t changed_ns = 0;
  mode_t mode = 0;
};

// The attempt's directory with start record and working directory: made, or, where it exists, an old one used again. On
// an error nothing is left behind.
Result<WorkMark> create_attempt(const std::string& directory, std::string_view start_record, const RunAs* run_as);

// A kernel's working directory, empty; what lay there is removed.
Status make_kernel_directory(const std::string& directory, const RunAs* run_as);

// Takes the start record's place, also on a disk that is full.
Status write_exit_record(const std::string& directory, std::string_view text);
Result<wire::WardenExited> read_exit_record(const Layout& layout, const wire::WardenTask& task);

// Removes the working directory, or leaves it if it is as it was.
Status clear_work(const std::string& directory, const WorkMark& before);

// Makes an ended attempt's directory a spare. False: it cannot be one and must be removed.
bool make_spare(const std::string& directory, const std::string& spare);

// For an attempt whose processes are dead and that has no exit record: writes one that says so, and moves the working
// directory to the trash.
Status bury_attempt(const Layout& layout, const wire::WardenTask& task, const std::string& why);
Status discard_spares(const Layout& layout);
void empty_trash(const Layout& layout);

struct FoundAttempts {
  std::vector<wire::WardenTask> exited;  // with an exit record
  std::vector<wire::WardenTask> lost;    // with a start record only
};

// What an earlier warden left. Directories without any record (a crash in create_attempt) are removed.
Result<FoundAttempts> find_attempts(const Layout& layout);

}  // namespace bramble::warden
