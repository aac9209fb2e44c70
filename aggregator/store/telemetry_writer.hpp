// Takes readings from any thread and has a thread of its own store them in telemetry.db, every so often, so that an SD
// card is written seldom and no purge ever stalls a job.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "aggregator/core/store.hpp"
#include "aggregator/store/telemetry_table.hpp"

namespace bramble::aggregator {

bool is_clock_synchronised();  // by the kernel's word

struct TelemetryOptions {
  int64_t commit_interval_ms = 10'000;
  size_t max_rows = 65'536;                               // in memory; those beyond are dropped and counted
  size_t early_rows = 8'192;                              // so many in memory are committed at once
  int64_t retention_ms = int64_t{30} * 24 * 3600 * 1000;  // older rows are purged; 0: never
  // Purging by a clock that is wrong would delete everything: none while this says no.
  std::function<bool()> clock_is_right = is_clock_synchronised;
  // Called on the writer's thread, once when storing begins to fail and once when it works again.
  std::function<void(const std::string&)> warn = [](const std::string&) {};
};

class TelemetryWriter final : public TelemetrySink {
 public:
  static Result<std::unique_ptr<TelemetryWriter>> open(const std::string& path, TelemetryOptions options = {});
  ~TelemetryWriter() override;  // commits what there is

  void add(TelemetryRow row) override;
  uint64_t dropped_rows() const override { return dropped_rows_; }
  uint64_t unknown_values() const { return unknown_values_; }  // metrics without a column, and values out of range

  // Returns when all rows added before the call are committed, or with the reason why they could not be; they are then
  // kept and tried again.
  Status flush();

 private:
  TelemetryWriter(TelemetryTable table, TelemetryOptions options);
  void run();
  void wait_for_work(std::unique_lock<std::mutex>& lock);
  Status store();
  void report(const Status& status);

  TelemetryTable table_;  // the thread's
  const TelemetryOptions options_;
  std::vector<ScaledRow> unstored_;  // the thread's
  bool failing_ = false;             // the thread's

  std::mutex mutex_;  // for all below
  std::condition_variable work_;
  std::condition_variable flushed_;
  std::vector<ScaledRow> rows_;
  size_t unstored_count_ = 0;
  uint64_t flushes_wanted_ = 0;
  uint64_t flushes_done_ = 0;
  Status last_status_;
  bool stopping_ = false;

  std::atomic<uint64_t> dropped_rows_ = 0;
  std::atomic<uint64_t> unknown_values_ = 0;
  std::thread thread_;
};

}  // namespace bramble::aggregator
