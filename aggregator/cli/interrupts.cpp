#include "aggregator/cli/interrupts.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>

#include "aggregator/cli/exit_status.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::cli {
namespace {

constexpr int64_t kOneAndTheSameMs = 300;

}  // namespace

Interrupts::Interrupts(std::function<void()> on_first) : on_first_(std::move(on_first)) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);  // nohup has it ignored, and then it does not come here
  pthread_sigmask(SIG_BLOCK, &signals, &previous_mask_);
  signal_fd_.reset(::signalfd(-1, &signals, SFD_CLOEXEC));
  stop_fd_.reset(::eventfd(0, EFD_CLOEXEC));
  if (!signal_fd_ || !stop_fd_) std::abort();  // out of descriptors before anything was opened
  watcher_ = std::thread([this] { watch(); });
}

Interrupts::~Interrupts() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_fd_.get(), &one, sizeof one);
  watcher_.join();
  if (handler_.joinable()) handler_.join();
  pthread_sigmask(SIG_SETMASK, &previous_mask_, nullptr);
}

void Interrupts::watch() {
  MonoTime first;
  std::array<pollfd, 2> ready{{{signal_fd_.get(), POLLIN, 0}, {stop_fd_.get(), POLLIN, 0}}};
  while (true) {
    ::poll(ready.data(), ready.size(), -1);
    if (ready[0].revents & POLLIN) {
      signalfd_siginfo info{};
      if (::read(signal_fd_.get(), &info, sizeof info) != sizeof info) continue;
      const int number = static_cast<int>(info.ssi_signo);
      if (signal_ == number && posix::mono_now() - first < kOneAndTheSameMs) continue;
      if (signal_ != 0) std::_Exit(kSignalBase + number);
      first = posix::mono_now();
      signal_ = number;
      handler_ = std::thread(on_first_);
    } else if (ready[1].revents & POLLIN) {
      return;
    }
  }
}

}  // namespace bramble::cli
