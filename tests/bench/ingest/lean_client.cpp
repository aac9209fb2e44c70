#include "bench/ingest/lean_client.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

namespace bramble::bench {
namespace {

constexpr size_t kFlushBytes = 64 << 10;
constexpr char kConnect = 0x10;
constexpr char kPublish = 0x30;
constexpr char kVersion5 = 5;
constexpr char kCleanStart = 2;

void require(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string(what) + " (errno " + std::to_string(errno) + ")");
}

}  // namespace

LeanClient::LeanClient(int port, const std::string& client_id) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  require(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "cannot connect");
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  out_ += kConnect;
  put_length(2 + 4 + 1 + 1 + 2 + 1 + 2 + client_id.size());
  put_text("MQTT");
  out_ += kVersion5;
  out_ += kCleanStart;
  out_.append(2, '\0');  // no keep-alive
  out_ += '\0';          // no properties
  put_text(client_id);
  const auto length = static_cast<ssize_t>(out_.size());
  require(::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL) == length,
          "cannot send");  // flush() would drop the answer
  out_.clear();
  char answer[64];
  require(::recv(fd_, answer, sizeof answer, 0) >= 4 && answer[0] == 0x20 && answer[3] == 0, "the broker refuses");
}

LeanClient::~LeanClient() { ::close(fd_); }

void LeanClient::put_length(size_t length) {
  do {
    const auto digit = static_cast<char>(length & 0x7F);
    length >>= 7;
    out_ += static_cast<char>(length > 0 ? digit | 0x80 : digit);
  } while (length > 0);
}

void LeanClient::put_text(std::string_view text) {
  out_ += static_cast<char>(text.size() >> 8);
  out_ += static_cast<char>(text.size() & 0xFF);
  out_ += text;
}

void LeanClient::publish(std::string_view topic, std::string_view payload, int qos) {
  out_ += static_cast<char>(kPublish | qos << 1);
  put_length(2 + topic.size() + (qos > 0 ? 2 : 0) + 1 + payload.size());
  put_text(topic);
  if (qos > 0) {
    packet_ = static_cast<uint16_t>(packet_ == 0xFFFF ? 1 : packet_ + 1);
    out_ += static_cast<char>(packet_ >> 8);
    out_ += static_cast<char>(packet_ & 0xFF);
  }
  out_ += '\0';  // no properties
  out_ += payload;
  if (out_.size() >= kFlushBytes) flush();
}

void LeanClient::flush() {
  for (size_t at = 0; at < out_.size();) {
    const ssize_t sent = ::send(fd_, out_.data() + at, out_.size() - at, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) at += static_cast<size_t>(sent);
    if (sent > 0) continue;
    require(errno == EAGAIN || errno == EINTR, "the broker closed the connection");
    pollfd ready{fd_, POLLOUT | POLLIN, 0};
    ::poll(&ready, 1, 1000);
    drop_answers();
  }
  out_.clear();
  drop_answers();
}

void LeanClient::drop_answers() {
  char answers[16 << 10];
  while (::recv(fd_, answers, sizeof answers, MSG_DONTWAIT) > 0) {
  }
}

}  // namespace bramble::bench
