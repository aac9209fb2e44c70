// The warden's state directory, and the files of one attempt in it. Keepers write, the warden reads and forgets.
//
//   DIR/warden.sock            the agent connects here
//   DIR/warden.lock            held by the running warden
//   DIR/slots/<n>.lock         held by keeper n: free means that its tasks are dead
//   DIR/trash/                 working directories of lost attempts, until a keeper has removed them
//   DIR/attempts/<store>.<job>.<task>.<attempt>/
//     start.json               the start record: here until exit.json is, at least
//     work/                    the task's working directory, gone when it ends
//     stdout, stderr           absent while nothing was written
//     exit.json                the exit record
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
  std::string trash() const { return root_ + "/trash"; }
  std::string attempts() const { return root_ + "/attempts"; }
  std::string attempt(const wire::WardenTask& task) const { return attempts() + "/" + directory_name(task); }

 private:
  std::string root_;
};

// Makes the directories. `group`: who may read the outputs besides this process' user.
Status make_layout(const Layout& layout, std::optional<gid_t> group);

// The attempt's directory with start record and working directory. On an error nothing is left behind.
Status create_attempt(const std::string& directory, std::string_view start_record, const RunAs* run_as);

// Also on a disk that is full: then it takes the start record's place.
Status write_exit_record(const std::string& directory, const std::string& text);
Result<std::string> read_exit_record(const std::string& directory);

Status remove_work(const std::string& directory);
Status forget_attempt(const std::string& directory);

// For an attempt whose processes are dead and that has no exit record: writes one that says so, and moves the working
// directory to the trash.
Status bury_attempt(const Layout& layout, const wire::WardenTask& task, const std::string& why);
void empty_trash(const Layout& layout);

struct FoundAttempts {
  std::vector<wire::WardenTask> exited;  // with an exit record
  std::vector<wire::WardenTask> lost;    // with a start record only
};

// What an earlier warden left. Directories without any record (a crash in create_attempt) are removed.
Result<FoundAttempts> find_attempts(const Layout& layout);

}  // namespace bramble::warden
