// Both real databases with a node or two that tell once a second, and questions about them.
#pragma once

#include <gtest/gtest.h>

#include <cmath>

#include "aggregator/store/metric_query.hpp"
#include "aggregator/store/telemetry_table.hpp"
#include "unit/store/store_builders.hpp"

namespace bramble::aggregator {

inline constexpr int64_t kSecondUs = 1'000'000;
inline constexpr int64_t kBeginMs = 1'800'000'000'000 / 3'600'000 * 3'600'000;
inline constexpr int64_t kHourMs = 3'600'000;

class MetricQueryTest : public testing::Test {
 protected:
  void SetUp() override {
    jobs_ = open_jobs(dir_ / "jobs.db");
    ASSERT_NE(jobs_, nullptr);
    commit(*jobs_, {AddJob{make_job(1)}, AddJob{make_job(2)}});
    auto table = TelemetryTable::open(dir_ / "telemetry.db");
    ASSERT_TRUE(table) << table.error().message;
    table_ = std::move(*table);
    query_ = std::make_unique<SqliteTelemetryQuery>(dir_ / "telemetry.db", dir_ / "jobs.db", [] {});
  }

  struct Reading {
    std::string node = "pi1";
    int64_t second = 0;
    double load = 0;
    double energy_j = 0;
    uint64_t run = 7;
    double unattributed_j = 0;
  };
  void write(const std::vector<Reading>& readings) {
    std::vector<ScaledRow> rows;
    for (const auto& reading : readings) {
      ScaledRow& row = rows.emplace_back();
      row.node = reading.node;
      row.ts_us = kBeginMs * 1000 + reading.second * kSecondUs;
      row.run = reading.run;
      row.number = 100'000;
      row.values.set(*column_of("load1"), std::llround(reading.load * 100));
      row.values.set(*column_of("energy_j"), std::llround(reading.energy_j * 1000));
      row.values.set(*column_of("energy_unattributed_j"), std::llround(reading.unattributed_j * 1000));
    }
    const Status status = table_->write(rows);
    ASSERT_TRUE(status) << status.error().message;
  }
  // Load rises from 0 to 59 in each minute; 2 W.
  void write_seconds(const std::string& node, int64_t from, int64_t to) {
    std::vector<Reading> readings;
    for (int64_t second = from; second < to; ++second) {
      readings.push_back({.node = node,
                          .second = second,
                          .load = static_cast<double>(second % 60),
                          .energy_j = 2 * static_cast<double>(second)});
    }
    write(readings);
  }
  void roll(int64_t until_second) {
    while (true) {
      const auto more = table_->roll(kBeginMs * 1000 + until_second * kSecondUs, 100);
      ASSERT_TRUE(more) << more.error().message;
      if (!*more) return;
    }
  }
  static MetricQuestion question(const std::string& metric, int64_t from_s, int64_t to_s, int64_t step_s,
                                 Aggregate aggregate = Aggregate::natural) {
    MetricQuestion made;
    made.metrics = {metric};
    made.since_ms = kBeginMs + from_s * 1000;
    made.until_ms = kBeginMs + to_s * 1000;
    made.step_ms = step_s * 1000;
    made.aggregate = aggregate;
    return made;
  }
  MetricAnswer ask(const MetricQuestion& question) {
    auto answer = query_->metrics(question);
    if (!answer) {
      ADD_FAILURE() << answer.error().message;
      return {};
    }
    return *answer;
  }
  std::vector<double> points(const MetricQuestion& question, size_t series = 0) {
    std::vector<double> values;
    const MetricAnswer answer = ask(question);
    if (answer.series.size() <= series) return values;
    for (const auto& point : answer.series[series].points) values.push_back(point.value_or(-1));
    return values;
  }
  std::string error_of(const MetricQuestion& question) {
    const auto answer = query_->metrics(question);
    return answer ? "no error" : answer.error().message;
  }

  EnergyAnswer energy(EnergyQuestion::By by, int64_t from_s, int64_t to_s) {
    EnergyQuestion question;
    question.by = by;
    question.since_ms = kBeginMs + from_s * 1000;
    question.until_ms = kBeginMs + to_s * 1000;
    auto answer = query_->energy(question);
    if (!answer) {
      ADD_FAILURE() << answer.error().message;
      return {};
    }
    return *answer;
  }
  void add_attempt(JobId job, uint32_t task, const std::string& node, int64_t from_s, int64_t to_s, double energy_j) {
    auto jobs = sqlite::Connection::open(dir_ / "jobs.db", sqlite::OpenMode::read_write, 1000);
    auto insert = jobs->prepare(
        "INSERT INTO attempts_raw (job, task, attempt, node, session, assigned_ms, started_ms, ended_ms, duration_ms, "
        "energy_mj, energy_measured_mj) VALUES (?, ?, 1, ?, 1, 0, ?, ?, ?, ?, 0)");
    ASSERT_TRUE(insert);
    ASSERT_TRUE(insert->run(job, task, node, kBeginMs + from_s * 1000, kBeginMs + to_s * 1000, (to_s - from_s) * 1000,
                            energy_j * 1000));
  }

  TempDir dir_;
  std::unique_ptr<SqliteJobStore> jobs_;
  std::unique_ptr<TelemetryTable> table_;
  std::unique_ptr<SqliteTelemetryQuery> query_;
};

}  // namespace bramble::aggregator
