// Rollups in the real database: what comes late, twice, out of order, from a clock that jumps; and what a kill -9
// leaves.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "aggregator/store/telemetry_table.hpp"
#include "support/temp_dir.hpp"

namespace bramble::aggregator {
namespace {

constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kBegin = 1'800'000'000 * kSecondUs / kHourUs * kHourUs;
constexpr size_t kEnergy = *column_of("energy_j");
constexpr size_t kLoad = *column_of("load1");

class TelemetryRollup : public testing::Test {
 protected:
  void SetUp() override { table_ = open(); }
  std::unique_ptr<TelemetryTable> open() {
    auto table = TelemetryTable::open(path_);
    if (!table) ADD_FAILURE() << table.error().message;
    return table ? std::move(*table) : nullptr;
  }
  static ScaledRow row(const std::string& node, int64_t second, int64_t energy_mj, uint64_t run = 7) {
    ScaledRow made;
    made.node = node;
    made.ts_us = kBegin + second * kSecondUs;
    made.run = run;
    made.number = static_cast<uint64_t>(1000 + second);
    made.values.set(kEnergy, energy_mj);
    made.values.set(kLoad, second % 100);
    return made;
  }
  void write(const std::vector<ScaledRow>& rows) {
    const Status status = table_->write(rows);
    ASSERT_TRUE(status) << status.error().message;
  }
  // One reading a second, 5 J each.
  void write_seconds(const std::string& node, int64_t from, int64_t to) {
    std::vector<ScaledRow> rows;
    for (int64_t second = from; second < to; ++second) rows.push_back(row(node, second, second * 5000));
    write(rows);
  }
  void roll(int64_t until_second) {
    while (true) {
      const auto more = table_->roll(kBegin + until_second * kSecondUs, 10);
      ASSERT_TRUE(more) << more.error().message;
      if (!*more) return;
    }
  }
  int64_t ask(const std::string& sql) {
    auto connection = sqlite::Connection::open(path_, sqlite::OpenMode::read_only, 5000);
    return connection ? connection->integer(sql).value_or(-1) : -1;
  }

