#include "agent/warden/kernel.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <iterator>
#include <utility>

#include "agent/warden/cgroups.hpp"
#include "agent/warden/inputs.hpp"
#include "agent/warden/layout.hpp"
#include "agent/warden/process_table.hpp"
#include "common/posix/error.hpp"
#include "common/posix/files.hpp"
#include "common/posix/log.hpp"

namespace bramble::warden {
namespace {

struct Pipe {
  posix::UniqueFd read_end;
  posix::UniqueFd write_end;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return posix::system_failure("cannot make a pipe", errno);
  return Pipe{posix::UniqueFd(ends[0]), posix::UniqueFd(ends[1])};
}

Status do_not_block(int fd) {
  if (::fcntl(fd, F_SETFL, O_NONBLOCK) == 0) return {};
  return posix::system_failure("cannot set up a pipe", errno);
}

}  // namespace

bool Kernel::serves(const wire::WardenTask& task) const {
  return runs() && !spoiled_ && task.store == store_ && task.id.job == job_;
}

Result<const Kernel::Ends*> Kernel::make_pipes() {
  auto in = make_pipe();
  auto out = make_pipe();
  auto err = make_pipe();
  for (const auto* pipe : {&in, &out, &err}) {
    if (!*pipe) return tl::unexpected(pipe->error());
  }
  for (const int ours : {in->write_end.get(), out->read_end.get(), err->read_end.get()}) {
    if (const Status set = do_not_block(ours); !set) return tl::unexpected(set.error());
  }
  in_ = std::move(in->write_end);
  out_ = std::move(out->read_end);
  err_ = std::move(err->read_end);
  theirs_ = {std::move(in->read_end), std::move(out->write_end), std::move(err->write_end)};
  return &theirs_;
}

void Kernel::started(pid_t pid, const wire::WardenTask& task) {
  pid_ = pid;
  store_ = task.store;
  job_ = task.id.job;
  rest_end_.reset();
  spoiled_ = false;
}

std::optional<MonoTime> Kernel::rest_end() const {
  if (!runs() || !rest_end_) return std::nullopt;
  return spoiled_ ? MonoTime{} : *rest_end_;
}

size_t Kernel::unread_bytes() const {
  int bytes = 0;
  return ::ioctl(in_.get(), FIONREAD, &bytes) == 0 ? static_cast<size_t>(bytes) : 0;
}

void Kernel::died() {
  pid_ = 0;
  in_.reset();
}

Status Kernel::make_directory(const RunAs* run_as) {
  has_directory_ = true;
  files_.clear();
  return make_kernel_directory(directory_, run_as);
}

void Kernel::remove_directory() {
  if (!std::exchange(has_directory_, false)) return;
  if (const Status removed = posix::remove_tree(directory_); !removed) {
    posix::log_warning("cannot remove a kernel's directory: " + removed.error().message);
  }
}

// What the kernel has done with a file meanwhile is its own affair: a name stands for the bytes that were laid there.
Status Kernel::lay_files(const std::vector<wire::WardenFile>& files, const RunAs* agent, const RunAs* task) {
  const auto is_in = [](const std::vector<wire::WardenFile>& list, const wire::WardenFile& file) {
    return std::find(list.begin(), list.end(), file) != list.end();
  };
  const std::vector<wire::WardenFile> before = std::exchange(files_, {});
  for (const wire::WardenFile& file : before) {
    if (!is_in(files, file)) ::unlink((directory_ + "/" + file.name).c_str());
  }
  std::vector<wire::WardenFile> missing;
  std::copy_if(files.begin(), files.end(), std::back_inserter(missing),
               [&](const wire::WardenFile& file) { return !is_in(before, file); });
  for (const wire::WardenFile& file : missing) ::unlink((directory_ + "/" + file.name).c_str());  // the kernel's own
  if (Status laid = lay_inputs(missing, directory_, agent, task); !laid) return laid;
  files_ = files;
  return {};
}

void Kernel::end(TaskCgroup* cgroup) {
  if (!runs()) return remove_directory();
  while (true) {
    if (cgroup != nullptr) cgroup->kill();
    signal_descendants(SIGKILL);
    pid_t pid = 0;
    while ((pid = ::waitpid(-1, nullptr, WNOHANG)) > 0) continue;
    if (pid < 0 && errno == ECHILD) break;
    const timespec pause{0, 2'000'000};
    ::nanosleep(&pause, nullptr);
  }
  died();
  theirs_ = {};
  out_.reset();
  err_.reset();
  remove_directory();
}

}  // namespace bramble::warden
