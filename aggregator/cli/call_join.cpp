#include "aggregator/cli/call_join.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "aggregator/cli/map_join.hpp"
#include "aggregator/cli/output_stream.hpp"
#include "aggregator/cli/submission.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::cli {
namespace {

constexpr int64_t kProgressEveryMs = 500;
constexpr uint32_t kMostUnread = 20;  // as a warden bears within a batch (agent/warden/fruitless_deaths.hpp)
constexpr uint64_t kMaxReserveBytes = uint64_t{64} << 20;

// Every call of the batch has a reply.
bool was_answered(const TaskReport& report) { return report.end.outcome == "exited"; }

std::string_view call_word(CallForm form) {
  return form == CallForm::lines ? "line" : form == CallForm::frames ? "frame" : "call";
}

}  // namespace

Status CallJoin::join(CallForm form, bool show_progress) {
  results_.emplace(console_, form, call_word(form));
  show_progress_ = show_progress;
  started_ = posix::mono_now();
  for (TaskIndex batch = 0; window_.wait_for_piece() == MapWindow::Next::piece; ++batch) {
    if (auto status = join_batch(batch); !status) return status;
    if (window_.stopped()) break;
    window_.joined();
  }
  const auto feed_error = window_.feed_error();
  return feed_error ? Status(tl::unexpected(*feed_error)) : Status();
}

Status CallJoin::join_batch(TaskIndex batch) {
  const TaskKey task{job_, batch};
  while (!window_.stopped()) {
    update_progress();
    const auto part = api_.output({task, wire::Stream::stdout_, 0, 0, true, kOutputLookS});
    if (!part) return tl::unexpected(part.error());
    if (!part->final) continue;
    const auto report = fetch_task_report(api_, task);
    if (!report) return tl::unexpected(report.error());
    if (!was_answered(*report)) {
      show_stderr_tail(api_, console_, task);
      return fail(ErrorCode::io, fmt::format("no more calls are made, because task {} (the calls from number {} on) {}",
                                             to_string(task), next_call_ + 1, describe_end(*report)));
    }
    replies_.clear();
    replies_.reserve(std::min(part->size_bytes, kMaxReserveBytes));
    const auto keep = [this](std::string_view bytes) -> Status {
      replies_ += bytes;
      return {};
    };
    if (auto status = copy_final_output(api_, task, wire::Stream::stdout_, *part, keep); !status) return status;
    const uint32_t before = next_call_;
    if (auto status = take_replies(batch); !status) return status;
    pace_.batch_ended(next_call_ - before, report->duration_ms, replies_.size());
    return {};
  }
  return {};
}

Status CallJoin::take_replies(TaskIndex batch) {
  const auto replies = wire::split_replies(replies_);
  if (!replies) {
    return fail(ErrorCode::corrupt,
                fmt::format("the results of task {} are not whole ({}): did they grow beyond what a "
                            "task may write?",
                            to_string(TaskKey{job_, batch}), replies.error().message));
  }
  printed_.clear();
  printed_.reserve(std::min<uint64_t>(replies_.size(), kMaxReserveBytes));
  bool kernel_broke = false;
  Status good;
  for (const wire::Reply& reply : *replies) {
    if (reply.number != next_call_) {
      return fail(ErrorCode::corrupt, fmt::format("task {} has a result for call {} where that of call {} is due",
                                                  to_string(TaskKey{job_, batch}), reply.number + 1, next_call_ + 1));
    }
    ++next_call_;
    results_->add(printed_, reply);
    kernel_broke = kernel_broke || !wire::is_kernels(reply.status);
    if (good) good = heed_unread(reply);
  }
  if (kernel_broke && !std::exchange(told_why_, true)) show_stderr_tail(api_, console_, {job_, batch});
  const Status printed = console_.print(printed_);
  return printed ? good : printed;
}

// Of many batches each may be too short for a warden to see it.
Status CallJoin::heed_unread(const wire::Reply& reply) {
  if (reply.status == wire::CallStatus::skipped) return {};  // for the same reason as those before it
  unread_in_row_ = reply.status == wire::CallStatus::unread ? unread_in_row_ + 1 : 0;
  if (unread_in_row_ < kMostUnread) return {};
  return fail(
      ErrorCode::io,
      fmt::format("no more calls of job {} are made, because in {} of them in a row the kernel ended before it read "
                  "anything: does it read calls from its standard input (agent/kernels/README.md)?",
                  job_, unread_in_row_));
}

void CallJoin::update_progress() {
  const MonoTime now = posix::mono_now();
  if (!show_progress_ || now.ms < next_progress_ms_) return;
  next_progress_ms_ = now.ms + kProgressEveryMs;
  const double seconds = static_cast<double>(std::max<int64_t>(now - started_, 1)) / 1000;
  console_.show_progress(
      fmt::format("{} calls answered, {} failed, {:.0f}/s", next_call_, failed_calls(), next_call_ / seconds), now);
}

}  // namespace bramble::cli
