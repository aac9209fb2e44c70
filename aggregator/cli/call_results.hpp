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

  // Calls that have no answer, the first of them with this number.
  void tell_unanswered(uint32_t first, uint32_t calls);

  uint64_t failed() const { return failed_; }

 private:
  void tell_failed(const wire::Reply& reply);

  Console& console_;
  const CallForm form_;
  const std::string called_;
  uint64_t failed_ = 0;
  uint64_t gaps_ = 0;
};

// Which call of a job is due, where the results of all its tasks are read one behind the other. Such as `bramble call`
// makes have numbers that run through the job; where others begin anew, nobody can tell what is missing.
struct CallsDue {
  uint32_t next = 0;
  bool counted = true;
};

// The results in what a task of calls has written, as it comes: each ends a line but one that is all there is. A call
// without an answer - its batch was cancelled, or still runs - has an empty line, so that lines stay beside their
// calls. Holds at most one reply that is not whole.
class ReplyStream {
 public:
  // alone: the job has no other task.
  ReplyStream(CallResults& results, CallsDue& due, bool alone, ByteSink write)
      : results_(results), due_(due), due_at_begin_(due), alone_(alone), write_(std::move(write)) {}

  Status take(std::string_view bytes);
  Status end();
  void restart();

 private:
  uint32_t passed_over(uint32_t number);
  void begin_line(std::string& text);

  CallResults& results_;
  CallsDue& due_;
  const CallsDue due_at_begin_;
  const bool alone_;
  const ByteSink write_;
  std::string rest_;
  uint64_t taken_ = 0;
  bool line_is_open_ = false;
};

}  // namespace bramble::cli
