#include "integration/mqtt/fake_broker.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace bramble::test {
namespace {

enum PacketType {
  connect = 1,
  connack = 2,
  publish_packet = 3,
  subscribe = 8,
  suback = 9,
  pingreq = 12,
  pingresp = 13,
  disconnect = 14
};

void write_all(int fd, const std::string& bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::send(fd, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (n <= 0) return;  // the client is gone; the test will notice
    done += static_cast<size_t>(n);
  }
}

std::string packet(int type, const std::string& body) {
  std::string bytes(1, static_cast<char>(type << 4));
  size_t rest = body.size();
  do {
    bytes += static_cast<char>((rest % 128) | (rest >= 128 ? 128 : 0));
    rest /= 128;
  } while (rest > 0);
  return bytes + body;
}

}  // namespace

FakeBroker::FakeBroker(std::string suback_codes)
    : suback_codes_(std::move(suback_codes)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(listener_, 1) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no port on loopback");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

FakeBroker::~FakeBroker() {
  ::shutdown(listener_, SHUT_RDWR);
  if (client_ >= 0) ::shutdown(client_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
  if (client_ >= 0) ::close(client_);
}

void FakeBroker::publish(const std::string& topic, const std::string& payload) const {
  const std::string length{static_cast<char>(topic.size() >> 8), static_cast<char>(topic.size())};
  write_all(client_, packet(publish_packet, length + topic + '\0' + payload));
}

void FakeBroker::say_goodbye(int reason_code) const {
  write_all(client_, packet(disconnect, {static_cast<char>(reason_code), '\0'}));
  ::shutdown(client_, SHUT_WR);
}

void FakeBroker::serve() {
  client_ = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  std::string byte, body;
  while (read(byte, 1)) {
    const int type = static_cast<unsigned char>(byte[0]) >> 4;
    size_t size = 0;
    int shift = 0;
    do {
      if (!read(byte, 1)) return;
      size |= (static_cast<size_t>(static_cast<unsigned char>(byte[0])) & 127U) << shift;
      shift += 7;
    } while ((static_cast<unsigned char>(byte[0]) & 128U) != 0);
    if (!read(body, size)) return;
    answer(type, body);
  }
}

void FakeBroker::answer(int type, const std::string& body) const {
  if (type == connect) write_all(client_, packet(connack, std::string(3, '\0')));
  if (type == subscribe) write_all(client_, packet(suback, body.substr(0, 2) + '\0' + suback_codes_));
  if (type == pingreq) write_all(client_, packet(pingresp, ""));
}

bool FakeBroker::read(std::string& buffer, size_t size) const {
  buffer.resize(size);
  size_t done = 0;
  while (done < size) {
    const ssize_t n = ::recv(client_, buffer.data() + done, size - done, 0);
    if (n <= 0) return false;
    done += static_cast<size_t>(n);
  }
  return true;
}

}  // namespace bramble::test
