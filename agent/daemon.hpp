// The agent as a process: the reactor in its loop, and the hands around it.
//
// Threads: the loop's (whoever calls run(); it owns the state), and paho's. They meet in bounded inboxes.
#pragma once

#include <memory>

#include "agent/settings.hpp"
#include "common/base/result.hpp"

namespace bramble::agent {

class Daemon {
 public:
  // Locks the state directory, so that two agents cannot share it.
  static Result<std::unique_ptr<Daemon>> start(const Settings& settings);
  ~Daemon();

  // Until SIGTERM or SIGINT: then says goodbye. Tasks go on in the warden.
  int run();

 private:
  class Impl;
  explicit Daemon(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bramble::agent