  test::TempDir dir_;
  const std::string path_ = dir_ / "telemetry.db";
  std::unique_ptr<TelemetryTable> table_;
};

TEST_F(TelemetryRollup, MinutesThatHaveEndedAndHoursOfThem) {
  write_seconds("pi1", 0, 7200);
  write_seconds("pi2", 0, 90);
  roll(7150);
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry_minute WHERE node = 'pi1'"), 119);
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry_minute WHERE node = 'pi2'"), 2);
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry_hour"), 2);
  EXPECT_EQ(ask("SELECT round(1000 * energy_j_increase) FROM telemetry_hour WHERE node = 'pi1'"), 3599 * 5000);
  EXPECT_EQ(ask("SELECT readings FROM telemetry_hour WHERE node = 'pi1'"), 3600);
  EXPECT_EQ(ask("SELECT 100 * load1_max FROM telemetry_hour WHERE node = 'pi1'"), 99);
  EXPECT_EQ(ask("SELECT power_measured FROM telemetry_hour WHERE node = 'pi1'"), 0);
  roll(7200);
  EXPECT_EQ(ask("SELECT 1000 * sum(energy_j_increase) FROM telemetry_hour WHERE node = 'pi1'"), 7199 * 5000);
}

TEST_F(TelemetryRollup, LateReadingsRemakeTheirMinuteTheNextOneAndTheHours) {
  write_seconds("pi1", 0, 60);
  write_seconds("pi1", 600, 660);
  roll(7200);
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry_minute"), 2);
  EXPECT_EQ(ask("SELECT 1000 * energy_j_increase FROM telemetry_minute WHERE time_us = " +
                std::to_string(kBegin + 600 * kSecondUs)),
            600 * 5000);
  write_seconds("pi1", 300, 360);
  EXPECT_EQ(ask("SELECT count(*) FROM minutes_again"), 1);
  roll(7200);
  EXPECT_EQ(ask("SELECT count(*) FROM minutes_again"), 0);
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry_minute"), 3);
  EXPECT_EQ(ask("SELECT 1000 * energy_j_increase FROM telemetry_minute WHERE time_us = " +
                std::to_string(kBegin + 600 * kSecondUs)),
            (659 - 359) * 5000);
  EXPECT_EQ(ask("SELECT 1000 * energy_j_increase FROM telemetry_hour"), 659 * 5000);
  EXPECT_EQ(ask("SELECT readings FROM telemetry_hour"), 180);
}

TEST_F(TelemetryRollup, AMarkFromTheFutureGoesBackAndNothingIsLostOrCountedTwice) {
  constexpr int64_t kYear = 365 * 86'400;
  write_seconds("pi1", 0, 120);
  roll(120);
  std::vector<ScaledRow> jumped;  // the head's clock is a year ahead for a minute
  for (int64_t second = 120; second < 180; ++second) {
    jumped.push_back(row("pi1", second, second * 5000));
    jumped.back().ts_us += kYear * kSecondUs;
  }
  write(jumped);
  roll(kYear + 7200);
  write_seconds("pi1", 180, 300);  // and right again
  roll(300);
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry"), 300);
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry_minute"), 5);
  EXPECT_EQ(ask("SELECT sum(readings) FROM telemetry_minute"), 300);
  // In the order of their stamps the last readings come before those of the future.
  EXPECT_EQ(ask("SELECT 1000 * sum(energy_j_increase) FROM telemetry_minute WHERE time_us < " +
                std::to_string(kBegin + 3600 * kSecondUs)),
            299 * 5000);
}

TEST_F(TelemetryRollup, AMinuteWhoseReadingsArePurgedIsNotMadeAnewOfFewer) {
  write_seconds("pi1", 0, 120);
  roll(120);
  while (table_->purge({kBegin + 50 * kSecondUs, 0, 0}).value()) {
  }
  ASSERT_EQ(ask("SELECT count(*) FROM telemetry"), 70);
  ScaledRow late = row("pi1", 30, 30 * 5000);
  write({late});
  roll(120);
  EXPECT_EQ(ask("SELECT readings FROM telemetry_minute"), 60);
}

// A node was away from the first minute to the fifth hour, for longer than readings are kept.
TEST_F(TelemetryRollup, ReadingsOlderThanWhatIsKeptBecomeMinutesAndGo) {
  write_seconds("pi1", 0, 60);
  roll(5 * 3600);
  const auto purge = [&] {
    while (table_->purge({kBegin + 4 * kHourUs, 0, 0}).value()) {
    }
  };
  purge();
  write({row("pi1", 5 * 3600, 5 * 3600 * 5000)});  // back, and then what it has kept
  std::vector<ScaledRow> kept;
  for (int64_t second = 600; second < 5 * 3600; second += 600) kept.push_back(row("pi1", second, second * 5000));
  write(kept);
  purge();
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry"), 30) << "those that are in no minute stay";
  roll(5 * 3600 + 60);
  purge();
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry"), 7);
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry_minute"), 1 + 29 + 1);
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry_hour"), 5);
  EXPECT_EQ(ask("SELECT 1000 * sum(energy_j_increase) FROM telemetry_minute"), 5 * 3600 * 5000);
  EXPECT_EQ(ask("SELECT 1000 * sum(energy_j_increase) FROM telemetry_minute WHERE time_us = " +
                std::to_string(kBegin + 5 * kHourUs)),
            600 * 5000);
}

// What counters grew by between minutes whose readings are gone cannot be put elsewhere any more.
TEST_F(TelemetryRollup, ReadingsBetweenMinutesThatCannotBeMadeAnewAreNotCounted) {
  write_seconds("pi1", 0, 60);
  write_seconds("pi1", 7200, 7260);
  roll(5 * 3600);
  while (table_->purge({kBegin + 4 * kHourUs, 0, 0}).value()) {
  }
  write({row("pi1", 3600, 3600 * 5000)});
  roll(5 * 3600);
  EXPECT_EQ(ask("SELECT 1000 * sum(energy_j_increase) FROM telemetry_minute"), 7259 * 5000);
  EXPECT_EQ(ask("SELECT count(*) FROM minutes_again"), 0);
}

TEST_F(TelemetryRollup, TwoReadingsAtOneMicrosecondAreBothKept) {
  write({row("pi1", 1, 10), row("pi2", 1, 20), row("pi1", 1, 30)});
  write({row("pi3", 1, 40)});
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry"), 4);
  EXPECT_EQ(ask("SELECT max(time_us) - min(time_us) FROM telemetry"), 3);
}

TEST_F(TelemetryRollup, PurgesEachTierForItself) {
  write_seconds("pi1", 0, 4 * 3600);
  roll(4 * 3600);
  const int64_t hour_us = kBegin + kHourUs;
  while (table_->purge({hour_us + kHourUs, hour_us, kBegin}).value()) {
  }
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry"), 2 * 3600);
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry_minute"), 3 * 60);
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry_hour"), 4);
}

TEST_F(TelemetryRollup, ReadingsThatAreInNoRollupYetAreNotPurged) {
  write_seconds("pi1", 0, 180);
  roll(60);
  while (table_->purge({kBegin + kHourUs, 0, 0}).value()) {
  }
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry"), 120);
}

TEST_F(TelemetryRollup, AMetricGetsItsColumnsWhenItIsFirstTold) {
  write_seconds("pi1", 0, 60);
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry WHERE wifi_signal_dbm IS NOT NULL"), 0);
  ScaledRow with = row("pi1", 60, 1);
  with.values.set(*column_of("wifi_signal_dbm"), -61);
  write({with});
  EXPECT_EQ(ask("SELECT -wifi_signal_dbm FROM telemetry WHERE wifi_signal_dbm IS NOT NULL"), 61);
  roll(120);
  EXPECT_EQ(ask("SELECT -wifi_signal_dbm_min FROM telemetry_minute WHERE wifi_signal_dbm IS NOT NULL"), 61);
  table_.reset();
  table_ = open();
  write_seconds("pi1", 61, 62);
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry"), 62);
}

TEST_F(TelemetryRollup, MetricsWithoutAColumnAreStoredUpToALimit) {
  table_.reset();
  table_ = std::move(*TelemetryTable::open(path_, 2));
  ScaledRow with = row("pi1", 0, 1);
  with.others = {{"co2_ppm", 415.5}, {"lux", 12}, {"noise_db", 33}};
  write({with});
  EXPECT_EQ(ask("SELECT 10 * value FROM telemetry_other WHERE metric = 'co2_ppm' AND node = 'pi1'"), 4155);
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry_other"), 2);
  EXPECT_EQ(table_->others_refused(), 1u);
}

TEST_F(TelemetryRollup, OneNodeCannotTakeAllNamesOfMetrics) {
  ScaledRow greedy = row("pi1", 0, 1);
  for (int i = 0; i < 100; ++i) greedy.others.emplace_back("made_up_" + std::to_string(i), i);
  write({greedy, greedy});
  EXPECT_EQ(ask("SELECT count(*) FROM other_metrics"), 25);
  EXPECT_EQ(table_->others_refused(), 2U * 75);
  ScaledRow other = row("pi2", 1, 1);
  other.others = {{"co2_ppm", 400}, {"made_up_0", 7}};
  write({other});
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry_other WHERE node = 'pi2'"), 2);
}

TEST_F(TelemetryRollup, NamesOfMetricsGoWithTheirLastHour) {
  ScaledRow first = row("pi1", 0, 1);
  first.others = {{"lux", 1}, {"co2_ppm", 400}};
  ScaledRow later = row("pi1", 2 * 3600, 2);
  later.others = {{"co2_ppm", 410}};
  write({first, later});
  roll(3 * 3600);
  const auto purge = [&](int64_t raw_hours, int64_t hours) {
    while (table_->purge({kBegin + raw_hours * kHourUs, 0, kBegin + hours * kHourUs}).value()) {
    }
  };
  purge(1, 0);
  EXPECT_EQ(ask("SELECT count(*) FROM other_metrics"), 2) << "lux has an hour";
  purge(1, 1);
  EXPECT_EQ(ask("SELECT count(*) FROM other_metrics WHERE metric = 'lux'"), 0);
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry_other WHERE metric = 'co2_ppm'"), 1);
  ScaledRow again = row("pi1", 3 * 3600, 3);
  again.others = {{"lux", 5}};
  write({again});
  EXPECT_EQ(ask("SELECT value FROM telemetry_other WHERE metric = 'lux'"), 5);
}

// A sender that draws a new run for each reading beside a node whose agent lives on.
TEST_F(TelemetryRollup, LivesWithoutReadingsGoUnlessAMinuteGoesOnFromThem) {
  std::vector<ScaledRow> rows;
  for (int64_t second = 0; second < 2 * 3600; second += 4) {
    rows.push_back(row("liar", second, 100, static_cast<uint64_t>(10'000 + second)));
    rows.push_back(row("pi1", second + 1, second * 5000));
  }
  rows.push_back(row("off", 30, 1000, 9));  // and one that is switched off
  write(rows);
  write_seconds("pi1", 2 * 3600, 5 * 3600);
  roll(5 * 3600);
  ASSERT_EQ(ask("SELECT count(*) FROM sources"), 1800 + 2);
  while (table_->purge({kBegin + 3 * kHourUs, 0, 0}).value()) {
  }
  EXPECT_EQ(ask("SELECT count(*) FROM sources"), 120 + 2) << "a minute each names one of the liar's";
  while (table_->purge({kBegin + 3 * kHourUs, kBegin + 3 * kHourUs, 0}).value()) {
  }
  EXPECT_EQ(ask("SELECT count(*) FROM sources"), 2) << "pi1's, and the newest, so that no number comes twice";
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry WHERE node = 'pi1'"), 2 * 3600) << "its readings still have a source";
  write({row("off", 5 * 3600, 2000, 9)});
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry WHERE node = 'off'"), 1);
}

TEST_F(TelemetryRollup, ANodeThatWasAwayForLongGoesOnCountingInItsLife) {
  write({row("pi1", 30, 1'000'000)});
  write_seconds("pi2", 0, 60);
  roll(5 * 3600);
  while (table_->purge({kBegin + 4 * kHourUs, 0, 0}).value()) {
  }
  write({row("pi1", 5 * 3600, 1'007'000)});
  roll(5 * 3600 + 60);
  EXPECT_EQ(ask("SELECT 1000 * sum(energy_j_increase) FROM telemetry_minute WHERE node = 'pi1'"), 7000);
}

// A process that writes and rolls up without end is killed at some moment, again and again.
TEST_F(TelemetryRollup, AKillAtAnyPointLeavesNoRollupDoubledOrMissing) {
  table_.reset();
  for (int round = 0; round < 8; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto table = TelemetryTable::open(path_);
      const auto begin = static_cast<int64_t>(round) * 20'000;
      for (int64_t second = begin; second < begin + 20'000; second += 7) {
        std::vector<ScaledRow> rows;
        for (int64_t i = second; i < second + 7; ++i) rows.push_back(row("pi1", i, i * 5000));
        if (second % 1400 == 0 && second > 600) rows.push_back(row("pi2", second - 600, second));  // late
        if (!(*table)->write(rows)) ::_exit(1);
        if (!(*table)->roll(kBegin + second * kSecondUs, 10)) ::_exit(1);
      }
      ::_exit(0);
    }
    ::usleep(static_cast<useconds_t>(20'000 + round * 17'000));
    ::kill(child, SIGKILL);
    int how = 0;
    ::waitpid(child, &how, 0);
    ASSERT_TRUE(WIFSIGNALED(how) || WEXITSTATUS(how) == 0);
  }
  table_ = open();
  roll(200'000);
  const int64_t readings = ask("SELECT count(*) FROM telemetry");
  ASSERT_GT(readings, 100);
  EXPECT_EQ(ask("SELECT sum(readings) FROM telemetry_minute"), readings);
  EXPECT_EQ(ask("SELECT sum(readings) FROM telemetry_hour"), readings);
  const std::string grown = "SELECT round(1000 * sum(energy_j_increase)) FROM ";
  const int64_t expected =
      ask("SELECT round(1000 * (max(energy_j) - min(energy_j))) FROM telemetry WHERE node = 'pi1'");
  EXPECT_EQ(ask(grown + "telemetry_minute WHERE node = 'pi1'"), expected);
  EXPECT_EQ(ask(grown + "telemetry_hour WHERE node = 'pi1'"), expected);
}

// A database as version 3 has left it: one of today without what version 4 has added.
class TelemetryUpgrade : public TelemetryRollup {
 protected:
  void make_version_3() {
    table_.reset();
    auto connection = sqlite::Connection::open(path_, sqlite::OpenMode::read_write, 5000);
    ASSERT_TRUE(connection);
    for (const char* const step :
         {"ALTER TABLE sources DROP COLUMN told_until_us", "ALTER TABLE other_metrics DROP COLUMN told_until_us",
          "ALTER TABLE other_metrics DROP COLUMN node_id", "PRAGMA user_version = 3"}) {
      ASSERT_TRUE(connection->execute(step)) << step;
    }
  }
};

TEST_F(TelemetryUpgrade, FromVersion3KeepsMinutesHoursAndWhoToldThem) {
  write_seconds("pi1", 0, 7200);
  ScaledRow own = row("pi1", 7200, 7200 * 5000);
  own.others = {{"co2_ppm", 400}};
  write({own});
  roll(7200);
  while (table_->purge({kBegin + 7100 * kSecondUs, 0, 0}).value()) {
  }
  make_version_3();
  ASSERT_EQ(ask("SELECT count(*) FROM pragma_table_info('sources')"), 5);
  table_ = open();
  ASSERT_NE(table_, nullptr);
  EXPECT_EQ(ask("PRAGMA user_version"), 4);
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry_minute WHERE power_measured IS NOT NULL"), 120);
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry_hour"), 2);
  EXPECT_EQ(ask("SELECT 10 * load1_max FROM telemetry_hour LIMIT 1"), 9) << "a load of 0.99";
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry_other"), 1);
  EXPECT_GE(ask("SELECT told_until_us FROM sources"), kBegin + 7200 * kSecondUs);
  EXPECT_GE(ask("SELECT told_until_us FROM other_metrics"), kBegin + 7200 * kSecondUs);

  // The same life goes on: no new source, and its energy is counted on from what was rolled up before.
  for (int64_t second = 7201; second < 10'800; ++second) write({row("pi1", second, second * 5000)});
  roll(10'800);
  EXPECT_EQ(ask("SELECT count(*) FROM sources"), 1);
  EXPECT_EQ(ask("SELECT sum(energy_j_increase) FROM telemetry_hour"), 10'799 * 5);
  // What tells nobody any more may go, and only that.
  while (table_->purge({kBegin + 10'000 * kSecondUs, kBegin + 9000 * kSecondUs, 0}).value()) {
  }
  EXPECT_EQ(ask("SELECT count(*) FROM sources"), 1);
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry_hour WHERE power_measured IS NOT NULL"), 3);
}

}  // namespace
}  // namespace bramble::aggregator
