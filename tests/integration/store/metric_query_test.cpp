// Questions about metrics and energy over the real databases: each tier, where tiers meet, resets, gaps, cuts.
#include "aggregator/store/metric_query.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "aggregator/store/telemetry_table.hpp"
#include "unit/store/store_builders.hpp"

namespace bramble::aggregator {
namespace {

using testing::HasSubstr;

constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kBeginMs = 1'800'000'000'000 / 3'600'000 * 3'600'000;
constexpr int64_t kHourMs = 3'600'000;

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

TEST_F(MetricQueryTest, EveryTierSaysTheSame) {
  write_seconds("pi1", 0, 7200);
  for (const int64_t rolled_s : {0, 1800, 7200}) {
    roll(rolled_s);
    EXPECT_THAT(points(question("load1", 0, 7200, 3600)), testing::ElementsAre(29.5, 29.5)) << rolled_s;
    EXPECT_THAT(points(question("load1", 0, 7200, 3600, Aggregate::max)), testing::ElementsAre(59, 59));
    EXPECT_THAT(points(question("energy_j", 3600, 7200, 1200)), testing::ElementsAre(2, 2, 2));
    EXPECT_THAT(points(question("energy_j", 3600, 7200, 1800, Aggregate::increase)), testing::ElementsAre(3600, 3600));
    EXPECT_THAT(points(question("energy_j", 0, 7200, 3600, Aggregate::last)), testing::ElementsAre(7198, 14398));
  }
  EXPECT_EQ(ask(question("load1", 0, 7200, 3600)).tier, "hour");
  EXPECT_EQ(ask(question("load1", 0, 7200, 120)).tier, "minute");
  EXPECT_EQ(ask(question("load1", 0, 7200, 90)).tier, "raw");
  EXPECT_THAT(points(question("load1", 0, 60, 30)), testing::ElementsAre(14.5, 44.5));
}

TEST_F(MetricQueryTest, P95IsMadeOfReadings) {
  write_seconds("pi1", 0, 3600);
  roll(3600);
  const auto asked = question("load1", 0, 3600, 3600, Aggregate::p95);
  EXPECT_THAT(points(asked), testing::ElementsAre(56));
  EXPECT_EQ(ask(asked).tier, "raw");
  while (table_->purge({kBeginMs * 1000 + 600 * kSecondUs, 0, 0}).value()) {
  }
  EXPECT_THAT(error_of(asked), HasSubstr("single readings"));
  EXPECT_THAT(points(question("load1", 0, 3600, 3600)), testing::ElementsAre(29.5));
}

TEST_F(MetricQueryTest, AP95KeepsOnlySoManyReadingsOfEachKindOfMetric) {
  std::vector<ScaledRow> rows(60);
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i].node = "pi1";
    rows[i].ts_us = kBeginMs * 1000 + static_cast<int64_t>(i) * kSecondUs;
    rows[i].values.set(*column_of("load1"), 100);
    rows[i].others = {{"co2_ppm", 400}};
  }
  ASSERT_TRUE(table_->write(rows));
  for (const auto* metric : {"load1", "co2_ppm"}) {
    const auto asked = question(metric, 0, 60, 60, Aggregate::p95);
    query_ = std::make_unique<SqliteTelemetryQuery>(
        dir_ / "telemetry.db", "", [] {}, rows.size());
    EXPECT_EQ(points(asked).size(), 1U);
    query_ = std::make_unique<SqliteTelemetryQuery>(
        dir_ / "telemetry.db", "", [] {}, rows.size() - 1);
    EXPECT_THAT(error_of(asked), HasSubstr("a p95 over more than 59 readings")) << metric;
  }
}

TEST_F(MetricQueryTest, NodesAreApartAndSilenceIsNothing) {
  write_seconds("pi1", 0, 60);
  write_seconds("pi2", 120, 180);
  EXPECT_THAT(points(question("load1", 0, 180, 60), 0), testing::ElementsAre(29.5, -1, -1));
  EXPECT_THAT(points(question("load1", 0, 180, 60), 1), testing::ElementsAre(-1, -1, 29.5));
  auto one = question("load1", 0, 180, 60);
  one.nodes = {"pi2"};
  EXPECT_EQ(ask(one).series.size(), 1u);
}

