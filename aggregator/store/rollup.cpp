#include "aggregator/store/rollup.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace bramble::aggregator {
namespace {

// Values are bounded, but readings of ever new lives count in full each.
int64_t add_within_limits(int64_t sum, int64_t part) {
  int64_t result = 0;
  if (!__builtin_add_overflow(sum, part, &result)) return result;
  return part < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
}

void widen(MetricSummary& summary, int64_t least, int64_t most) {
  summary.min = summary.told ? std::min(summary.min, least) : least;
  summary.max = summary.told ? std::max(summary.max, most) : most;
}

}  // namespace

Succession succession(const Life& before, int64_t before_us, const Life& now, int64_t now_us) {
  if (before.run == 0 || now.run == 0) return Succession::unknown;
  if (before.run == now.run) return Succession::same;
  if (before.order <= now.order) return Succession::newer;
  return now_us - before_us <= kLivesOverlapUs ? Succession::leftover : Succession::back;
}

CounterStep count_on(size_t column, std::optional<int64_t> last, int64_t value, const Life& life,
                     Succession succession) {
  const bool energy = begins_with_agent(column);
  value = std::max<int64_t>(value, 0);  // older stores may hold what is refused now
  if (last) last = std::max<int64_t>(*last, 0);
  if (succession == Succession::leftover) return {0, last};
  if (succession == Succession::back) return {0, value};
  if (!last) return {energy && life.from_its_begin ? value : 0, value};
  if (energy && succession == Succession::newer) return {value, value};
  if (value >= *last) return {value - *last, value};
  const bool out_of_order = succession == Succession::same && (energy || value > *last / 2);
  return out_of_order ? CounterStep{0, last} : CounterStep{value, value};
}

std::optional<int64_t> carry_on(size_t column, std::optional<int64_t> last, Succession succession) {
  return last && begins_with_agent(column) && succession == Succession::newer ? 0 : last;
}

RollupBuilder::RollupBuilder(const std::optional<Rollup>& before) : has_before_(before.has_value()) {
  if (!before) return;
  rollup_.last_us = before->last_us;
  rollup_.last_source = before->last_source;
  rollup_.last_life = before->last_life;
  for (size_t column = 0; column < kTelemetryColumnCount; ++column) {
    if (!kTelemetryColumns[column].is_counter()) continue;
    rollup_.metrics[column].has_last = before->metrics[column].has_last;
    rollup_.metrics[column].last = before->metrics[column].last;
  }
}

void RollupBuilder::add(int64_t ts_us, int64_t source, const Life& life, const ScaledValues& values) {
  const bool first = !has_before_ && rollup_.readings == 0;
  const Succession order = first ? Succession::unknown : succession(rollup_.last_life, rollup_.last_us, life, ts_us);
  for (size_t column = 0; column < kTelemetryColumnCount; ++column) {
    MetricSummary& summary = rollup_.metrics[column];
    if (!values.has(column)) {
      if (summary.has_last) summary.last = *carry_on(column, summary.last, order);
      continue;
    }
    const int64_t value = values.at(column);
    if (kTelemetryColumns[column].is_counter()) {
      const auto last = summary.has_last ? std::optional(summary.last) : std::nullopt;
      const CounterStep step = count_on(column, last, value, life, order);
      summary.increase = add_within_limits(summary.increase, step.increase);
      summary.has_last = step.last.has_value();
      summary.last = step.last.value_or(0);
    } else {
      widen(summary, value, value);
      ++running_[column].count;
      running_[column].sum += static_cast<long double>(value);
    }
    summary.told = true;
  }
  ++rollup_.readings;
  if (order == Succession::leftover) return;
  if (!first) rollup_.covered_us += std::max<int64_t>(0, ts_us - rollup_.last_us);
  rollup_.last_us = first ? ts_us : std::max(ts_us, rollup_.last_us);
  rollup_.last_source = source;
  rollup_.last_life = life;
}

Rollup RollupBuilder::finish() {
  for (size_t column = 0; column < kTelemetryColumnCount; ++column) {
    const Running& running = running_[column];
    if (running.count == 0) continue;
    rollup_.metrics[column].mean = std::llroundl(running.sum / static_cast<long double>(running.count));
  }
  return rollup_;
}

Rollup combine(std::span<const Rollup> minutes) {
  Rollup hour = minutes.back();
  hour.readings = 0;
  hour.covered_us = 0;
  for (const Rollup& minute : minutes) {
    hour.readings += minute.readings;
    hour.covered_us += minute.covered_us;
  }
  for (size_t column = 0; column < kTelemetryColumnCount; ++column) {
    MetricSummary& summary = hour.metrics[column];
    summary = {.has_last = summary.has_last, .last = summary.last};
    long double sum = 0;
    int64_t weight = 0;
    for (const Rollup& minute : minutes) {
      const MetricSummary& part = minute.metrics[column];
      if (!part.told) continue;
      widen(summary, part.min, part.max);
      summary.increase = add_within_limits(summary.increase, part.increase);
      sum += static_cast<long double>(part.mean) * static_cast<long double>(minute.readings);
      weight += minute.readings;
      summary.told = true;
    }
    const bool has_mean = weight > 0 && !kTelemetryColumns[column].is_counter();
    if (has_mean) summary.mean = std::llroundl(sum / static_cast<long double>(weight));
  }
  return hour;
}

}  // namespace bramble::aggregator
