#include "agent/runner/watchdog_calls.hpp"

#include <fcntl.h>
#include <linux/watchdog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "common/posix/files.hpp"

namespace bramble::runner {
namespace {

int or_errno(int result) { return result >= 0 ? result : -errno; }

}  // namespace

int WatchdogCalls::open(const std::string& device) { return or_errno(::open(device.c_str(), O_WRONLY | O_CLOEXEC)); }

int WatchdogCalls::set_timeout(int fd, int& seconds) { return or_errno(::ioctl(fd, WDIOC_SETTIMEOUT, &seconds)); }

int WatchdogCalls::get_timeout(int fd, int& seconds) { return or_errno(::ioctl(fd, WDIOC_GETTIMEOUT, &seconds)); }

int WatchdogCalls::keep_alive(int fd) { return or_errno(::ioctl(fd, WDIOC_KEEPALIVE, 0)); }

int WatchdogCalls::write(int fd, std::string_view bytes) {
  return or_errno(static_cast<int>(::write(fd, bytes.data(), bytes.size())));
}

void WatchdogCalls::close(int fd) { ::close(fd); }

bool WatchdogCalls::cannot_be_stopped(const std::string& device) {
  const std::string name = std::filesystem::path(device).filename();
  return posix::read_file("/sys/class/watchdog/" + name + "/nowayout", 16).value_or("0").starts_with('1');
}

}  // namespace bramble::runner
