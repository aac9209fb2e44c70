#include "agent/warden/layout.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "common/posix/error.hpp"
#include "common/posix/files.hpp"
#include "common/posix/log.hpp"
#include "common/posix/unique_fd.hpp"
#include "common/posix/uuid.hpp"

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

// In place: an old record's file keeps its inode and its block.
Status write_record(const std::string& path, std::string_view text) {
  const posix::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, kRecordMode));
  if (!fd) return posix::system_failure("cannot write " + path, errno);
  const ssize_t written = ::write(fd.get(), text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size())) {
    return posix::system_failure("cannot write " + path, written < 0 ? errno : ENOSPC);
  }
  if (::ftruncate(fd.get(), written) != 0) return posix::system_failure("cannot shorten " + path, errno);
  return {};
}

Result<WorkMark> mark_of(const std::string& work) {
  struct stat info {};
  if (::lstat(work.c_str(), &info) != 0) return posix::system_failure("cannot look at " + work, errno);
  return WorkMark{int64_t{info.st_ctim.tv_sec} * 1'000'000'000 + info.st_ctim.tv_nsec, info.st_mode};
}

}  // namespace

Status make_kernel_directory(const std::string& directory, const RunAs* run_as) {
  if (const Status removed = posix::remove_tree(directory); !removed) return removed;
  return make_work(directory, run_as);
}

namespace {

Status make_attempt(const std::string& directory, const RunAs* run_as) {
  if (::mkdir(directory.c_str(), kAttemptMode) == 0) return make_work(directory + "/work", run_as);
  if (errno == EEXIST) return {};
  return posix::system_failure("cannot make the attempt's directory " + directory, errno);
}

uint64_t size_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

int64_t modified_wall_ms(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return 0;
  return int64_t{info.st_mtim.tv_sec} * 1000 + info.st_mtim.tv_nsec / 1'000'000;
}

}  // namespace

Status make_layout(const Layout& layout, std::optional<gid_t> group) {
  if (const Status made = posix::make_directories(layout.root(), 0711); !made) return made;
  for (const std::string& each : {layout.slots(), layout.spares(), layout.trash()}) {
    if (const Status made = posix::make_directories(each, 0700); !made) return made;
  }
  const std::string attempts = layout.attempts();
  for (const std::string& each : {attempts, layout.kernels()}) {
    if (const Status made = posix::make_directories(each, 0711); !made) return made;
  }
  if (!group) return {};
  // With the set-group-id bit every attempt's directory and files get the group by themselves.
  if (::chown(attempts.c_str(), static_cast<uid_t>(-1), *group) != 0 || ::chmod(attempts.c_str(), 02711) != 0) {
    return posix::system_failure("cannot give " + attempts + " to the group", errno);
  }
  return {};
}

Result<WorkMark> create_attempt(const std::string& directory, std::string_view start_record, const RunAs* run_as) {
  Status made = make_attempt(directory, run_as);
  if (made) made = write_record(directory + "/start.json", start_record);
  auto mark = made ? mark_of(directory + "/work") : tl::unexpected(made.error());
  if (!mark) static_cast<void>(posix::remove_tree(directory));
  return mark;
}

Status write_exit_record(const std::string& directory, std::string_view text) {
  const std::string start = directory + "/start.json";
  if (const Status written = write_record(start, text); !written) return written;
  if (::rename(start.c_str(), (directory + "/exit.json").c_str()) == 0) return {};
  return posix::system_failure("cannot rename " + start, errno);
}

Result<wire::WardenExited> read_exit_record(const Layout& layout, const wire::WardenTask& task) {
  const auto text = posix::read_file(layout.attempt(task) + "/exit.json", wire::kMaxWardenFrameBytes);
  if (!text) return tl::unexpected(text.error());
  auto exited = wire::decode_exit_record(*text);
  if (exited && exited->task != task) return fail(ErrorCode::corrupt, "it is another attempt's");
  return exited;
}

// The time of change alone would not do: it stands still for some milliseconds.
Status clear_work(const std::string& directory, const WorkMark& before) {
  const std::string work = directory + "/work";
  const auto after = mark_of(work);
  const bool same = after && after->changed_ns == before.changed_ns && after->mode == before.mode;
  if (same && posix::list_directory(work, 0)) return {};
  return posix::remove_tree(work);
}

bool make_spare(const std::string& directory, const std::string& spare) {
  if (!exists(directory + "/work")) return false;
  for (const char* name : {"/stdout", "/stderr"}) ::unlink((directory + name).c_str());
  if (::rename(directory.c_str(), spare.c_str()) != 0) return false;
  return ::rename((spare + "/exit.json").c_str(), (spare + "/start.json").c_str()) == 0;
}

Status bury_attempt(const Layout& layout, const wire::WardenTask& task, const std::string& why) {
  const std::string directory = layout.attempt(task);
  wire::WardenExited exited{task, {}};
  exited.result.outcome = wire::Outcome::warden_lost;
  exited.result.text = why;
  exited.result.started_wall_ms = modified_wall_ms(directory + "/start.json");
  exited.result.out.kept_bytes = size_of(directory + "/stdout");
  exited.result.err.kept_bytes = size_of(directory + "/stderr");
  const std::string trashed = layout.trash() + "/" + directory_name(task);
  if (::rename((directory + "/work").c_str(), trashed.c_str()) != 0 && errno != ENOENT) {
    posix::log_warning("cannot clear away a lost attempt's working directory",
                       {{"attempt", directory_name(task)}, {"error", posix::errno_text(errno)}});
  }
  return write_exit_record(directory, encode_exit_record(exited));
}

// An earlier warden's may be half made, or another user's.
Status discard_spares(const Layout& layout) {
  const std::string trashed = layout.trash() + "/" + posix::random_uuid();
  if (::rename(layout.spares().c_str(), trashed.c_str()) != 0 && errno != ENOENT) {
    return posix::system_failure("cannot clear away " + layout.spares(), errno);
  }
  return posix::make_directories(layout.spares(), 0700);
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
