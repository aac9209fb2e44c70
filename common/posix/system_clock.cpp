#include "common/posix/system_clock.hpp"

#include <sys/timex.h>
#include <unistd.h>

#include <ctime>

namespace bramble::posix {
namespace {

constexpr const char* kTimesyncdMark = "/run/systemd/timesync/synchronized";

int64_t read_ms(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
}

}  // namespace

MonoTime mono_now() { return {read_ms(CLOCK_BOOTTIME)}; }
WallTime wall_now() { return {read_ms(CLOCK_REALTIME)}; }

bool is_clock_synchronised() {
  timex request = {};
  const int clock = ::adjtimex(&request);
  if (clock < 0) return ::access(kTimesyncdMark, F_OK) == 0;  // a sandbox forbids the question
  return clock != TIME_ERROR && (request.status & STA_UNSYNC) == 0;
}

}  // namespace bramble::posix
