#include "common/posix/service_notifier.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "common/posix/log.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::posix {
namespace {

constexpr int64_t kShortestIntervalMs = 10;
constexpr size_t kMaxStatusBytes = 512;

using Variables = std::vector<std::pair<std::string, std::string>>;

Variables take_variables() {
  Variables taken;
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) {
    if (const char* const value = std::getenv(name)) taken.emplace_back(name, value);
    ::unsetenv(name);
  }
  return taken;
}

std::string value_of(const Variables& variables, std::string_view name) {
  for (const auto& [known, value] : variables) {
    if (known == name) return value;
  }
  return {};
}

int64_t number_in(const std::string& text) {
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// A path, or an abstract name that begins with '@'. False: it cannot be one.
bool make_address(const std::string& name, sockaddr_un& address, socklen_t& length) {
  if (name.size() < 2 || name.size() >= sizeof address.sun_path || (name[0] != '/' && name[0] != '@')) return false;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name[0] == '@') address.sun_path[0] = '\0';
  length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  return true;
}

}  // namespace

ServiceNotifier::ServiceNotifier(EventLoop& loop, std::function<std::string()> status_line)
    : loop_(loop),
      status_line_(std::move(status_line)),
      taken_(take_variables()),
      socket_(value_of(taken_, "NOTIFY_SOCKET")) {
  const int64_t watchdog_ms = number_in(value_of(taken_, "WATCHDOG_USEC")) / 1000;
  const int64_t watched_pid = number_in(value_of(taken_, "WATCHDOG_PID"));
  feeds_watchdog_ = watchdog_ms > 0 && (watched_pid == 0 || watched_pid == ::getpid());
  if (feeds_watchdog_) interval_ms_ = std::clamp(watchdog_ms / 2, kShortestIntervalMs, kStatusMs);
}

ServiceNotifier::~ServiceNotifier() {
  if (timer_ != 0) loop_.cancel(timer_);
  for (const auto& [name, value] : taken_) ::setenv(name.c_str(), value.c_str(), 1);
}

void ServiceNotifier::ready() {
  if (socket_.empty()) return;
  send("READY=1\n" + changed_status());
  timer_ = loop_.call_after(interval_ms_, [this] { look(); });
}

void ServiceNotifier::stopping() {
  if (socket_.empty()) return;
  if (timer_ != 0) loop_.cancel(timer_);
  timer_ = 0;
  send("STOPPING=1\n" + changed_status());
}

void ServiceNotifier::look() {
  send((feeds_watchdog_ ? "WATCHDOG=1\n" : "") + changed_status());
  timer_ = loop_.call_after(interval_ms_, [this] { look(); });
}

std::string ServiceNotifier::changed_status() {
  std::string line = status_line_().substr(0, kMaxStatusBytes);
  std::replace(line.begin(), line.end(), '\n', ' ');
  if (line == last_status_) return {};
  last_status_ = std::move(line);
  return "STATUS=" + last_status_ + "\n";
}

// Never waits: a systemd that does not read must not hold a daemon up.
void ServiceNotifier::send(const std::string& text) {
  if (text.empty() || socket_.empty()) return;
  sockaddr_un address{};
  socklen_t length = 0;
  if (!make_address(socket_, address, length)) {
    log_warning("NOTIFY_SOCKET is not the name of a socket: systemd is told nothing", {{"socket", socket_}});
    socket_.clear();
    return;
  }
  const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return;
  [[maybe_unused]] const ssize_t sent =
      ::sendto(fd.get(), text.data(), text.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), length);
}

}  // namespace bramble::posix
