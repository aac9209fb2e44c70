// The aggregator as a process: the reactor in its loop, and the hands around it.
//
// Threads: the state thread (whoever calls run(); owns the reactor and jobs.db), one for files, one for lines, one for
// telemetry.db, those of the HTTP server, and paho's. They meet in one bounded inbox.
#pragma once

#include <memory>

#include "aggregator/config.hpp"
#include "common/base/result.hpp"

namespace bramble::aggregator {

class Daemon {
 public:
  // Opens the databases, starts or adopts the broker, listens. What cannot be done is said with what to do.
  static Result<std::unique_ptr<Daemon>> start(const DaemonConfig& config);
  ~Daemon();

  // Until SIGTERM or SIGINT (0), or until the store cannot be written for good (1).
  int run();

 private:
  class Impl;
  explicit Daemon(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bramble::aggregator
