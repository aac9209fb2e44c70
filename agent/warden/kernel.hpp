// The kernel of a keeper: a process that stays between batches of calls (agent/kernels/README.md).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "agent/warden/users.hpp"
#include "common/base/clock.hpp"
#include "common/base/result.hpp"
#include "common/posix/unique_fd.hpp"
#include "common/wire/warden_messages.hpp"

namespace bramble::warden {

class TaskCgroup;

// At most one at a time. It serves the batches of one job: jobs have other owners, limits and environments.
class Kernel {
 public:
  // `directory`: its working directory. `programs`: where kernels are looked for first; may be empty.
  Kernel(std::string directory, std::string programs)
      : directory_(std::move(directory)), programs_(std::move(programs)) {}

  const std::string& directory() const { return directory_; }
  const std::string& programs() const { return programs_; }

  bool runs() const { return pid_ > 0; }
  bool serves(const wire::WardenTask& task) const;

  // What the process is given. Kept open here as well, so that no pipe hangs up or breaks: who lives is asked of the
  // system, and a poll that is always ready would keep SIGCHLD from being heard.
  struct Ends {
    posix::UniqueFd in, out, err;
  };
  Result<const Ends*> make_pipes();
  void started(pid_t pid, const wire::WardenTask& task);
  void died();  // it was waited for; what it wrote last can still be read

  // Ours, not blocking; -1 before the first one.
  int in() const { return in_.get(); }
  int out() const { return out_.get(); }
  int err() const { return err_.get(); }
  pid_t pid() const { return pid_; }
  size_t unread_bytes() const;  // of what was written to it

  // A new one, empty and the user's.
  Status make_directory(const RunAs* run_as);

  // Has these files, and none of an earlier batch that this one does not name, lie in the directory.
  Status lay_files(const std::vector<wire::WardenFile>& files, const RunAs* agent, const RunAs* task);

  // It serves no batch any more, and its rest is over.
  void spoil() { spoiled_ = true; }

  void rest_until(MonoTime time) { rest_end_ = time; }
  std::optional<MonoTime> rest_end() const;

  // Kills all children of this process, which must be its and what came of it, and waits for them. Its directory is
  // removed, also where it had ended by itself.
  void end(TaskCgroup* cgroup);

 private:
  void remove_directory();

  std::string directory_;
  std::string programs_;
  pid_t pid_ = 0;
  StoreId store_;
  JobId job_ = 0;
  Ends theirs_;
  posix::UniqueFd in_;
  posix::UniqueFd out_;
  posix::UniqueFd err_;
  std::optional<MonoTime> rest_end_;
  bool spoiled_ = false;
  bool has_directory_ = true;  // an earlier warden may have left one
  std::vector<wire::WardenFile> files_;
};

}  // namespace bramble::warden