TEST_F(MetricQueryTest, WrongQuestionsSayWhatToAskInstead) {
  write_seconds("pi1", 0, 60);
  EXPECT_THAT(error_of(question("lod1", 0, 60, 60)), HasSubstr("unknown metric 'lod1'; did you mean 'load1'?"));
  EXPECT_THAT(error_of(question("load1", 0, 60, 60, Aggregate::rate)), HasSubstr("no counter"));
  EXPECT_THAT(error_of(question("energy_j", 0, 60, 60, Aggregate::mean)), HasSubstr("--agg rate"));
  auto far = question("load1", 0, 60, 60);
  far.nodes = {"pi11"};
  EXPECT_THAT(error_of(far), HasSubstr("unknown node 'pi11'"));
  auto many = question("load1", 0, 3'000'000, 1);
  EXPECT_THAT(error_of(many), HasSubstr("3000000 points"));
}

TEST_F(MetricQueryTest, PeoplesOwnMetricsCanBeAskedFor) {
  ScaledRow row;
  row.node = "pi1";
  row.ts_us = kBeginMs * 1000;
  row.others = {{"co2_ppm", 400}};
  ASSERT_TRUE(table_->write({row}));
  row.ts_us += kSecondUs;
  row.others = {{"co2_ppm", 500}};
  ASSERT_TRUE(table_->write({row}));
  EXPECT_THAT(points(question("co2_ppm", 0, 60, 60)), testing::ElementsAre(450));
}

// Purged in parts, so that an hour is gathered from several.
TEST_F(MetricQueryTest, PeoplesOwnMetricsAreKeptByTheHourWhenTheirReadingsGo) {
  std::vector<ScaledRow> rows;
  for (int64_t second = 0; second < 3 * 3600; second += 60) {
    ScaledRow& row = rows.emplace_back();
    row.node = "pi1";
    row.ts_us = kBeginMs * 1000 + second * kSecondUs;
    row.run = 7;
    row.others = {{"co2_ppm", static_cast<double>(400 + second / 60)}};
  }
  ASSERT_TRUE(table_->write(rows));
  roll(3 * 3600);
  for (const int64_t until_s : {1'200, 3'700, 2 * 3600}) {
    while (table_->purge({kBeginMs * 1000 + until_s * kSecondUs, 0, 0}).value()) {
    }
  }
  const auto asked = [&](Aggregate aggregate) { return question("co2_ppm", 0, 3 * 3600, 3600, aggregate); };
  EXPECT_THAT(points(asked(Aggregate::mean)), testing::ElementsAre(429.5, 489.5, 549.5));
  EXPECT_THAT(points(asked(Aggregate::max)), testing::ElementsAre(459, 519, 579));
  EXPECT_THAT(points(asked(Aggregate::min)), testing::ElementsAre(400, 460, 520));
  while (table_->purge({0, 0, kBeginMs * 1000 + 3600 * kSecondUs}).value()) {
  }
  EXPECT_EQ(points(asked(Aggregate::mean)).front(), -1) << "gone, too";
}

TEST_F(MetricQueryTest, ACancelledQuestionEnds) {
  write_seconds("pi1", 0, 7200);
  auto asked = question("load1", 0, 7200, 7200, Aggregate::p95);
  asked.cancelled = std::make_shared<std::atomic<bool>>(true);
  EXPECT_EQ(error_of(asked), "the question was cancelled");
}

// --- energy ---

TEST_F(MetricQueryTest, NodesSharesAndTheRestAddUp) {
  write_seconds("pi1", 0, 3600);
  write_seconds("pi2", 0, 3600);
  roll(3000);  // the last minutes are read from readings
  add_attempt(1, 1, "pi1", 60, 120, 90);
  add_attempt(2, 1, "pi2", 600, 1200, 1000);
  const auto by_node = energy(EnergyQuestion::By::node, 0, 3600);
  ASSERT_EQ(by_node.rows.size(), 2u);
  EXPECT_NEAR(by_node.rows[0].energy_j, 7198, 1e-6);
  EXPECT_NEAR(by_node.nodes.energy_j, 2 * 7198, 1e-6);
  EXPECT_NEAR(by_node.attempts.energy_j + by_node.unattributed_j, by_node.nodes.energy_j, 1e-6);
  EXPECT_NEAR(by_node.attempts.energy_j, 1090, 1e-6);
  const auto cluster = energy(EnergyQuestion::By::cluster, 0, 3600);
  EXPECT_EQ(cluster.rows.size(), 1u);
  commit(*jobs_, {RemoveTasks{1, 9}, RemoveJob{1}});
  const auto forgotten = energy(EnergyQuestion::By::cluster, 0, 3600);
  EXPECT_NEAR(forgotten.attempts.energy_j, 1090, 1e-6) << "forgotten work is no rest";
  EXPECT_NEAR(forgotten.unattributed_j, cluster.unattributed_j, 1e-6);
}

