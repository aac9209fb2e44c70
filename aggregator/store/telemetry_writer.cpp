#include "aggregator/store/telemetry_writer.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <numeric>

#include "aggregator/store/set_aside.hpp"

namespace bramble::aggregator {
namespace {

constexpr size_t kMinutesAtOnce = 10;
constexpr int64_t kMaintenanceMs = 500;  // of each round; what is left comes with the next one

// Values without a column take memory of their own.
size_t weight_of(const ScaledRow& row) { return 1 + row.others.size() / 4; }

ScaledRow scaled_row(const TelemetryRow& row, uint64_t& refused) {
  const wire::Telemetry& reading = *row.reading;
  ScaledReading scaled = scale_reading(reading);
  refused += scaled.refused;
  ScaledRow result{
      row.node, taken_us(row.received, reading), reading.run, reading.number, reading.power_measured, scaled.values,
      {}};
  result.others.reserve(scaled.others.size());
  for (const auto& [metric, value] : scaled.others) result.others.emplace_back(metric, value);
  return result;
}

}  // namespace

Result<std::unique_ptr<TelemetryWriter>> TelemetryWriter::open(const std::string& path, TelemetryOptions options) {
  auto table = open_or_set_aside(path, options.max_other_metrics, options.warn);
  if (!table) return tl::unexpected<Error>(table.error());
  return std::unique_ptr<TelemetryWriter>(new TelemetryWriter(path, std::move(*table), std::move(options)));
}

TelemetryWriter::TelemetryWriter(std::string path, Table table, TelemetryOptions options)
    : path_(std::move(path)),
      options_(std::move(options)),
      table_(std::move(table)),
      gate_(options_.steady_ms),
      filter_(oldest_taken_ms(options_.retention)),
      thread_([this] { run(); }) {}

TelemetryWriter::~TelemetryWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  thread_.join();
}

void TelemetryWriter::add(std::vector<TelemetryRow> rows) {
  bool early = false;
  {
    const std::lock_guard lock(mutex_);
    const size_t before = rows_.size();
    for (auto& row : rows) take(std::move(row));
    early = before < options_.early_rows && rows_.size() >= options_.early_rows;
  }
  if (early) work_.notify_one();
}

void TelemetryWriter::take(TelemetryRow row) {
  switch (filter_.judge(row.node, *row.reading)) {
    case ReadingFilter::Verdict::duplicate:
      ++use_.duplicates;
      return;
    case ReadingFilter::Verdict::too_old:
      ++use_.too_old;
      return;
    case ReadingFilter::Verdict::take:
      break;
  }
  if (weight_ + unstored_weight_ >= options_.max_rows) {
    ++use_.shed;
    return;
  }
  rows_.push_back(scaled_row(row, use_.refused_values));
  weight_ += weight_of(rows_.back());
}

TelemetryUse TelemetryWriter::use() const {
  const std::lock_guard lock(mutex_);
  TelemetryUse use = use_;
  use.waiting = rows_.size() + unstored_weight_;
  return use;
}

Status TelemetryWriter::flush() {
  std::unique_lock lock(mutex_);
  const uint64_t mine = ++flushes_wanted_;
  work_.notify_one();
  flushed_.wait(lock, [&] { return flushes_done_ >= mine; });
  return last_status_;
}

void TelemetryWriter::refresh() {
  {
    const MonoTime now = options_.now().mono;
    const std::lock_guard lock(mutex_);
    if (refreshed_at_ && now - *refreshed_at_ < options_.refresh_interval_ms) return;
    refreshed_at_ = now;
  }
  (void)flush();  // what fails is told by the writer's thread
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
    unstored_weight_ += std::exchange(weight_, 0);
    lock.unlock();
    const uint64_t rows = unstored_.size();
    const Status status = store();
    report(status);
    lock.lock();
    if (status) {
      unstored_weight_ = 0;
      use_.stored += rows - (unfit_ - use_.unfit);
    }
    use_.unfit = unfit_;
    if (table_) use_.others_refused = table_->others_refused();
    last_status_ = status;
    flushes_done_ = flushes;
    flushed_.notify_all();
    lock.unlock();
    if (status && !last_round) maintain();
    lock.lock();
  }
}

