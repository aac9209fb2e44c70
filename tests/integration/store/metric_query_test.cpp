// Questions about metrics over the real databases: each tier, where tiers meet, cuts.
#include <gmock/gmock.h>

#include "metric_query_fixture.hpp"

namespace bramble::aggregator {
namespace {

using testing::HasSubstr;

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

// 2 W each second, of which a quarter was measured in the first of two minutes, and nothing afterwards.
TEST_F(MetricQueryTest, WattsAndJoulesSayWhichPartWasMeasured) {
  std::vector<ScaledRow> rows;
  for (int64_t second = 0; second <= 120; ++second) {
    ScaledRow& row = rows.emplace_back();
    row.node = "pi1";
    row.ts_us = kBeginMs * 1000 + second * kSecondUs;
    row.run = 7;
    row.number = static_cast<uint64_t>(100'000 + second);
    row.values.set(*column_of("load1"), 100);
    row.values.set(*column_of("power_w"), 2000);
    row.values.set(*column_of("energy_j"), 2000 * second);
    row.values.set(*column_of("energy_measured_j"), 500 * std::min<int64_t>(second, 60));
  }
  ASSERT_TRUE(table_->write(rows));
  for (const int64_t rolled_s : {0, 120}) {
    roll(rolled_s);
    auto asked = question("power_w", 0, 121, 60);
    asked.metrics = {"power_w", "load1", "energy_j"};
    const MetricAnswer answer = ask(asked);
    ASSERT_EQ(answer.series.size(), 3u) << "only what was asked for";
    EXPECT_EQ(answer.series[0].metric, "power_w");
    EXPECT_NEAR(answer.series[0].measured_ratio.value_or(-1), 30.0 / 240, 1e-9) << rolled_s;
    EXPECT_EQ(answer.series[1].measured_ratio, std::nullopt) << "load is always measured";
    EXPECT_EQ(answer.series[2].metric, "energy_j");
    EXPECT_NEAR(answer.series[2].measured_ratio.value_or(-1), 30.0 / 240, 1e-9);
  }
  EXPECT_EQ(ask(question("power_w", 600, 660, 60)).series[0].measured_ratio, std::nullopt) << "nothing was told";
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
  EXPECT_THAT(error_of(question("nosuch", 0, 60, 60)), HasSubstr("bramble query --tables lists them"));
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

}  // namespace
}  // namespace bramble::aggregator
