#include "aggregator/store/rollup.hpp"

#include <algorithm>
#include <cmath>

namespace bramble::aggregator {
namespace {

void widen(MetricSummary& summary, int64_t least, int64_t most) {
  summary.min = summary.told ? std::min(summary.min, least) : least;
  summary.max = summary.told ? std::max(summary.max, most) : most;
}

}  // namespace

CounterStep count_on(size_t column, int64_t last, int64_t value, SameLife same_life) {
  const bool energy = begins_with_agent(column);
  if (energy && same_life == SameLife::no) return {value, value};
  if (value >= last) return {value - last, value};
  const bool out_of_order = same_life == SameLife::yes && (energy || value > last / 2);
  return out_of_order ? CounterStep{0, last} : CounterStep{value, value};
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
  const SameLife same_life = first ? SameLife::unknown : compare_lives(rollup_.last_life, life);
  for (size_t column = 0; column < kTelemetryColumnCount; ++column) {
    if (!values.has(column)) continue;
    const int64_t value = values.at(column);
    MetricSummary& summary = rollup_.metrics[column];
    if (kTelemetryColumns[column].is_counter()) {
      add_counter(column, value, same_life, life);
    } else {
      widen(summary, value, value);
      ++running_[column].count;
      running_[column].sum += static_cast<long double>(value);
    }
    summary.told = true;
  }
  if (!first) rollup_.covered_us += std::max<int64_t>(0, ts_us - rollup_.last_us);
  rollup_.last_us = first ? ts_us : std::max(ts_us, rollup_.last_us);
  rollup_.last_source = source;
  rollup_.last_life = life;
  ++rollup_.readings;
}

void RollupBuilder::add_counter(size_t column, int64_t value, SameLife same_life, const Life& life) {
  MetricSummary& summary = rollup_.metrics[column];
  CounterStep step{0, value};
  if (summary.has_last) {
    step = count_on(column, summary.last, value, same_life);
  } else if (begins_with_agent(column) && life.from_its_begin) {
    step.increase = value;
  }
  summary.increase += step.increase;
  summary.last = step.last;
  summary.has_last = true;
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
      summary.increase += part.increase;
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
