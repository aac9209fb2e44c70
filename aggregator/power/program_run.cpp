#include "aggregator/power/program_run.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "common/posix/error.hpp"

namespace bramble::aggregator {

ProgramRun::~ProgramRun() {
  if (!process_) return;
  process_->forget_exit(loop_);
  loop_.cancel(limit_);
  if (output_) loop_.remove_fd(output_.get());
  kill();
}

void ProgramRun::kill() {
  ::kill(-process_->pid(), SIGKILL);
  process_->kill_and_wait();
}

Status ProgramRun::start(const std::vector<std::string>& argv, int64_t limit_ms, Done done) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return posix::system_failure("cannot make a pipe", errno);
  posix::UniqueFd ours(ends[0]);
  const posix::UniqueFd theirs(ends[1]);
  ::fcntl(ours.get(), F_SETFL, O_NONBLOCK);
  posix::SpawnOptions options;
  options.argv = argv;
  options.directory = "/";
  options.stdout_fd = theirs.get();
  options.stderr_fd = theirs.get();
  options.die_with_parent = true;
  options.own_group = true;
  auto process = posix::Process::spawn(options);
  if (!process) return tl::unexpected<Error>(process.error());
  process_ = std::move(*process);
  output_ = std::move(ours);
  text_.clear();
  done_ = std::move(done);
  loop_.add_fd(output_.get(), EPOLLIN, [this](uint32_t) { read_output(); });
  process_->on_exit(loop_, [this](posix::ExitStatus status) { finish(status); });
  limit_ = loop_.call_after(limit_ms, [this] {
    process_->forget_exit(loop_);
    finish({});
  });
  return {};
}

// What is beyond the limit is read and left out, so that the program does not wait for us.
void ProgramRun::read_output() {
  std::array<char, 1024> buffer;
  ssize_t got = 0;
  for (int i = 0; i < 64 && (got = ::read(output_.get(), buffer.data(), buffer.size())) > 0; ++i) {
    text_.append(buffer.data(), std::min(static_cast<size_t>(got), kMaxProgramOutputBytes - text_.size()));
  }
  if (got != 0) return;
  loop_.remove_fd(output_.get());
  output_.reset();
}

// What it left behind in its group ends with it.
void ProgramRun::finish(std::optional<posix::ExitStatus> status) {
  if (output_) read_output();
  loop_.cancel(limit_);
  if (output_) loop_.remove_fd(output_.get());
  output_.reset();
  if (status) {
    ::kill(-process_->pid(), SIGKILL);
  } else {
    kill();
  }
  process_.reset();
  std::exchange(done_, {})({status, std::move(text_)});
}

}  // namespace bramble::aggregator
