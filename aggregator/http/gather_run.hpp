// A blob that is put together of parts of outputs, step by step, and who waits for it.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "aggregator/core/store.hpp"
#include "aggregator/http/http_message.hpp"
#include "aggregator/http/requests.hpp"

namespace bramble::aggregator::http {

// Thread-safe but for step(). Dropped before its end it leaves nothing behind.
class GatherRun {
 public:
  // slot: one of those who write blobs; free again when all is copied.
  GatherRun(JobQuery& jobs, BlobFiles& files, Gathering gathering, std::shared_ptr<void> slot);

  // Copies some MiB; the blob, once that was all. By one thread at a time, and not after an error.
  Result<std::optional<wire::BlobRef>> step();

  // `answer` gets the reply once there is one; at once, and no number, where there is.
  std::optional<uint64_t> wait(Answer answer);
  Answer leave(uint64_t waiter);  // nothing: it has its reply

  // Whether somebody waited. If not the reply is kept for who asks next.
  bool finish(HttpReply reply);

 private:
  Status find_row(const Gathering::Part& part);
  Status copy(const Gathering::Part& part, uint64_t max_bytes);
  void next_part();
  void let_go();

  JobQuery& jobs_;
  BlobFiles& files_;
  Gathering gathering_;
  std::shared_ptr<void> slot_;
  std::unique_ptr<BlobWriter> writer_;
  size_t part_ = 0;  // the one that is being copied
  uint64_t copied_bytes_ = 0;
  std::optional<OutputRow> row_;

  std::mutex mutex_;
  std::map<uint64_t, Answer> waiters_;
  uint64_t last_waiter_ = 0;
  std::optional<HttpReply> reply_;
};

// Those that are under way, or have a reply that nobody heard, by the digest of the request. Thread-safe.
class GatherRuns {
 public:
  struct Found {
    std::shared_ptr<GatherRun> run;
    bool begun = false;  // just now
  };

  // begin() makes the run where there is none of that name.
  template <typename Begin>
  Result<Found> find_or_begin(const std::string& name, const Begin& begin) {
    const std::lock_guard lock(mutex_);
    if (const auto found = runs_.find(name); found != runs_.end()) return Found{found->second, false};
    if (runs_.size() >= kMaxRuns) return fail(ErrorCode::unavailable, "too many blobs are put together: try again");
    Result<std::shared_ptr<GatherRun>> run = begin();
    if (!run) return tl::unexpected(run.error());
    runs_[name] = *run;
    return Found{std::move(*run), true};
  }

  void forget(const std::shared_ptr<GatherRun>& run);
  void clear();

 private:
  static constexpr size_t kMaxRuns = 1024;

  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<GatherRun>> runs_;
};

}  // namespace bramble::aggregator::http
