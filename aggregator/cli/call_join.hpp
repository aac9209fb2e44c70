// The joining half of `bramble call`: the results in the order of the calls, and what became of those that have none.
#pragma once

#include <cstdint>
#include <optional>

#include "aggregator/cli/api.hpp"
#include "aggregator/cli/call_feed.hpp"
#include "aggregator/cli/call_results.hpp"
#include "aggregator/cli/console.hpp"
#include "aggregator/cli/map_window.hpp"
#include "common/wire/call_frames.hpp"

namespace bramble::cli {

class CallJoin {
 public:
  CallJoin(Api& api, Console& console, MapWindow& window, JobId job, CallPace& pace)
      : api_(api), console_(console), window_(window), job_(job), pace_(pace) {}

  // Prints each result, as a line or a frame where those are calls (an empty one for a call that failed). Returns when
  // all are printed, or with the first error that is not a call's but the cluster's, or the kernel's: one that only
  // ends without reading what it is asked is no kernel. Stopped from outside: returns well.
  Status join(CallForm form, bool show_progress);

  uint64_t calls() const { return next_call_; }
  uint64_t failed_calls() const { return results_ ? results_->failed() : 0; }

 private:
  Status join_batch(TaskIndex batch);
  Status take_replies(TaskIndex batch);
  Status heed_unread(const wire::Reply& reply);
  void update_progress();

  Api& api_;
  Console& console_;
  MapWindow& window_;
  const JobId job_;
  CallPace& pace_;
  std::optional<CallResults> results_;
  std::string replies_, printed_;  // of the batch; kept for the next one, as fresh memory costs more than the copying
  bool told_why_ = false;          // a kernel broke: what it had said on standard error
  uint32_t unread_in_row_ = 0;     // calls of which the kernel has read nothing before it ended
  bool show_progress_ = false;
  uint32_t next_call_ = 0;
  MonoTime started_;
  int64_t next_progress_ms_ = 0;
};

}  // namespace bramble::cli
