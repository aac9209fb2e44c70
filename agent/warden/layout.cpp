#include "agent/warden/layout.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "common/posix/error.hpp"
#include "common/posix/files.hpp"
#include "common/posix/log.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::warden {
namespace {

constexpr mode_t kRecordMode = 0640;
constexpr mode_t kAttemptMode = 0751;  // the task's user passes through to work/, and sees nothing else

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Status make_work(const std::string& work, const RunAs* run_as) {
  if (::mkdir(work.c_str(), 0700) != 0) return posix::system_failure("cannot make the working directory", errno);
  if (run_as != nullptr && ::chown(work.c_str(), run_as->uid, run_as->gid) != 0) {
    return posix::system_failure("cannot give the working directory to the task's user", errno);
  }
  return {};
}

// One write, no rename: a reader that finds half a record finds an attempt without a complete one, which is lost.
Status write_record(const std::string& path, std::string_view text, int flags) {
  const posix::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, kRecordMode));
  if (!fd) return posix::system_failure("cannot write " + path, errno);
  const ssize_t written = ::write(fd.get(), text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size())) {
    return posix::system_failure("cannot write " + path, written < 0 ? errno : ENOSPC);
  }
  if (flags == 0 && ::ftruncate(fd.get(), written) != 0) return posix::system_failure("cannot shorten " + path, errno);
  return {};
}

Status rename_file(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return posix::system_failure("cannot rename " + from, errno);
  return {};
}

}  // namespace

Status make_layout(const Layout& layout, std::optional<gid_t> group) {
  if (const Status made = posix::make_directories(layout.root(), 0711); !made) return made;
  for (const std::string& each : {layout.slots(), layout.trash()}) {
    if (const Status made = posix::make_directories(each, 0700); !made) return made;
  }
  const std::string attempts = layout.attempts();
  if (const Status made = posix::make_directories(attempts, 0711); !made) return made;
  if (!group) return {};
  // With the set-group-id bit every attempt's directory and files get the group by themselves.
  if (::chown(attempts.c_str(), static_cast<uid_t>(-1), *group) != 0 || ::chmod(attempts.c_str(), 02711) != 0) {
    return posix::system_failure("cannot give " + attempts + " to the group", errno);
  }
  return {};
}

Status create_attempt(const std::string& directory, std::string_view start_record, const RunAs* run_as) {
  if (::mkdir(directory.c_str(), kAttemptMode) != 0) {
    return posix::system_failure("cannot make the attempt's directory " + directory, errno);
  }
  Status made = make_work(directory + "/work", run_as);
  if (made) made = write_record(directory + "/start.json", start_record, O_CREAT | O_EXCL);
  if (!made) static_cast<void>(posix::remove_tree(directory));
  return made;
}

Status write_exit_record(const std::string& directory, const std::string& text) {
  const std::string path = directory + "/exit.json";
  const std::string temporary = path + ".tmp";
  Status written = write_record(temporary, text, O_CREAT | O_TRUNC);
  if (written) return rename_file(temporary, path);
  ::unlink(temporary.c_str());
  // The start record has a block on the disk already, and its time is over.
  const std::string start = directory + "/start.json";
  if (!write_record(start, text, 0)) return written;
  return rename_file(start, path);
}

Result<std::string> read_exit_record(const std::string& directory) {
  return posix::read_file(directory + "/exit.json", wire::kMaxWardenFrameBytes);
}

Status remove_work(const std::string& directory) {
  const std::string work = directory + "/work";
  if (::rmdir(work.c_str()) == 0) return {};
  return posix::remove_tree(work);
}

Status forget_attempt(const std::string& directory) {
  for (const char* name : {"/exit.json", "/start.json", "/stdout", "/stderr"}) {
    ::unlink((directory + name).c_str());
  }
  if (::rmdir(directory.c_str()) == 0) return {};
  return posix::remove_tree(directory);
}

Status bury_attempt(const Layout& layout, const wire::WardenTask& task, const std::string& why) {
  const std::string directory = layout.attempt(task);
  wire::WardenExited exited{task, {}};
  exited.result.outcome = wire::Outcome::warden_lost;
  exited.result.text = why;
  struct stat info {};
  if (::stat((directory + "/start.json").c_str(), &info) == 0) {
    exited.result.started_wall_ms = int64_t{info.st_mtim.tv_sec} * 1000 + info.st_mtim.tv_nsec / 1'000'000;
  }
  if (::stat((directory + "/stdout").c_str(), &info) == 0)
    exited.result.out.kept_bytes = static_cast<uint64_t>(info.st_size);
  if (::stat((directory + "/stderr").c_str(), &info) == 0)
    exited.result.err.kept_bytes = static_cast<uint64_t>(info.st_size);
  const std::string trashed = layout.trash() + "/" + directory_name(task);
  if (::rename((directory + "/work").c_str(), trashed.c_str()) != 0 && errno != ENOENT) {
    posix::log_warning("cannot clear away a lost attempt's working directory",
                       {{"attempt", directory_name(task)}, {"error", posix::errno_text(errno)}});
  }
  return write_exit_record(directory, encode_exit_record(exited));
}

void empty_trash(const Layout& layout) {
  const auto names = posix::list_directory(layout.trash());
  if (!names) return;
  for (const std::string& name : *names) {
    const Status removed = posix::remove_tree(layout.trash() + "/" + name);
    if (!removed) posix::log_warning("cannot empty the trash", {{"error", removed.error().message}});
  }
}

Result<FoundAttempts> find_attempts(const Layout& layout) {
  const auto names = posix::list_directory(layout.attempts());
  if (!names) return tl::unexpected(names.error());
  FoundAttempts found;
  for (const std::string& name : *names) {
    const auto task = wire::parse_directory_name(name);
    const std::string directory = layout.attempts() + "/" + name;
    if (!task) {
      posix::log_warning("left alone: not an attempt's directory", {{"path", directory}});
    } else if (exists(directory + "/exit.json")) {
      found.exited.push_back(*task);
    } else if (exists(directory + "/start.json")) {
      found.lost.push_back(*task);
    } else if (const Status removed = posix::remove_tree(directory); !removed) {
      posix::log_warning("cannot remove an attempt that never started", {{"error", removed.error().message}});
    }
  }
  return found;
}

}  // namespace bramble::warden
