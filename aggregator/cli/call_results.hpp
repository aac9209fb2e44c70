// Replies to calls as people read them: the results one behind the other, and what was wrong with those that failed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "aggregator/cli/call_feed.hpp"
#include "aggregator/cli/console.hpp"
#include "aggregator/cli/output_stream.hpp"
#include "common/wire/call_frames.hpp"

namespace bramble::cli {

class CallResults {
 public:
  // called: what a call is named where one that failed is told of.
  CallResults(Console& console, CallForm form, std::string_view called)
      : console_(console), form_(form), called_(called) {}

  // Adds a call's result to the text: as it is, as a line, or as a frame. A call that failed has an empty one.
  void add(std::string& text, const wire::Reply& reply);

  uint64_t failed() const { return failed_; }

 private:
  void tell_failed(const wire::Reply& reply);

  Console& console_;
  const CallForm form_;
  const std::string called_;
  uint64_t failed_ = 0;
};

// The results in what a task of calls has written, as it comes: each ends a line but one that is all there is. Holds
// at most one reply that is not whole.
class ReplyStream {
 public:
  // alone: the job has no other task.
  ReplyStream(CallResults& results, bool alone, ByteSink write)
      : results_(results), alone_(alone), write_(std::move(write)) {}

  Status take(std::string_view bytes);
  Status end();
  void restart();

 private:
  CallResults& results_;
  const bool alone_;
  const ByteSink write_;
  std::string rest_;
  uint64_t taken_ = 0;
  bool line_is_open_ = false;
};

}  // namespace bramble::cli
