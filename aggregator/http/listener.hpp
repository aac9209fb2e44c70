// libmicrohttpd on one listening socket, with one event thread.
#pragma once

#include <memory>

#include "aggregator/http/exchange.hpp"
#include "common/base/result.hpp"
#include "common/posix/unique_fd.hpp"

struct MHD_Daemon;

namespace bramble::aggregator::http {

class Listener {
 public:
  static Result<std::unique_ptr<Listener>> start(posix::UniqueFd socket, std::unique_ptr<ListenerContext> context);
  ~Listener();  // after answer_what_waits()
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Answers everything that waits with 503, and from now on every request; ends when the replies are out, or soon
  // after.
  void answer_what_waits();

 private:
  explicit Listener(std::unique_ptr<ListenerContext> context) : context_(std::move(context)) {}

  std::unique_ptr<ListenerContext> context_;
  MHD_Daemon* daemon_ = nullptr;
};

}  // namespace bramble::aggregator::http
