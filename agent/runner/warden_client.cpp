#include "agent/runner/warden_client.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/posix/error.hpp"
#include "common/posix/unix_socket.hpp"

namespace bramble::runner {
namespace {

constexpr int64_t kFirstBackoffMs = 100;
constexpr int64_t kMaxBackoffMs = 2000;
constexpr size_t kReadBytes = 64 << 10;
constexpr size_t kMaxBytesInARound = 1 << 20;  // then the rest of the loop has its turn
constexpr size_t kMaxUnsentBytes = 32 << 20;   // a warden that reads nothing any more

}  // namespace

WardenClient::WardenClient(posix::EventLoop& loop, std::string socket_path, WardenHandlers handlers)
    : loop_(loop), socket_path_(std::move(socket_path)), handlers_(std::move(handlers)), backoff_ms_(kFirstBackoffMs) {}

WardenClient::~WardenClient() {
  if (socket_) loop_.remove_fd(socket_.get());
  if (retry_set_) loop_.cancel(retry_);
}

void WardenClient::start() { connect(); }

void WardenClient::connect() {
  Result<posix::UniqueFd> socket = posix::connect_unix(socket_path_);
  if (!socket) {
    connect_later();
    return handlers_.on_lost(socket.error().message);
  }
  socket_ = std::move(*socket);
  reader_ = wire::FrameReader(wire::kMaxWardenFrameBytes);
  unsent_.clear();
  waits_to_write_ = false;
  loop_.add_fd(socket_.get(), EPOLLIN, [this](uint32_t events) { on_ready(events); });
  handlers_.on_connected();
}

void WardenClient::connect_later() {
  retry_set_ = true;
  retry_ = loop_.call_after(backoff_ms_, [this] {
    retry_set_ = false;
    connect();
  });
  backoff_ms_ = std::min(backoff_ms_ * 2, kMaxBackoffMs);
}

void WardenClient::lose(std::string why) {
  if (!socket_) return;
  loop_.remove_fd(socket_.get());
  socket_.reset();
  unsent_.clear();
  connect_later();
  handlers_.on_lost(std::move(why));
}

void WardenClient::send(const wire::WardenRequest& request) {
  if (socket_) unsent_ += wire::make_frame(wire::encode(request));
}

void WardenClient::flush() {
  while (socket_ && !unsent_.empty()) {
    const ssize_t sent = ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      unsent_.erase(0, static_cast<size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    } else if (errno != EINTR) {
      return lose(posix::errno_text(errno));
    }
  }
  if (!socket_) return;
  if (unsent_.size() > kMaxUnsentBytes) return lose("it does not read what it is told");
  if (waits_to_write_ == !unsent_.empty()) return;
  waits_to_write_ = !unsent_.empty();
  loop_.change_fd(socket_.get(), waits_to_write_ ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void WardenClient::on_ready(uint32_t events) {
  if ((events & EPOLLOUT) != 0) flush();
  if (socket_ && (events & ~static_cast<uint32_t>(EPOLLOUT)) != 0) read_reports();
}

void WardenClient::read_reports() {
  std::array<char, kReadBytes> buffer;
  std::string lost;
  for (size_t total = 0; total < kMaxBytesInARound;) {
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got > 0) {
      total += static_cast<size_t>(got);
      reader_.add({buffer.data(), static_cast<size_t>(got)});
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    lost = got == 0 ? "it closed the connection" : posix::errno_text(errno);
    break;
  }
  Result<std::vector<wire::WardenReport>> reports = take_frames();
  if (!reports) return lose(reports.error().message);
  if (!reports->empty()) {
    backoff_ms_ = kFirstBackoffMs;
    handlers_.on_reports(std::move(*reports));
  }
  if (!lost.empty()) lose(std::move(lost));
}

Result<std::vector<wire::WardenReport>> WardenClient::take_frames() {
  std::vector<wire::WardenReport> reports;
  while (true) {
    Result<std::optional<std::string>> frame = reader_.next();
    if (!frame) return tl::unexpected<Error>(frame.error());
    if (!*frame) return reports;
    Result<wire::WardenReport> report = wire::decode_warden_report(**frame);
    if (!report) return tl::unexpected<Error>(report.error());
    reports.push_back(std::move(*report));
  }
}

}  // namespace bramble::runner
