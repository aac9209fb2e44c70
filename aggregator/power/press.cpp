#include "aggregator/power/press.hpp"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <ctime>

namespace bramble::aggregator {
namespace {

void close_range_of(unsigned first, unsigned last) {
  if (first <= last) ::syscall(SYS_close_range, first, last, 0);
}

// Standard error stays: it is the log.
void close_all_but(int keep) {
  constexpr unsigned kFirst = STDERR_FILENO + 1;
  if (keep < static_cast<int>(kFirst)) return close_range_of(kFirst, UINT_MAX);
  close_range_of(kFirst, static_cast<unsigned>(keep) - 1);
  close_range_of(static_cast<unsigned>(keep) + 1, UINT_MAX);
}

void sleep_ms(int64_t duration_ms) {
  timespec until{};
  ::clock_gettime(CLOCK_MONOTONIC, &until);
  const int64_t until_ns = until.tv_nsec + duration_ms * 1'000'000;
  until.tv_sec += static_cast<time_t>(until_ns / 1'000'000'000);
  until.tv_nsec = static_cast<long>(until_ns % 1'000'000'000);
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
}

}  // namespace

Result<posix::Process> start_press(Pin& pin, int64_t press_ms) {
  return posix::Process::fork_only([&pin, press_ms] {
    ::setsid();
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    ::prctl(PR_SET_NAME, "bramble-press");
    close_all_but(pin.descriptor());
    const bool pressed = pin.drive(true).has_value();
    if (pressed) sleep_ms(press_ms);
    return pin.drive(false).has_value() && pressed ? 0 : 1;
  });
}

}  // namespace bramble::aggregator
