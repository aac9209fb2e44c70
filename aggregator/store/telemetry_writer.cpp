#include "aggregator/store/telemetry_writer.hpp"

#include <sys/timex.h>

#include <chrono>
#include <iterator>

#include "common/posix/system_clock.hpp"

namespace bramble::aggregator {

bool is_clock_synchronised() {
  timex request = {};
  return ::adjtimex(&request) != TIME_ERROR && (request.status & STA_UNSYNC) == 0;
}

Result<std::unique_ptr<TelemetryWriter>> TelemetryWriter::open(const std::string& path, TelemetryOptions options) {
  auto table = TelemetryTable::open(path);
  if (!table) return tl::unexpected<Error>(table.error());
  return std::unique_ptr<TelemetryWriter>(new TelemetryWriter(std::move(*table), std::move(options)));
}

TelemetryWriter::TelemetryWriter(TelemetryTable table, TelemetryOptions options)
    : table_(std::move(table)), options_(std::move(options)), thread_([this] { run(); }) {}

TelemetryWriter::~TelemetryWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  thread_.join();
}

void TelemetryWriter::add(TelemetryRow row) {
  uint64_t unknown = 0;
  ScaledRow scaled{std::move(row.node), row.received.ms, row.reading.power_measured,
                   scale_reading(row.reading, unknown)};
  unknown_values_ += unknown;
  bool early = false;
  {
    const std::lock_guard lock(mutex_);
    if (rows_.size() + unstored_count_ >= options_.max_rows) {
      ++dropped_rows_;
      return;
    }
    rows_.push_back(std::move(scaled));
    early = rows_.size() == options_.early_rows;
  }
  if (early) work_.notify_one();
}

Status TelemetryWriter::flush() {
  std::unique_lock lock(mutex_);
  const uint64_t mine = ++flushes_wanted_;
  work_.notify_one();
  flushed_.wait(lock, [&] { return flushes_done_ >= mine; });
  return last_status_;
}

void TelemetryWriter::wait_for_work(std::unique_lock<std::mutex>& lock) {
  work_.wait_for(lock, std::chrono::milliseconds(options_.commit_interval_ms), [this] {
    return stopping_ || flushes_wanted_ > flushes_done_ || rows_.size() >= options_.early_rows;
  });
}

void TelemetryWriter::run() {
  std::unique_lock lock(mutex_);
  bool last_round = false;
  while (!last_round) {
    wait_for_work(lock);
    last_round = stopping_;
    const uint64_t flushes = flushes_wanted_;
    unstored_.insert(unstored_.end(), std::make_move_iterator(rows_.begin()), std::make_move_iterator(rows_.end()));
    rows_.clear();
    unstored_count_ = unstored_.size();
    lock.unlock();
    const Status status = store();
    report(status);
    lock.lock();
    unstored_count_ = unstored_.size();
    last_status_ = status;
    flushes_done_ = flushes;
    flushed_.notify_all();
  }
}

Status TelemetryWriter::store() {
  if (!unstored_.empty()) {
    if (Status status = table_.write(unstored_); !status) return status;
    unstored_.clear();
  }
  if (options_.retention_ms == 0 || !options_.clock_is_right()) return {};
  return table_.purge(posix::wall_now().ms - options_.retention_ms);
}

void TelemetryWriter::report(const Status& status) {
  if (status.has_value() == !failing_) return;
  failing_ = !status;
  options_.warn(failing_ ? status.error().message + "; readings are kept in memory meanwhile"
                         : std::string("readings are stored again"));
}

}  // namespace bramble::aggregator
