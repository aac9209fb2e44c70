// A slow disk, to be preloaded (LD_PRELOAD) into a daemon: an SD card. The file named by BRAMBLE_SLOW_DISK holds two
// numbers: how many milliseconds each fsync and fdatasync takes longer, and until when (CLOCK_BOOTTIME, milliseconds)
// none of them returns, unless the file says something else before. No such file: as fast as the disk is.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

int64_t boot_ms() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
}

struct Slowness {
  int64_t each_ms = 0;
  int64_t stalled_until_ms = 0;
};

Slowness how_slow() {
  const char* path = ::getenv("BRAMBLE_SLOW_DISK");
  const int fd = path ? ::open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return {};
  char text[64] = {};
  const ssize_t got = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  if (got <= 0) return {};
  char* rest = text;
  Slowness slowness;
  slowness.each_ms = ::strtoll(rest, &rest, 10);
  slowness.stalled_until_ms = ::strtoll(rest, &rest, 10);
  return slowness;
}

void sleep_ms(int64_t ms) {
  timespec left{ms / 1000, (ms % 1000) * 1'000'000};
  while (::nanosleep(&left, &left) != 0) {
  }
}

void be_slow() {
  constexpr int64_t kStepMs = 10;
  sleep_ms(how_slow().each_ms);
  while (how_slow().stalled_until_ms > boot_ms()) sleep_ms(kStepMs);
}

}  // namespace

// As system calls, not through dlsym: nothing to look up, and no sanitizer in between.
extern "C" int fsync(int fd) {
  be_slow();
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

extern "C" int fdatasync(int fd) {
  be_slow();
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}
