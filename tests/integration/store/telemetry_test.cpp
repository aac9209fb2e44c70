#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "aggregator/store/migrations.hpp"
#include "aggregator/store/telemetry_writer.hpp"
#include "common/base/duration.hpp"
#include "common/posix/system_clock.hpp"
#include "support/readings.hpp"
#include "support/temp_dir.hpp"

namespace bramble::aggregator {
namespace {

constexpr int64_t kNever = 3'600'000;

class TelemetryTest : public testing::Test {
 protected:
  std::unique_ptr<TelemetryWriter> open(TelemetryOptions options) {
    auto writer = TelemetryWriter::open(path_, std::move(options));
    if (!writer) ADD_FAILURE() << writer.error().message;
    return writer ? std::move(*writer) : nullptr;
  }
  int64_t ask(const std::string& sql) {
    auto connection = sqlite::Connection::open(path_, sqlite::OpenMode::read_only, 5000);
    return connection ? connection->integer(sql).value_or(-1) : -1;
  }
  static std::vector<TelemetryRow> row(const std::string& node, int64_t ts_ms, double load = 1) {
    return {test::make_row({.node = node, .received_ms = ts_ms, .values = {{"load1", load}}})};
  }
  static TelemetryOptions lazy() {
    TelemetryOptions options;
    options.commit_interval_ms = kNever;
    options.clock_is_right = [] { return false; };
    return options;
  }