// Two attempts of one owner, in two hours; job 1 goes in two steps, the store is opened again between them.
TEST_F(MetricQueryTest, TheEnergyOfForgottenJobsStaysItsOwners) {
  write_seconds("pi1", 0, 4 * 3600);
  roll(4 * 3600);
  add_attempt(1, 1, "pi1", 60, 120, 90);
  add_attempt(1, 2, "pi1", 3700, 3800, 200);
  add_attempt(1, 3, "pi1", 3700, 3900, 300);
  add_attempt(2, 1, "pi1", 600, 1200, 1000);
  const auto by_owner = energy(EnergyQuestion::By::owner, 0, 4 * 3600);
  ASSERT_EQ(by_owner.rows.size(), 1U);
  EXPECT_NEAR(by_owner.rows[0].energy_j, 1590, 1e-6);
  commit(*jobs_, {RemoveTasks{1, 2}});
  jobs_ = open_jobs(dir_ / "jobs.db");
  commit(*jobs_, {RemoveTasks{1, 9}, RemoveJob{1}});
  for (const auto& [from_s, to_s, owners_j] :
       {std::tuple{0, 4 * 3600, 1590.0}, std::tuple{0, 3600, 1090.0}, std::tuple{3600, 7200, 500.0}}) {
    const auto after = energy(EnergyQuestion::By::owner, from_s, to_s);
    ASSERT_EQ(after.rows.size(), 1U) << from_s;
    EXPECT_EQ(after.rows[0].name, "ada");
    EXPECT_NEAR(after.rows[0].energy_j, owners_j, 1e-6) << from_s;
    EXPECT_NEAR(after.attempts.energy_j, owners_j, 1e-6);
    EXPECT_NEAR(after.attempts.energy_j + after.unattributed_j, after.nodes.energy_j, 1e-6);
  }
  EXPECT_NEAR(energy(EnergyQuestion::By::owner, 0, 4200).attempts.energy_j, 1590, 1e-6) << "all ended before";
  const auto by_job = energy(EnergyQuestion::By::job, 0, 4 * 3600);
  ASSERT_EQ(by_job.rows.size(), 1U) << "job 2";
  EXPECT_NEAR(by_job.rows[0].energy_j, 1000, 1e-6);
  EXPECT_NEAR(by_job.attempts.energy_j, 1590, 1e-6) << "the rest is of other jobs";
}

