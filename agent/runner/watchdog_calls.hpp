// What a hardware watchdog takes of the kernel: few calls, behind a seam, so that a test can stand in for a device
// that would reset the machine. Plain calls: nothing is decided here.
#pragma once

#include <string>
#include <string_view>

namespace bramble::runner {

// Every int is 0 or more when it went well, else minus the errno.
class WatchdogCalls {
 public:
  virtual ~WatchdogCalls() = default;
  virtual int open(const std::string& device);    // a descriptor; the countdown begins
  virtual int set_timeout(int fd, int& seconds);  // seconds: what is wanted, then what the driver made of it
  virtual int get_timeout(int fd, int& seconds);
  virtual int keep_alive(int fd);
  virtual int write(int fd, std::string_view bytes);
  virtual void close(int fd);
  virtual bool cannot_be_stopped(const std::string& device);  // its driver's nowayout
};

}  // namespace bramble::runner
