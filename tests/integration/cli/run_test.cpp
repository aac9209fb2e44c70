#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "integration/cli/fake_aggregator.hpp"
#include "support/bramble_process.hpp"

namespace bramble::cli::testing {
namespace {

using test::BrambleProcess;
using test::Ran;
using test::run_bramble;
using ::testing::HasSubstr;

TEST(Run, ShowsBothStreamsWhileTheTaskRuns) {
  FakeAggregator aggregator;
  BrambleProcess run(aggregator.url(), {"run", "--", "x"});
  ASSERT_EQ(aggregator.wait_for_job(), 1U);
  aggregator.write(kTask, "first\n", "warning\n");
  EXPECT_TRUE(run.wait_for_out("first\n"));
  EXPECT_TRUE(run.wait_for_err("warning\n"));
  aggregator.write(kTask, "second\n");
  EXPECT_TRUE(run.wait_for_out("second\n"));
  aggregator.finish(kTask, 0);
  EXPECT_EQ(run.wait(), 0);
  EXPECT_EQ(run.out(), "first\nsecond\n");
  EXPECT_EQ(run.err(), "warning\n");
}

TEST(Run, ReturnsTheTasksStatus) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) { aggregator.finish(task, 42); });
  EXPECT_EQ(run_bramble(aggregator.url(), {"run", "--", "x"}).status, 42);
}

TEST(Run, SaysThatAnOutputIsCutOffAndFails) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) {
    aggregator.write(task, "begin\n");
    aggregator.drop(task, 5);
    aggregator.finish(task, 0);
  });
  const Ran ran = run_bramble(aggregator.url(), {"run", "--", "x"});
  EXPECT_EQ(ran.status, 255);
  EXPECT_EQ(ran.out, "begin\n");
  EXPECT_THAT(ran.err, HasSubstr("the stdout of task 1/0 is cut off: 5 bytes were not kept"));
}

TEST(Run, Returns128AndTheSignalThatEndedTheTask) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) { aggregator.end_with(task, "failed", "signaled", 11); });
  EXPECT_EQ(run_bramble(aggregator.url(), {"run", "--", "x"}).status, 139);
}

TEST(Run, Returns255AndSaysWhyWhereTheCommandCouldNotBeStarted) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) { aggregator.end_with(task, "failed", "start_failed", 0); });
  const Ran ran = run_bramble(aggregator.url(), {"run", "--", "x"});
  EXPECT_EQ(ran.status, 255);
  EXPECT_THAT(ran.err, HasSubstr("could not be started on pi01"));
}

TEST(Run, PassesStandardInputOn) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) { aggregator.finish(task, 0); });
  const std::string input(3 << 20, 'i');
  EXPECT_EQ(run_bramble(aggregator.url(), {"run", "--", "cat"}, input).status, 0);
  EXPECT_TRUE(aggregator.job(1).tasks.at(0).input == input);
}

TEST(Run, SendsNoBlobWhereThereIsNoInput) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) { aggregator.finish(task, 0); });
  EXPECT_EQ(run_bramble(aggregator.url(), {"run", "--", "cat"}).status, 0);
  EXPECT_FALSE(aggregator.job(1).body.contains("stdin"));
}

TEST(Run, BringsOutputThatIsLargerThanOneAnswer) {
  std::string large;
  for (int i = 0; large.size() < (5 << 20); ++i) large += std::to_string(i) + "\n";
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) {
    aggregator.write(task, large);
    aggregator.finish(task, 0);
  });
  const Ran ran = run_bramble(aggregator.url(), {"run", "--", "x"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_TRUE(ran.out == large);
}

TEST(Run, SaysWhenTheTaskRunsAgainAndShowsTheNewOutputFromItsStart) {
  FakeAggregator aggregator;
  BrambleProcess run(aggregator.url(), {"run", "--", "x"});
  ASSERT_EQ(aggregator.wait_for_job(), 1U);
  aggregator.write(kTask, "one\n");
  ASSERT_TRUE(run.wait_for_out("one\n"));
  aggregator.restart_attempt(kTask);
  EXPECT_TRUE(run.wait_for_err("runs again (attempt 2)"));
  aggregator.write(kTask, "one\ntwo\n");
  aggregator.finish(kTask, 0);
  EXPECT_EQ(run.wait(), 0);
  EXPECT_EQ(run.out(), "one\none\ntwo\n");
  EXPECT_EQ(run.err(), "bramble: the task runs again (attempt 2): its output follows from the start\n");
}

TEST(Run, SaysNothingOfARerunBeforeAnythingWasShown) {
  FakeAggregator aggregator;
  BrambleProcess run(aggregator.url(), {"run", "--", "x"});
  ASSERT_EQ(aggregator.wait_for_job(), 1U);
  aggregator.restart_attempt(kTask);
  aggregator.write(kTask, "out\n");
  aggregator.finish(kTask, 0);
  EXPECT_EQ(run.wait(), 0);
  EXPECT_EQ(run.out(), "out\n");
  EXPECT_EQ(run.err(), "");
}

// The status of `run` when the signal comes while its task runs.
int status_after(int signal) {
  FakeAggregator aggregator;
  BrambleProcess run(aggregator.url(), {"run", "--", "x"});
  EXPECT_EQ(aggregator.wait_for_job(), 1U);
  aggregator.write(kTask, "started\n");
  EXPECT_TRUE(run.wait_for_out("started\n"));
  run.signal(signal);
  const int status = run.wait();
  EXPECT_EQ(aggregator.job(1).state, "cancelled");
  return status;
}

TEST(Run, CancelsTheTaskAtCtrlC) { EXPECT_EQ(status_after(SIGINT), 130); }

TEST(Run, CancelsTheTaskWhenItsTerminalIsGone) { EXPECT_EQ(status_after(SIGHUP), 129); }

TEST(Run, LeavesAtOnceAtTheSecondCtrlC) {
  FakeAggregator aggregator;
  BrambleProcess run(aggregator.url(), {"run", "--", "x"});
  ASSERT_EQ(aggregator.wait_for_job(), 1U);
  aggregator.write(kTask, "started\n");
  ASSERT_TRUE(run.wait_for_out("started\n"));
  aggregator.refuse("/api/v1/jobs/cancel", 503, 1'000'000);
  run.signal(SIGINT);
  const auto asked_to_cancel = [&] {
    const auto paths = aggregator.paths();
    return std::find(paths.begin(), paths.end(), "POST /api/v1/jobs/cancel") != paths.end();
  };
  while (!asked_to_cancel()) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(400));  // what comes sooner is taken for the same
  run.signal(SIGINT);
  EXPECT_EQ(run.wait(), 130);
  EXPECT_EQ(aggregator.job(1).state, "running");
}

TEST(Run, CancelsTheTaskAndEndsQuietlyWhenItsReaderLeft) {
  FakeAggregator aggregator;
  BrambleProcess run(aggregator.url(), {"run", "--", "yes"});
  ASSERT_EQ(aggregator.wait_for_job(), 1U);
  aggregator.write(kTask, "y\n");
  ASSERT_TRUE(run.wait_for_out("y\n"));
  run.close_out();
  aggregator.write(kTask, "y\n");
  EXPECT_EQ(run.wait(), 141);
  EXPECT_EQ(run.err(), "");
  EXPECT_EQ(aggregator.job(1).state, "cancelled");
}

}  // namespace
}  // namespace bramble::cli::testing
