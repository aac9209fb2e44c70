#include "aggregator/file_hand.hpp"

#include <algorithm>
#include <chrono>

#include "aggregator/store/telemetry_writer.hpp"
#include "common/packing/packing.hpp"
#include "common/posix/log.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::aggregator {
namespace {

// A full buffer of the connection, or a connection that is not up yet, is waited for this long; then the node, which
// misses chunks, asks again.
constexpr int kSendTries = 200;
constexpr std::chrono::milliseconds kSendPause{5};

constexpr size_t kForgottenRows = 1000;  // removed with one commit
constexpr size_t kExpiredJobs = 1000;    // found at once
constexpr size_t kSweptOutputs = 200;    // looked at between two other works

}  // namespace

FileHand::FileHand(BlobFiles& files, JobQuery& jobs, mqtt::Transport& chunks, const wire::Topics& topics,
                   FileReports reports)
    : files_(files), jobs_(jobs), chunks_(chunks), topics_(topics), reports_(std::move(reports)), thread_([this] {
        run();
      }) {}

FileHand::~FileHand() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void FileHand::add(std::vector<FileOp> ops) {
  if (ops.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    for (auto& op : ops) queue_.push_back(std::move(op));
  }
  changed_.notify_one();
}

void FileHand::run() {
  while (true) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopping_ || sweeping_ || !queue_.empty(); });
    if (queue_.empty() && stopping_) return;
    if (queue_.empty()) {
      lock.unlock();
      sweep_some();
      continue;
    }
    const FileOp op = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    std::visit([this](const auto& what) { work(what); }, op);
  }
}

void FileHand::work(const AppendOutput& op) {
  const Status status = files_.append_output(op.key, op.stream, op.offset, op.bytes);
  if (status) return;
  const uint64_t have_bytes = std::min(files_.output_size(op.key, op.stream), op.offset);
  posix::log_warning("output of " + to_string(op.key) + " is not stored: " + status.error().message);
  reports_.failed(op.key, op.stream, have_bytes);
}

void FileHand::work(const SealOutput& op) {
  for (const auto stream : {wire::Stream::stdout_, wire::Stream::stderr_}) {
    const uint64_t have_bytes = files_.output_size(op.key, stream);
    const uint64_t wanted_bytes = op.size_bytes[stream == wire::Stream::stdout_ ? 0 : 1];
    if (have_bytes < wanted_bytes) return reports_.failed(op.key, stream, have_bytes);
    if (have_bytes == 0) continue;
    const Status status = files_.sync_output(op.key, stream);
    if (status) continue;
    posix::log_warning("output of " + to_string(op.key) + " is not durable: " + status.error().message);
    return reports_.failed(op.key, stream, 0);
  }
  reports_.sealed(op.key);
}

void FileHand::work(const RemoveOutput& op) { files_.remove_output(op.key); }

void FileHand::work(const RemoveBlob& op) { files_.remove_blob(op.sha256, op.known); }

void FileHand::work(const ReadForgotten& op) {
  auto rows = jobs_.forgotten_rows(op.jobs, kForgottenRows);
  if (rows) {
    trouble_.clear();
  } else {
    trouble_.say(posix::LogLevel::warning, "cannot remove forgotten jobs yet: " + rows.error().message);
  }
  reports_.forgotten(rows ? std::move(*rows) : std::vector<ForgottenRows>());
}

void FileHand::work(const FindExpired& op) {
  // A head without a clock, before its time is set, would forget everything or nothing.
  const auto before = posix::is_clock_synchronised() ? op.ended_before : std::nullopt;
  auto jobs = jobs_.expired_jobs(before, op.keep, kExpiredJobs);
  if (!jobs) posix::log_warning("cannot look for old jobs: " + jobs.error().message);
  reports_.expired(jobs ? std::move(*jobs) : std::vector<JobId>());
}

void FileHand::sweep_outputs() {
  {
    const std::lock_guard lock(mutex_);
    sweeping_ = true;
  }
  changed_.notify_one();
}

void FileHand::sweep_some() {
  const auto keys = files_.next_outputs(kSweptOutputs);
  const auto unnamed = jobs_.unnamed_outputs(keys);
  for (const auto& key : unnamed.value_or(std::vector<AttemptKey>())) files_.remove_output(key);
  if (unnamed && !unnamed->empty()) {
    posix::log_info("removed the output files of " + std::to_string(unnamed->size()) +
                    " attempts that no task has any more");
  }
  if (!keys.empty() && unnamed) return;
  const std::lock_guard lock(mutex_);
  sweeping_ = false;
}

void FileHand::work(const SendBlob& op) {
  const auto size_bytes = files_.blob_size(op.sha256);
  if (!size_bytes) {
    send_chunk(op, op.offset, {});  // an empty chunk: there is no such blob
    return;
  }
  uint64_t offset = op.offset;
  for (uint32_t i = 0; i < op.chunks && offset < *size_bytes; ++i) {
    auto bytes = files_.read_blob(op.sha256, offset, wire::kBlobChunkBytes);
    if (!bytes || bytes->empty()) {
      posix::log_warning("cannot read blob " + op.sha256 + (bytes ? "" : ": " + bytes.error().message));
      return;
    }
    const uint64_t read_bytes = bytes->size();
    if (!send_chunk(op, offset, std::move(*bytes))) return;
    offset += read_bytes;
  }
}

bool FileHand::send_chunk(const SendBlob& op, uint64_t offset, std::string bytes) {
  auto packed = op.packed ? packing::pack(bytes) : std::nullopt;
  const bool is_shared = op.node.empty();
  const std::string topic = is_shared ? topics_.blob_shared(op.sha256, offset, packed.has_value())
                                      : topics_.blob_down(op.node, op.sha256, offset, packed.has_value());
  const mqtt::Message message{topic, packed ? std::move(*packed) : std::move(bytes), is_shared ? 0 : 1, false, 0};
  for (int i = 0; i < kSendTries && may_connect(); ++i) {
    if (chunks_.publish(message)) return true;
    std::this_thread::sleep_for(kSendPause);
  }
  gave_up_ = !chunks_.connected();
  return false;
}

// Who asks is back at a broker that was away a little before this connection is. It is waited for once, then what is to
// be sent is dropped until it is there: other work must not stand still.
bool FileHand::may_connect() {
  if (chunks_.connected()) {
    gave_up_ = false;
    return true;
  }
  const std::lock_guard lock(mutex_);
  return !gave_up_ && !stopping_;
}

}  // namespace bramble::aggregator
