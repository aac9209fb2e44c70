// Runs a person's command for each alert that is raised or cleared.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "aggregator/core/effects.hpp"
#include "common/base/clock.hpp"
#include "common/posix/log.hpp"
#include "common/posix/process.hpp"

namespace bramble::aggregator {

// The command finds BRAMBLE_ALERT, BRAMBLE_ALERT_NODE (empty: the whole cluster), BRAMBLE_ALERT_STATE (raised,
// cleared), BRAMBLE_ALERT_VALUE and BRAMBLE_ALERT_TEXT in its environment. One runs at a time, in order, for at most 30
// s; of more than 100 that wait the oldest is left out, and said. Not thread-safe; nothing in it waits.
class AlertCommand {
 public:
  explicit AlertCommand(std::string path) : path_(std::move(path)) {}  // empty: none
  ~AlertCommand();
  AlertCommand(const AlertCommand&) = delete;
  AlertCommand& operator=(const AlertCommand&) = delete;

  void run(const AlertNotice& notice);
  void tick();  // call it a few times a second

 private:
  void begin_next();
  void look_at_running();

  const std::string path_;
  std::deque<AlertNotice> waiting_;
  std::optional<posix::Process> running_;
  MonoTime started_;
  posix::LogOnce trouble_;
};

}  // namespace bramble::aggregator