Status TelemetryWriter::store() {
  if (unstored_.empty()) return {};
  Status status = table_ ? table_->write(unstored_) : begin_anew({});
  if (!status && status.error().code == ErrorCode::corrupt) {
    status = begin_anew(status.error());
    if (status) status = table_->write(unstored_);
  }
  if (status) {
    give_up(table_->rows_refused(), table_->refusal());
  } else if (table_ && !sqlite::may_work_later(status.error())) {
    give_up(unstored_.size(), status.error().message);
    status = {};
  }
  if (status) unstored_.clear();
  return status;
}

// What was not stored and never can be; told once.
void TelemetryWriter::give_up(uint64_t rows, const std::string& why) {
  if (rows > 0 && unfit_ == 0) {
    options_.warn("readings are dropped, for they can never be stored (" + std::to_string(rows) + "): " + why +
                  "; further ones are counted in the health's telemetry.unfit");
  }
  unfit_ += rows;
}

// Opens a database where there is none, after what is damaged was set aside.
Status TelemetryWriter::begin_anew(const std::optional<Error>& damage) {
  table_.reset();
  auto table = damage ? set_aside_and_open(path_, *damage, options_.max_other_metrics, options_.warn)
                      : open_or_set_aside(path_, options_.max_other_metrics, options_.warn);
  if (!table) return tl::unexpected<Error>(table.error());
  table_ = std::move(*table);
  return damage ? Status{} : table_->write(unstored_);
}

bool TelemetryWriter::has_work() {
  const std::lock_guard lock(mutex_);
  return stopping_ || flushes_wanted_ > flushes_done_ || rows_.size() >= options_.early_rows;
}

template <typename Step>
void TelemetryWriter::repeat(Step step) {
  const MonoTime begin = posix::mono_now();
  if (!table_) return;
  Result<bool> more = step();
  while (more && *more && !has_work() && posix::mono_now() - begin < kMaintenanceMs) more = step();
  if (!more) on_failure(more.error());
}

void TelemetryWriter::maintain() {
  const Now now = options_.now();
  const int64_t now_us = now.wall.ms * 1000;
  repeat([&] { return table_->roll(roll_until(now_us), kMinutesAtOnce); });
  const bool may_purge = gate_.may_purge(now, options_.clock_is_right());
  if (!may_purge || now.mono < purge_at_) return;
  const auto before_us = [&](int64_t keep_ms) { return keep_ms == 0 ? 0 : now_us - keep_ms * 1000; };
  const PurgeBefore before{before_us(options_.retention.raw_ms), before_us(options_.retention.minute_ms),
                           before_us(options_.retention.hour_ms)};
  repeat([&] {
    auto more = table_->purge(before);
    if (more && !*more) purge_at_ = now.mono + options_.purge_interval_ms;
    return more;
  });
}

// What is damaged is set aside; all else is tried again with the next round.
void TelemetryWriter::on_failure(const Error& error) {
  report(error.code == ErrorCode::corrupt ? begin_anew(error) : Status(tl::unexpected<Error>(error)));
}

void TelemetryWriter::report(const Status& status) {
  const std::string trouble = status ? "" : status.error().message;
  bool changed = false;
  bool shedding = false;
  {
    const std::lock_guard lock(mutex_);
    changed = trouble.empty() != use_.trouble.empty();
    use_.trouble = trouble;
    shedding = use_.shed > 0 && !std::exchange(shedding_told_, use_.shed > 0);
  }
  if (changed && !trouble.empty()) options_.warn(trouble + "; readings are kept in memory meanwhile");
  if (changed && trouble.empty()) options_.warn("readings are stored again");
  if (shedding) {
    options_.warn("more readings come than can be stored: those beyond " + std::to_string(options_.max_rows) +
                  " in memory are dropped, and counted in the health's telemetry.shed");
  }
}

}  // namespace bramble::aggregator
