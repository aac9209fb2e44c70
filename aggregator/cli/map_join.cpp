#include "aggregator/cli/map_join.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "aggregator/cli/submission.hpp"
#include "aggregator/cli/text.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::cli {
namespace {

constexpr int64_t kStatesAtOnce = 256;
constexpr uint64_t kTailBytes = 2'048;
constexpr int64_t kProgressEveryMs = 500;

}  // namespace

Status MapJoin::join(const PieceTaker& take, uint64_t begin_bytes) {
  for (TaskIndex piece = 0;; ++piece) {
    if (window_.wait_for_piece() != MapWindow::Next::piece) break;
    if (auto status = join_piece(piece, take, begin_bytes); !status) return status;
    if (window_.stopped()) break;
    succeeded_.erase(piece);
    window_.joined();
  }
  const auto feed_error = window_.feed_error();
  return feed_error ? Status(tl::unexpected(*feed_error)) : Status();
}

Status MapJoin::join_piece(TaskIndex piece, const PieceTaker& take, uint64_t begin_bytes) {
  const TaskKey task{job_, piece};
  while (!window_.stopped()) {
    update_progress();
    const auto part = api_.output({task, wire::Stream::stdout_, 0, 0, true, kOutputLookS, begin_bytes});
    if (!part) return tl::unexpected(part.error());
    if (!part->final || !succeeded_.contains(piece)) {
      if (auto status = learn_states(piece); !status) return status;
    }
    if (part->final && succeeded_.contains(piece)) return take(task, *part);
  }
  return {};
}

Status MapJoin::learn_states(TaskIndex first) {
  const auto tasks = api_.get(fmt::format("/api/v1/jobs/{}/tasks?first={}&limit={}", job_, first, kStatesAtOnce));
  if (!tasks) return tl::unexpected(tasks.error());
  if (!tasks->is_array()) return fail(ErrorCode::corrupt, "the aggregator's list of tasks is not understood");
  for (const auto& task : *tasks) {
    const auto index = static_cast<TaskIndex>(number_field(task, "task"));
    const std::string state = text_field(task, "state");
    if (state == "succeeded") succeeded_.insert(index);
    if ((state == "failed" || state == "cancelled") && !window_.stopped()) return piece_failed(index, task);
  }
  return {};
}

Status MapJoin::piece_failed(TaskIndex piece, const nlohmann::json& task) {
  const TaskReport report = task_report(task);
  const TaskKey key{job_, piece};
  show_stderr_tail(api_, console_, key);
  const std::string tries = report.attempts > 1 ? fmt::format(", at try {}", report.attempts) : "";
  return fail(ErrorCode::io, fmt::format("the map is cancelled, because task {} (piece {} of the input{}) {}",
                                         to_string(key), piece + 1, tries, describe_end(report)));
}

void MapJoin::update_progress() {
  const MonoTime now = posix::mono_now();
  if (!show_progress_ || now.ms < next_progress_ms_) return;
  next_progress_ms_ = now.ms + kProgressEveryMs;
  const auto view = api_.watch(job_, 0, 0);
  if (!view) return;  // what matters will meet the same error
  progress_.update(now, view->counts);
  console_.show_progress(progress_.line(), now);
}

void show_stderr_tail(Api& api, Console& console, TaskKey task) {
  const auto tail = output_tail(api, task, wire::Stream::stderr_, kTailBytes);
  if (!tail || tail->empty()) return;
  console.say("the standard error of task " + to_string(task) + " ends so:");
  console.print_error_stream(tail->back() == '\n' ? *tail : *tail + "\n");
}

}  // namespace bramble::cli
