#include "proxy.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

namespace bramble::test::chaos {
namespace {

constexpr size_t kChunk = 64 << 10;
constexpr size_t kMaxHeld = 1 << 20;

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

posix::UniqueFd tcp_socket() {
  return posix::UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

void do_not_delay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void reset_on_close(int fd) {
  const linger now{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

posix::UniqueFd duplicate(const posix::UniqueFd& fd) { return posix::UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)); }

bool would_block() { return errno == EAGAIN || errno == EINTR || errno == ENOTCONN || errno == EINPROGRESS; }

}  // namespace

Proxy::Proxy(int upstream_port, size_t links)
    : upstream_port_(upstream_port), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  for (size_t i = 0; i < links; ++i) {
    auto link = std::make_unique<Link>();
    link->listener = tcp_socket();
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(link->listener.get(), any, size) != 0 || ::listen(link->listener.get(), 64) != 0 ||
        ::getsockname(link->listener.get(), any, &size) != 0) {
      throw std::runtime_error("no port for a link");
    }
    link->port = ntohs(address.sin_port);
    links_.push_back(std::move(link));
  }
  thread_ = std::thread([this] { run(); });
}

Proxy::~Proxy() {
  ending_ = true;
  ::eventfd_write(wake_.get(), 1);
  thread_.join();
}

void Proxy::set(size_t link, LinkState state) {
  links_[link]->state = state;
  ::eventfd_write(wake_.get(), 1);
}

void Proxy::run() {
  while (!ending_) {
    for (const auto& link : links_) serve(*link);
    wait();
  }
}

// For whatever can be done just now; a stalled link waits for nothing.
void Proxy::wait() {
  std::vector<pollfd> all{{wake_.get(), POLLIN, 0}};
  for (const auto& link : links_) {
    if (link->state == LinkState::stalled) continue;
    all.push_back({link->listener.get(), POLLIN, 0});
    for (const Connection& connection : link->connections) {
      for (const Pipe& pipe : connection.pipes) {
        if (!pipe.ended && pipe.bytes.size() < kMaxHeld) all.push_back({pipe.from.get(), POLLIN, 0});
        if (!pipe.bytes.empty()) all.push_back({pipe.to.get(), POLLOUT, 0});
      }
    }
  }
  ::poll(all.data(), all.size(), -1);
  eventfd_t ignored = 0;
  ::eventfd_read(wake_.get(), &ignored);
}

void Proxy::serve(Link& link) {
  if (link.state == LinkState::stalled) return;
  accept_on(link);
  const bool cut = link.state == LinkState::cut;
  std::erase_if(link.connections, [&](Connection& connection) {
    bool good = !cut;
    for (Pipe& pipe : connection.pipes) good = good && move(pipe);
    if (cut) {
      for (Pipe& pipe : connection.pipes) reset_on_close(pipe.from.get());
    }
    return !good;
  });
}

void Proxy::accept_on(Link& link) {
  while (true) {
    posix::UniqueFd near(::accept4(link.listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!near) return;
    if (link.state == LinkState::cut) {
      reset_on_close(near.get());
      continue;
    }
    posix::UniqueFd far = tcp_socket();
    const sockaddr_in address = loopback(upstream_port_);
    if (::connect(far.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
        errno != EINPROGRESS) {
      continue;
    }
    do_not_delay(near.get());
    do_not_delay(far.get());
    Connection connection;
    connection.pipes[0].to = duplicate(far);
    connection.pipes[1].to = duplicate(near);
    connection.pipes[0].from = std::move(near);
    connection.pipes[1].from = std::move(far);
    link.connections.push_back(std::move(connection));
  }
}

// False: this connection is over.
bool Proxy::move(Pipe& pipe) {
  while (pipe.bytes.size() < kMaxHeld && !pipe.ended) {
    std::array<char, kChunk> buffer;
    const ssize_t got = ::recv(pipe.from.get(), buffer.data(), buffer.size(), 0);
    if (got > 0) {
      pipe.bytes.append(buffer.data(), static_cast<size_t>(got));
    } else if (got == 0) {
      pipe.ended = true;
    } else if (would_block()) {
      break;
    } else {
      return false;
    }
  }
  while (!pipe.bytes.empty()) {
    const ssize_t sent = ::send(pipe.to.get(), pipe.bytes.data(), pipe.bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) return would_block();
    pipe.bytes.erase(0, static_cast<size_t>(sent));
  }
  return !pipe.ended;  // MQTT has no use for half a connection
}

}  // namespace bramble::test::chaos