  test::TempDir dir_;
  const std::string path_ = dir_ / "telemetry.db";
};

TEST_F(TelemetryTest, FlushStoresWhatWasAdded) {
  const auto writer = open(lazy());
  writer->add(row("pi1", 1000));
  writer->add(row("pi2", 1000));
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry"), 0);
  ASSERT_TRUE(writer->flush());
  EXPECT_EQ(ask("SELECT count(DISTINCT node) FROM telemetry"), 2);
}

TEST_F(TelemetryTest, QuestionsForceACommitOnlySoOften) {
  std::atomic<int64_t> mono_ms = 0;
  TelemetryOptions options = lazy();
  options.now = [&] { return Now{{mono_ms}, posix::wall_now()}; };
  const auto writer = open(options);
  int64_t stored = 0;
  for (int64_t second = 0; second < 10; ++second) {
    mono_ms = second * 1000;
    writer->add(row("pi1", second));
    writer->refresh();
    if (second % 2 == 0) stored = second + 1;
    EXPECT_EQ(ask("SELECT count(*) FROM telemetry"), stored) << second;
  }
}

TEST_F(TelemetryTest, RegularEndStoresWhatIsInMemory) {
  open(lazy())->add(row("pi1", 1000));
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry"), 1);
}

TEST_F(TelemetryTest, TwoRowsOfOneTimeAreBothKept) {
  const auto writer = open(lazy());
  writer->add(row("pi1", 1000, 1));
  ASSERT_TRUE(writer->flush());
  writer->add(row("pi1", 1000, 2));
  ASSERT_TRUE(writer->flush());
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry"), 2);
  EXPECT_EQ(ask("SELECT load1 FROM telemetry ORDER BY time_us DESC"), 2);
}

TEST_F(TelemetryTest, WhatComesTwiceIsStoredOnceAndCounted) {
  const auto writer = open(lazy());
  for (int i = 0; i < 2; ++i)
    writer->add({test::make_row({.received_ms = 1000 + i, .values = {{"load1", 1}}, .run = 5})});
  ASSERT_TRUE(writer->flush());
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry"), 1);
  EXPECT_EQ(writer->use().duplicates, 1u);
}

TEST_F(TelemetryTest, WhatComesLateIsStoredAtItsTimeAndWhatIsOlderThanKeptIsNot) {
  TelemetryOptions options = lazy();
  options.retention.raw_ms = kDayMs;
  options.retention.minute_ms = 10 * kDayMs;
  const auto writer = open(options);
  for (const int64_t age_ms : {int64_t{5000}, 9 * kDayMs, 10 * kDayMs}) {
    writer->add({test::make_row({.received_ms = 20 * kDayMs, .values = {{"load1", 1}}, .age_ms = age_ms})});
  }
  ASSERT_TRUE(writer->flush());
  EXPECT_EQ(ask("SELECT max(time_us) / 1000 FROM telemetry"), 20 * kDayMs - 5000);
  EXPECT_EQ(ask("SELECT min(time_us) / 1000 FROM telemetry"), 11 * kDayMs);
  EXPECT_EQ(writer->use().too_old, 1u);
}

// A sender whose readings' ages make all of them of one millisecond.
TEST_F(TelemetryTest, AReadingThatFindsNoFreeMicrosecondIsGivenUpAndOthersAreStored) {
  const auto writer = open(lazy());
  constexpr int64_t kAgeMs = 50'000;
  constexpr int kReadings = 3000;
  for (int i = 0; i < kReadings; ++i) {
    writer->add(
        {test::make_row({.node = "liar", .received_ms = 100'000 + i, .values = {{"load1", 1}}, .age_ms = kAgeMs + i})});
    writer->add(row("pi1", 200'000 + i));
  }
  ASSERT_TRUE(writer->flush());
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry WHERE node = 'pi1'"), kReadings);
  const TelemetryUse use = writer->use();
  EXPECT_GT(use.unfit, 0U);
  EXPECT_EQ(use.stored + use.unfit, 2U * kReadings);
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry"), static_cast<int64_t>(use.stored));
  EXPECT_EQ(use.waiting, 0U);
}

TEST_F(TelemetryTest, ARowThatCanNeverBeStoredHoldsUpNoOther) {
  const auto writer = open(lazy());
  writer->add(row("pi1", 1000));
  ASSERT_TRUE(writer->flush());
  auto other = sqlite::Connection::open(path_, sqlite::OpenMode::read_write, 5000);
  ASSERT_TRUE(
      other->execute("CREATE TRIGGER never BEFORE INSERT ON telemetry_raw WHEN NEW.load1_e2 = 666 "
                     "BEGIN SELECT RAISE(ABORT, 'never'); END"));
  writer->add(row("pi1", 2000, 6.66));
  writer->add(row("pi1", 3000));
  EXPECT_TRUE(writer->flush());
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry"), 2);
  EXPECT_EQ(writer->use().unfit, 1U);
}

TEST_F(TelemetryTest, RowsForWhichThereIsNoTableAreDroppedAndLaterOnesStored) {
  std::vector<std::string> warnings;
  TelemetryOptions options = lazy();
  options.warn = [&](const std::string& text) { warnings.push_back(text); };
  const auto writer = open(options);
  auto other = sqlite::Connection::open(path_, sqlite::OpenMode::read_write, 5000);
  ASSERT_TRUE(other->execute("ALTER TABLE sources RENAME TO hidden"));
  writer->add(row("pi1", 1000));
  EXPECT_TRUE(writer->flush());
  ASSERT_TRUE(other->execute("ALTER TABLE hidden RENAME TO sources"));
  writer->add(row("pi1", 2000));
  EXPECT_TRUE(writer->flush());
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry"), 1);
  EXPECT_EQ(writer->use().unfit, 1U);
  ASSERT_FALSE(warnings.empty());
  EXPECT_NE(warnings.front().find("readings are dropped, for they can never be stored (1)"), std::string::npos)
      << warnings.front();
}

TEST_F(TelemetryTest, NodesKeepTheirIdsWhenReopened) {
  open(lazy())->add(row("pi1", 1000));
  open(lazy())->add(row("pi1", 2000));
  EXPECT_EQ(ask("SELECT count(*) FROM node_names"), 1);
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry WHERE node = 'pi1'"), 2);
}

TEST_F(TelemetryTest, RowsBeyondTheLimitAreDroppedAndCounted) {
  TelemetryOptions options = lazy();
  options.max_rows = 3;
  const auto writer = open(options);
  for (int64_t ts_ms = 0; ts_ms < 5; ++ts_ms) writer->add(row("pi1", ts_ms));
  EXPECT_EQ(writer->use().shed, 2u);
  ASSERT_TRUE(writer->flush());
  writer->add(row("pi1", 10));
  EXPECT_EQ(writer->use().shed, 2u);
}

TEST_F(TelemetryTest, MetricsWithoutAColumnAreStoredByTheirNames) {
  TelemetryOptions options = lazy();
  options.max_other_metrics = 1;
  const auto writer = open(options);
  writer->add({test::make_row({.received_ms = 1000, .values = {{"load1", 1}, {"moon_phase", 0.5}, {"tide_m", 2}}})});
  ASSERT_TRUE(writer->flush());
  EXPECT_EQ(ask("SELECT 10 * value FROM telemetry_other WHERE metric = 'moon_phase'"), 5);
  EXPECT_EQ(writer->use().others_refused, 1u);
}

// Whoever adds much does not wait for the interval: the rows appear by themselves.
TEST_F(TelemetryTest, ManyRowsAreCommittedEarly) {
  TelemetryOptions options = lazy();
  options.early_rows = 10;
  const auto writer = open(options);
  for (int64_t ts_ms = 0; ts_ms < 10; ++ts_ms) writer->add(row("pi1", ts_ms));
  while (ask("SELECT count(*) FROM telemetry") != 10) std::this_thread::yield();
}

TEST_F(TelemetryTest, OldRowsArePurged) {
  const int64_t now_ms = posix::wall_now().ms;
  TelemetryOptions options = lazy();
  options.retention.raw_ms = kDayMs;
  options.clock_is_right = [] { return true; };
  options.steady_ms = 0;
  const auto writer = open(options);
  for (const int64_t minutes : {0, 5, 9, 15, 25}) writer->add(row("pi1", now_ms - 3 * kDayMs + minutes * 60'000));
  writer->add(row("pi1", now_ms));
  ASSERT_TRUE(writer->flush());
  while (ask("SELECT count(*) FROM telemetry") != 1) ASSERT_TRUE(writer->flush());
  EXPECT_EQ(ask("SELECT max(time_us) / 1000 FROM telemetry"), now_ms);
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry_minute"), 5);
}

// New readings wait in every round: some come whenever the writer asks for the time, before it rolls up.
TEST_F(TelemetryTest, RollupsAndPurgesGoOnUnderLastingOverload) {
  const int64_t now_ms = posix::wall_now().ms;
  constexpr int kRounds = 20;
  std::atomic<TelemetryWriter*> busy = nullptr;
  std::promise<std::pair<int64_t, int64_t>> done;
  TelemetryOptions options = lazy();
  options.early_rows = 1;
  options.retention.raw_ms = kDayMs;
  options.clock_is_right = [] { return true; };
  options.steady_ms = 0;
  options.now = [&, round = 0]() mutable {
    if (busy != nullptr && round++ < kRounds) busy.load()->add(row("pi2", now_ms + round));
    if (round == kRounds && busy.exchange(nullptr) != nullptr) {
      done.set_value(
          {ask("SELECT count(*) FROM telemetry_minute"), ask("SELECT count(*) FROM telemetry WHERE node = 'pi1'")});
    }
    return posix::now();
  };
  const auto writer = open(options);
  busy = writer.get();
  writer->add(row("pi1", now_ms - 3 * kDayMs));
  const auto [minutes, old_readings] = done.get_future().get();
  EXPECT_EQ(minutes, 1);
  EXPECT_EQ(old_readings, 0);
}

TEST_F(TelemetryTest, NothingIsPurgedByAClockThatMayBeWrong) {
  TelemetryOptions options = lazy();
  options.retention.raw_ms = kDayMs;
  const auto writer = open(options);
  writer->add(row("pi1", 1000));
  ASSERT_TRUE(writer->flush());
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry"), 1);
}

TEST_F(TelemetryTest, ReadingsOfVersion1AreTakenOver) {
  {
    auto old = sqlite::Connection::open(path_, sqlite::OpenMode::read_write, 0);
    ASSERT_TRUE(migrate(*old, telemetry_schema().first(1)));
    ASSERT_TRUE(
        old->execute("INSERT INTO node_names VALUES (1, 'pi1'), (2, 'pi2'); INSERT INTO telemetry_raw "
                     "(ts_ms, node_id, load1_e2, energy_mj, power_measured) VALUES (5000, 1, 150, 7000, 1), "
                     "(5000, 2, 250, 9000, 0)"));
  }
  const auto writer = open(lazy());
  EXPECT_EQ(ask("SELECT 100 * load1 FROM telemetry WHERE node = 'pi2' AND NOT power_measured"), 250);
  EXPECT_EQ(ask("SELECT energy_j FROM telemetry WHERE node = 'pi1' AND power_measured"), 7);
}

TEST_F(TelemetryTest, FreedPagesCanBeGivenBack) {
  open(lazy());
  EXPECT_EQ(ask("PRAGMA auto_vacuum"), 2);  // incremental
}

TEST_F(TelemetryTest, ManyThreadsAddAndFlush) {
  const auto writer = open(lazy());
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int64_t ts_ms = 0; ts_ms < 100; ++ts_ms) writer->add(row("pi" + std::to_string(i), ts_ms));
      EXPECT_TRUE(writer->flush());
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry"), 400);
}

}  // namespace
}  // namespace bramble::aggregator
