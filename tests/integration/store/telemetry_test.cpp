#include <gtest/gtest.h>

#include <condition_variable>
#include <thread>

#include "aggregator/store/telemetry_writer.hpp"
#include "common/posix/system_clock.hpp"
#include "support/temp_dir.hpp"

namespace bramble::aggregator {
namespace {

constexpr int64_t kNever = 3'600'000;
constexpr int64_t kDayMs = 24 * 3'600'000;

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
  static TelemetryRow row(const std::string& node, int64_t ts_ms, double load = 1) {
    return {node, {ts_ms}, {1, 0, false, {{"load1", load}}}};
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

TEST_F(TelemetryTest, RegularEndStoresWhatIsInMemory) {
  open(lazy())->add(row("pi1", 1000));
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry"), 1);
}

TEST_F(TelemetryTest, OfTwoRowsOfOneNodeAndTimeTheLaterStays) {
  const auto writer = open(lazy());
  writer->add(row("pi1", 1000, 1));
  ASSERT_TRUE(writer->flush());
  writer->add(row("pi1", 1000, 2));
  writer->add(row("pi1", 1000, 3));
  ASSERT_TRUE(writer->flush());
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry"), 1);
  EXPECT_EQ(ask("SELECT load1 FROM telemetry"), 3);
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
  EXPECT_EQ(writer->dropped_rows(), 2u);
  ASSERT_TRUE(writer->flush());
  writer->add(row("pi1", 10));
  EXPECT_EQ(writer->dropped_rows(), 2u);
}

TEST_F(TelemetryTest, UnknownMetricsAreCounted) {
  const auto writer = open(lazy());
  writer->add({"pi1", {1000}, {1, 0, false, {{"load1", 1}, {"moon_phase", 0.5}}}});
  EXPECT_EQ(writer->unknown_values(), 1u);
}

// Whoever adds much does not wait for the interval: the rows appear by themselves.
TEST_F(TelemetryTest, ManyRowsAreCommittedEarly) {
  TelemetryOptions options = lazy();
  options.early_rows = 10;
  const auto writer = open(options);
  for (int64_t ts_ms = 0; ts_ms < 10; ++ts_ms) writer->add(row("pi1", ts_ms));
  while (ask("SELECT count(*) FROM telemetry") != 10) std::this_thread::yield();
}

TEST_F(TelemetryTest, OldRowsArePurgedInSteps) {
  const int64_t now_ms = posix::wall_now().ms;
  TelemetryOptions options = lazy();
  options.retention_ms = kDayMs;
  options.clock_is_right = [] { return true; };
  const auto writer = open(options);
  for (const int64_t minutes : {0, 5, 9, 15, 25}) writer->add(row("pi1", now_ms - 3 * kDayMs + minutes * 60'000));
  writer->add(row("pi1", now_ms));
  ASSERT_TRUE(writer->flush());
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry"), 3);
  ASSERT_TRUE(writer->flush());
  ASSERT_TRUE(writer->flush());
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry"), 1);
  EXPECT_EQ(ask("SELECT max(time_ms) FROM telemetry"), now_ms);
}

TEST_F(TelemetryTest, NothingIsPurgedByAClockThatMayBeWrong) {
  TelemetryOptions options = lazy();
  options.retention_ms = kDayMs;
  const auto writer = open(options);
  writer->add(row("pi1", 1000));
  ASSERT_TRUE(writer->flush());
  EXPECT_EQ(ask("SELECT count(*) FROM telemetry"), 1);
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