// An agent that started again at second 1000 with its counter at 0, a node that was away from 2000 to 2600 with its
// counter going on, and an agent that was away so long that its new life's counter is above the old one's.
TEST_F(MetricQueryTest, ResetsAndGapsLoseNothingAndCountNothingTwice) {
  std::vector<Reading> readings;
  double used_j = 0;  // what the node has really used since its first reading
  const auto add = [&](int64_t second, double energy_j, uint64_t run) {
    readings.push_back({.second = second, .energy_j = energy_j, .run = run, .unattributed_j = energy_j / 2});
  };
  for (int64_t second = 0; second < 1000; ++second) add(second, 500 + 3.0 * static_cast<double>(second), 1);
  used_j += 3.0 * 999;
  for (int64_t second = 1000; second < 2000; ++second) add(second, 3.0 * static_cast<double>(second - 999), 2);
  used_j += 3.0 * 1000;
  for (int64_t second = 2600; second < 3000; ++second) add(second, 3.0 * static_cast<double>(second - 999), 2);
  used_j += 3.0 * 1000;
  for (int64_t second = 9000; second < 9100; ++second) add(second, 20'000 + static_cast<double>(second), 3);
  used_j += 20'000 + 9099;
  write(readings);
  add_attempt(1, 1, "pi1", 100, 200, 150);  // before, across and after the new life
  add_attempt(1, 2, "pi1", 950, 1050, 150);
  add_attempt(1, 3, "pi1", 1990, 2700, 1065);
  for (const int64_t rolled_s : {0, 1500, 2630, 9060, 10'800}) {
    roll(rolled_s);
    const auto answer = energy(EnergyQuestion::By::job, 0, 10'800);
    EXPECT_NEAR(answer.nodes.energy_j, used_j, used_j * 1e-6) << rolled_s;
    EXPECT_NEAR(answer.attempts.energy_j + answer.unattributed_j, answer.nodes.energy_j, used_j * 1e-9);
    EXPECT_NEAR(answer.told_unattributed_j, used_j / 2, used_j * 1e-6);
    double hours_j = 0;
    for (int64_t hour_s = 0; hour_s < 10'800; hour_s += 3600) {
      hours_j += energy(EnergyQuestion::By::node, hour_s, hour_s + 3600).nodes.energy_j;
    }
    EXPECT_NEAR(hours_j, used_j, used_j * 1e-6) << "the parts are the whole";
  }
}

// The head came up with an old clock: 30 s of the new life lie among the old one's readings, and some minutes after
// them.
TEST_F(MetricQueryTest, TwoLivesWhoseReadingsInterleaveCountOnce) {
  std::vector<Reading> old_life;
  for (int64_t second = 0; second < 120; ++second) {
    old_life.push_back({.second = second, .energy_j = 7.8e6 + 5.0 * static_cast<double>(second), .run = 1});
  }
  write(old_life);
  roll(120);
  std::vector<Reading> new_life;
  for (int64_t i = 0; i < 300; ++i) {
    const int64_t second = i < 30 ? 80 + i : 600 + i;
    new_life.push_back({.second = second, .energy_j = 5.0 * static_cast<double>(i + 1), .run = 2});
  }
  write(new_life);
  const double both_j = 5.0 * (119 + 300);
  const auto by_node = [&] { return energy(EnergyQuestion::By::node, 0, 1200).nodes.energy_j; };
  const auto by_step = [&] { return points(question("energy_j", 0, 1200, 1200, Aggregate::increase)).at(0); };
  const auto by_readings = [&] {
    double sum_j = 0;
    for (const double step_j : points(question("energy_j", 0, 1170, 90, Aggregate::increase))) {
      sum_j += std::max(0.0, step_j);
    }
    return sum_j;
  };
  for (const int64_t rolled_s : {0, 120, 1200}) {
    roll(rolled_s);
    // What the old life used beside the new one is not counted.
    for (const double counted_j : {by_node(), by_step(), by_readings()}) {
      EXPECT_LE(counted_j, both_j) << rolled_s;
      EXPECT_GE(counted_j, both_j - 5.0 * 45) << rolled_s;
    }
  }
}

TEST_F(MetricQueryTest, ANewLifeWhoseFirstReadingHasNoEnergyIsCounted) {
  write_seconds("pi1", 0, 300);
  ScaledRow first;
  first.node = "pi1";
  first.ts_us = kBeginMs * 1000 + 300 * kSecondUs;
  first.run = 9;
  first.number = 1;
  ASSERT_TRUE(table_->write({first}));
  std::vector<Reading> later;
  for (int64_t second = 301; second < 600; ++second) {
    later.push_back({.second = second, .energy_j = 2 * static_cast<double>(second - 300), .run = 9});
  }
  write(later);
  for (const int64_t rolled_s : {0, 300, 600}) {
    roll(rolled_s);
    EXPECT_NEAR(energy(EnergyQuestion::By::node, 0, 600).nodes.energy_j, 2 * 299 + 2 * 299, 1e-6) << rolled_s;
  }
}

TEST_F(MetricQueryTest, AttemptsAreCutByTheTimeAskedFor) {
  write_seconds("pi1", 0, 3600);
  add_attempt(1, 1, "pi1", 0, 1200, 1200);
  double parts_j = 0;
  for (int64_t from_s = 0; from_s < 1800; from_s += 600) {
    parts_j += energy(EnergyQuestion::By::job, from_s, from_s + 600).attempts.energy_j;
  }
  EXPECT_NEAR(energy(EnergyQuestion::By::job, 600, 3600).attempts.energy_j, 600, 1e-6);
  EXPECT_NEAR(parts_j, 1200, 1e-6);
}

TEST_F(MetricQueryTest, EnergyOfTimesWhoseMinutesAreGoneIsThatOfWholeHours) {
  write_seconds("pi1", 0, 4 * 3600);
  roll(4 * 3600);
  const int64_t cut_us = (kBeginMs + 2 * kHourMs) * 1000;
  while (table_->purge({cut_us, cut_us, 0}).value()) {
  }
  const auto answer = energy(EnergyQuestion::By::node, 1800, 4 * 3600);
  EXPECT_TRUE(answer.by_hours);
  EXPECT_EQ(answer.since_ms, kBeginMs);
  EXPECT_NEAR(answer.nodes.energy_j, 2 * (4 * 3600 - 1), 1e-6);
}

}  // namespace
}  // namespace bramble::aggregator
