// Takes readings from any thread and has a thread of its own store them in telemetry.db, every so often, so that an SD
// card is written seldom and no purge ever stalls a job.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "aggregator/core/store.hpp"
#include "aggregator/store/purge_gate.hpp"
#include "aggregator/store/reading_filter.hpp"
#include "aggregator/store/telemetry_table.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::aggregator {

// How long each tier is kept; 0: for ever.
struct Retention {
  int64_t raw_ms = int64_t{7} * 24 * 3600 * 1000;
  int64_t minute_ms = int64_t{90} * 24 * 3600 * 1000;
  int64_t hour_ms = int64_t{3650} * 24 * 3600 * 1000;
};

// Readings that come late are taken as long as there are minutes for them, so that a node that was away for longer than
// single readings are kept has no gap. Minutes of one hour go at different times: none is made where others are gone.
constexpr int64_t oldest_taken_ms(const Retention& retention) {
  constexpr int64_t kMarginMs = int64_t{2} * 3600 * 1000;
  if (retention.raw_ms == 0 || retention.minute_ms == 0) return 0;  // of any age
  return std::max(retention.raw_ms, retention.minute_ms - kMarginMs);
}

struct TelemetryOptions {
  int64_t commit_interval_ms = 10'000;
  int64_t refresh_interval_ms = 2'000;
  size_t max_rows = 65'536;   // in memory; those beyond are dropped and counted
  size_t early_rows = 8'192;  // so many in memory are committed at once
  size_t max_other_metrics = 100;
  Retention retention;
  int64_t purge_interval_ms = 600'000;
  // Purging by a clock that is wrong would delete everything: none while clock_is_right says no, and for a while after
  // the clock was set (PurgeGate).
  std::function<bool()> clock_is_right = posix::is_clock_synchronised;
  int64_t steady_ms = 600'000;
  std::function<Now()> now = posix::now;
  // Called on the writer's thread, once when something begins to fail and once when it works again.
  std::function<void(const std::string&)> warn = [](const std::string&) {};
};

class TelemetryWriter final : public TelemetrySink {
 public:
  // A database that is damaged, now or later, is set aside under a name that `warn` tells, and a new one begun.
  static Result<std::unique_ptr<TelemetryWriter>> open(const std::string& path, TelemetryOptions options = {});
  ~TelemetryWriter() override;  // commits what there is

  void add(std::vector<TelemetryRow> rows) override;
  TelemetryUse use() const override;

  // Returns when all rows added before the call are committed (or given up: those that could never be), or with the
  // reason why they could not be; they are then kept and tried again. Rollups and purges follow after it.
  Status flush();

  // For questions, on any thread: as flush(), unless one began less than refresh_interval_ms ago. So whoever asks every
  // second does not cost the card a commit every second.
  void refresh();

 private:
  using Table = std::unique_ptr<TelemetryTable>;

  TelemetryWriter(std::string path, Table table, TelemetryOptions options);
  void take(TelemetryRow row);
  void run();
  void wait_for_work(std::unique_lock<std::mutex>& lock);
  Status store();
  void give_up(uint64_t rows, const std::string& why);
  Status begin_anew(const std::optional<Error>& damage);
  void maintain();
  template <typename Step>
  void repeat(Step step);  // once, and while it says that there is more and nothing else waits
  bool has_work();
  void on_failure(const Error& error);
  void report(const Status& status);

  const std::string path_;
  const TelemetryOptions options_;
  Table table_;  // the thread's, as are the next five
  std::vector<ScaledRow> unstored_;
  uint64_t unfit_ = 0;  // rows that were given up
  PurgeGate gate_;
  MonoTime purge_at_;
  bool shedding_told_ = false;

  mutable std::mutex mutex_;  // for all below
  std::condition_variable work_;
  std::condition_variable flushed_;
  std::vector<ScaledRow> rows_;
  size_t weight_ = 0;           // of rows_, see weight_of()
  size_t unstored_weight_ = 0;  // of those that the thread holds
  ReadingFilter filter_;
  TelemetryUse use_;
  std::optional<MonoTime> refreshed_at_;
  uint64_t flushes_wanted_ = 0;
  uint64_t flushes_done_ = 0;
  Status last_status_;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace bramble::aggregator
