// The feeding half of `bramble call`: reads calls from standard input and makes tasks of batches of them.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "aggregator/cli/api.hpp"
#include "aggregator/cli/map_window.hpp"
#include "aggregator/cli/options.hpp"

namespace bramble::cli {

// How many calls make a batch: one while it is not known how long they take (they may be as many as there are nodes,
// and of an hour each), then so many that a batch takes about half a second - long against what a task costs
// (some 5 ms of CPU, on the head and the node together), short against a person's patience and at the end of the work -
// and that their results are a few MiB. Thread-safe.
class CallPace {
 public:
  uint64_t batch_calls() const { return batch_calls_; }
  bool measured() const { return measured_; }  // some batch has ended
  void batch_ended(uint64_t calls, int64_t duration_ms, uint64_t result_bytes);

 private:
  std::atomic<uint64_t> batch_calls_ = 1;
  std::atomic<bool> measured_ = false;
};

class CallFeed {
 public:
  CallFeed(Api& api, MapWindow& window, JobId job, const CallPace& pace, CallForm form)
      : api_(api), window_(window), job_(job), pace_(pace), form_(form) {}

  // Returns when the whole input is tasks and the job is closed, or when the window was stopped. What has come is sent
  // when no more comes at once: slow input is not held back.
  Status feed(int fd);

  uint32_t calls() const { return next_call_; }  // read so far

 private:
  Status wait_for_bytes(int fd);
  Status take_calls();
  Result<bool> take_call(std::string_view& rest);
  Status take_rest();
  Status check_length(size_t bytes) const;
  Status add_call(std::string_view input);
  Status send_batch();

  Api& api_;
  MapWindow& window_;
  const JobId job_;
  const CallPace& pace_;
  const CallForm form_;
  std::string received_;  // not yet a whole call
  std::string batch_;
  uint64_t calls_in_batch_ = 0;
  uint32_t next_call_ = 0;  // numbers wrap around, on both sides
  TaskIndex next_task_ = 0;
};

}  // namespace bramble::cli
