#include "agent/runner/watchdog.hpp"

#include <algorithm>
#include <cerrno>

#include "common/posix/error.hpp"

namespace bramble::runner {
namespace {

std::string why_not_open(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return "there is none (the driver of a Raspberry Pi's is bcm2835_wdt; ls /dev/watchdog*)";
    case EACCES:
    case EPERM:
      return "permission denied: systemd/60-bramble-watchdog.rules is the udev rule that gives it to the agent's group";
    case EBUSY:
      return "another program has it (systemd itself, where RuntimeWatchdogSec is set in system.conf: then it is fed "
             "there, and watchdog_device should be empty)";
    default:
      return posix::errno_text(error_number);
  }
}

}  // namespace

Watchdog::Watchdog(posix::EventLoop& loop, std::string device, Say say, std::unique_ptr<WatchdogCalls> calls)
    : loop_(loop), device_(std::move(device)), say_(std::move(say)), calls_(std::move(calls)) {}

Watchdog::~Watchdog() {
  if (fd_ < 0) return;
  loop_.cancel(timer_);
  calls_->close(fd_);
}

void Watchdog::start() {
  if (device_.empty() || fd_ >= 0) return;
  const int opened = calls_->open(device_);
  if (opened < 0) return say_("no watchdog " + device_ + ": " + why_not_open(-opened) + "; going on without it");
  fd_ = opened;
  set_timeout();
  if (fd_ >= 0) feed();
}

// A driver may have a timeout of its own that cannot be set: what it tells is what counts.
void Watchdog::set_timeout() {
  int seconds = kTimeoutS;
  const int set = calls_->set_timeout(fd_, seconds);
  int told = 0;
  if (calls_->get_timeout(fd_, told) >= 0) {
    seconds = told;
  } else if (set < 0) {
    say_("no watchdog " + device_ + ": it is not one (" + posix::errno_text(-set) + "); going on without it");
    calls_->close(fd_);  // and no word is written to what may be anything
    fd_ = -1;
    return;
  }
  timeout_s_ = std::max(seconds, 1);
  std::string line =
      "the watchdog " + device_ + " resets this machine when the agent hangs for " + std::to_string(timeout_s_) + " s";
  if (calls_->cannot_be_stopped(device_)) line += ", and also when the agent is stopped: its driver has nowayout set";
  say_(std::move(line));
}

void Watchdog::feed() {
  const int fed = calls_->keep_alive(fd_);
  if (fed < 0 && !failure_said_) say_("the watchdog " + device_ + " cannot be fed: " + posix::errno_text(-fed));
  failure_said_ = fed < 0;
  timer_ = loop_.call_after(int64_t{timeout_s_} * 1000 / 3, [this] { feed(); });
}

void Watchdog::stop() {
  if (fd_ < 0) return;
  loop_.cancel(timer_);
  const int written = calls_->write(fd_, "V");  // the magic close: without it the countdown goes on
  if (written < 0) {
    say_("the watchdog " + device_ + " cannot be stopped, and resets this machine within " +
         std::to_string(timeout_s_) + " s: " + posix::errno_text(-written));
  }
  calls_->close(fd_);
  fd_ = -1;
}

}  // namespace bramble::runner
