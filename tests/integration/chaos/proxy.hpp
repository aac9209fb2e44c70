// Links that can be broken: a port for each daemon, all forwarded to the broker by one thread. So a network fails in
// one place, without a right to anything; what TCP does with it is real.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/posix/unique_fd.hpp"

namespace bramble::test::chaos {

enum class LinkState {
  open,
  cut,      // connections are reset, new ones too
  stalled,  // a black hole: no byte goes either way, new connections hang; all of it goes on afterwards
};

class Proxy {
 public:
  Proxy(int upstream_port, size_t links);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  int port(size_t link) const { return links_[link]->port; }
  void set(size_t link, LinkState state);  // from any thread

 private:
  struct Pipe {
    posix::UniqueFd from;
    posix::UniqueFd to;  // the other end's `from`, duplicated
    std::string bytes;   // taken and not yet given
    bool ended = false;
  };
  struct Connection {
    std::array<Pipe, 2> pipes;  // up, down
  };
  struct Link {
    int port = 0;
    posix::UniqueFd listener;
    std::atomic<LinkState> state = LinkState::open;
    std::vector<Connection> connections;
  };

  void run();
  void wait();
  void serve(Link& link);
  void accept_on(Link& link);
  static bool move(Pipe& pipe);

  const int upstream_port_;
  std::vector<std::unique_ptr<Link>> links_;
  posix::UniqueFd wake_;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace bramble::test::chaos
