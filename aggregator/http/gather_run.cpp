#include "aggregator/http/gather_run.hpp"

#include <algorithm>
#include <utility>

namespace bramble::aggregator::http {
namespace {

// A step is short, so that uploads and other runs have their turn on the same threads, and the server's end too.
constexpr uint64_t kStepBytes = 4 << 20;
constexpr size_t kStepParts = 256;  // each is a question to the store
constexpr uint64_t kCopyBytes = 1 << 20;

}  // namespace

GatherRun::GatherRun(JobQuery& jobs, BlobFiles& files, Gathering gathering, std::shared_ptr<void> slot)
    : jobs_(jobs), files_(files), gathering_(std::move(gathering)), slot_(std::move(slot)) {}

Result<std::optional<wire::BlobRef>> GatherRun::step() {
  if (!writer_) {
    auto begun = files_.begin_blob();
    if (!begun) return tl::unexpected(begun.error());
    writer_ = std::move(*begun);
  }
  uint64_t room_bytes = kStepBytes;
  const size_t last_part = std::min(gathering_.parts.size(), part_ + kStepParts);
  while (part_ < last_part && room_bytes > 0) {
    const Gathering::Part& part = gathering_.parts[part_];
    const uint64_t before = copied_bytes_;
    if (const Status copied = copy(part, room_bytes); !copied) {
      let_go();
      return tl::unexpected(copied.error());
    }
    room_bytes -= copied_bytes_ - before;
    if (copied_bytes_ == part.size_bytes) next_part();
  }
  if (part_ < gathering_.parts.size()) return std::optional<wire::BlobRef>();
  auto blob = writer_->finish();
  let_go();
  if (!blob) return tl::unexpected(blob.error());
  return std::optional(std::move(*blob));
}

void GatherRun::next_part() {
  ++part_;
  row_.reset();
  copied_bytes_ = 0;
}

// The output that a part is of: of one attempt, though its task may run again meanwhile.
Status GatherRun::find_row(const Gathering::Part& part) {
  const TaskKey task{gathering_.job, part.task};
  auto row = jobs_.output(task, wire::Stream::stdout_);
  if (!row) return tl::unexpected(row.error());
  if (part.offset > row->size_bytes || part.size_bytes > row->size_bytes - part.offset) {
    return fail(ErrorCode::invalid, "the output of task " + to_string(task) + " has " +
                                        std::to_string(row->size_bytes) + " bytes, which end before the part does");
  }
  if (row->dropped_bytes > 0) {
    return fail(ErrorCode::limit,
                "the output of task " + to_string(task) + " is cut off: it wrote more than its limit");
  }
  row_ = std::move(*row);
  return {};
}

// At most `max_bytes` more of a part.
Status GatherRun::copy(const Gathering::Part& part, uint64_t max_bytes) {
  if (!row_) {
    if (Status found = find_row(part); !found) return found;
  }
  const uint64_t offset = part.offset + copied_bytes_;
  const auto length = static_cast<size_t>(std::min({part.size_bytes - copied_bytes_, max_bytes, kCopyBytes}));
  if (length == 0) return {};
  const AttemptKey attempt{gathering_.job, part.task, row_->attempt};
  const auto bytes = row_->in_file ? files_.read_output(attempt, wire::Stream::stdout_, offset, length)
                                   : row_->data.substr(static_cast<size_t>(offset), length);
  if (!bytes) return tl::unexpected(bytes.error());
  if (bytes->empty()) {
    return fail(ErrorCode::corrupt,
                "the output of task " + to_string(TaskKey{gathering_.job, part.task}) + " is cut off");
  }
  copied_bytes_ += bytes->size();
  return writer_->write(*bytes);
}

// What is not needed while the reply waits to be asked for.
void GatherRun::let_go() {
  writer_.reset();
  gathering_.parts = {};
  row_.reset();
  slot_.reset();
}

std::optional<uint64_t> GatherRun::wait(Answer answer) {
  std::optional<HttpReply> reply;
  {
    const std::lock_guard lock(mutex_);
    if (!reply_) {
      waiters_[++last_waiter_] = std::move(answer);
      return last_waiter_;
    }
    reply = reply_;
  }
  answer(std::move(*reply));
  return std::nullopt;
}

Answer GatherRun::leave(uint64_t waiter) {
  const std::lock_guard lock(mutex_);
  const auto node = waiters_.extract(waiter);
  return node ? std::move(node.mapped()) : nullptr;
}

bool GatherRun::finish(HttpReply reply) {
  std::map<uint64_t, Answer> waiters;
  {
    const std::lock_guard lock(mutex_);
    reply_ = reply;
    waiters.swap(waiters_);
  }
  for (const auto& [waiter, answer] : waiters) answer(reply);
  return !waiters.empty();
}

void GatherRuns::forget(const std::shared_ptr<GatherRun>& run) {
  const std::lock_guard lock(mutex_);
  std::erase_if(runs_, [&](const auto& entry) { return entry.second == run; });
}

void GatherRuns::clear() {
  std::map<std::string, std::shared_ptr<GatherRun>> dropped;
  const std::lock_guard lock(mutex_);
  dropped.swap(runs_);
}

}  // namespace bramble::aggregator::http
