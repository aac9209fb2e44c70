#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "integration/cli/fake_aggregator.hpp"
#include "support/bramble_process.hpp"

namespace bramble::cli::testing {
namespace {

using test::BrambleProcess;
using test::run_bramble;
using ::testing::HasSubstr;

TEST(Reconnecting, RunOutlivesARestartOfTheAggregator) {
  FakeAggregator aggregator;
  BrambleProcess run(aggregator.url(), {"run", "--", "x"});
  ASSERT_EQ(aggregator.wait_for_job(), 1U);
  aggregator.write(kTask, "before\n");
  ASSERT_TRUE(run.wait_for_out("before\n"));
  aggregator.stop();
  ASSERT_TRUE(run.wait_for_err("does not answer: trying again"));
  aggregator.start();
  aggregator.write(kTask, "after\n");
  aggregator.finish(kTask, 5);
  EXPECT_EQ(run.wait(), 5);
  EXPECT_EQ(run.out(), "before\nafter\n");
  EXPECT_THAT(run.err(), HasSubstr("the aggregator answers again"));
}

TEST(Reconnecting, RunGivesUpAndSaysThatTheJobMayStillRun) {
  FakeAggregator aggregator;
  BrambleProcess run(aggregator.url(), {"run", "--give-up", "500ms", "--", "x"});
  ASSERT_EQ(aggregator.wait_for_job(), 1U);
  aggregator.write(kTask, "before\n");
  ASSERT_TRUE(run.wait_for_out("before\n"));
  aggregator.stop();
  EXPECT_EQ(run.wait(), 255);
  EXPECT_THAT(run.err(), HasSubstr("job 1 may still run"));
}

TEST(Reconnecting, WaitGivesUpWithStatus3) {
  FakeAggregator aggregator;
  ASSERT_EQ(run_bramble(aggregator.url(), {"submit", "--", "x"}).status, 0);
  BrambleProcess wait(aggregator.url(), {"job", "wait", "1", "--give-up", "300ms"});
  while (aggregator.paths().size() < 3) std::this_thread::yield();  // submit, the list, and the watch
  aggregator.stop();
  EXPECT_EQ(wait.wait(), 3);
}

}  // namespace
}  // namespace bramble::cli::testing
