#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/cli/fake_aggregator.hpp"
#include "support/bramble_process.hpp"

namespace bramble::cli::testing {
namespace {

using nlohmann::json;
using test::BrambleProcess;
using test::Ran;
using test::run_bramble;
using ::testing::HasSubstr;

TEST(Job, InfoShowsTriesAndGivesThemAsJson) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) { aggregator.finish(task, 3); });
  ASSERT_EQ(run_bramble(aggregator.url(), {"submit", "--wait", "--", "x"}).status, 1);
  const Ran table = run_bramble(aggregator.url(), {"job", "info", "1"});
  EXPECT_EQ(table.status, 0) << table.err;
  EXPECT_THAT(table.out, HasSubstr("job 1: failed"));
  EXPECT_THAT(table.out, HasSubstr("exit 3"));
  const json listed = json::parse(run_bramble(aggregator.url(), {"job", "info", "1", "--json"}).out);
  ASSERT_TRUE(listed.is_array());
  EXPECT_EQ(listed[0]["job"], 1);
  EXPECT_EQ(listed[0]["tasks"]["failed"], 1);
  EXPECT_EQ(listed[0]["task_list"][0]["tries"][0]["exit_code"], 3);
}

TEST(Job, ListGivesAnArrayAsJson) {
  FakeAggregator aggregator;
  EXPECT_EQ(run_bramble(aggregator.url(), {"job", "list", "--json"}).out, "[]\n");
  ASSERT_EQ(run_bramble(aggregator.url(), {"submit", "--", "x"}).status, 0);
  EXPECT_EQ(json::parse(run_bramble(aggregator.url(), {"job", "list", "--json"}).out).size(), 1U);
}

TEST(Job, WaitFailsWithTheJobAndNamesIt) {
  FakeAggregator aggregator;
  ASSERT_EQ(run_bramble(aggregator.url(), {"submit", "--", "x"}).status, 0);
  BrambleProcess wait(aggregator.url(), {"job", "wait", "last"});
  aggregator.finish(kTask, 1);
  EXPECT_EQ(wait.wait(), 1);
  EXPECT_THAT(wait.err(), HasSubstr("job 1: 1 of 1 task failed"));
}

TEST(Job, CancelNamesWhatItCancelled) {
  FakeAggregator aggregator;
  ASSERT_EQ(run_bramble(aggregator.url(), {"submit", "--", "x"}).status, 0);
  EXPECT_EQ(run_bramble(aggregator.url(), {"job", "cancel", "1"}).out, "cancelled job 1\n");
  EXPECT_EQ(aggregator.job(1).state, "cancelled");
}

TEST(Job, CatPrintsWhatThereIs) {
  FakeAggregator aggregator;
  ASSERT_EQ(run_bramble(aggregator.url(), {"submit", "--", "x"}).status, 0);
  aggregator.write(kTask, "so far\n", "oops\n");
  EXPECT_EQ(run_bramble(aggregator.url(), {"job", "cat", "1"}).out, "so far\n");
  EXPECT_EQ(run_bramble(aggregator.url(), {"job", "cat", "1", "--stderr", "--task", "0"}).out, "oops\n");
}

TEST(Job, CatFollowsToTheEnd) {
  FakeAggregator aggregator;
  ASSERT_EQ(run_bramble(aggregator.url(), {"submit", "--", "x"}).status, 0);
  BrambleProcess cat(aggregator.url(), {"job", "cat", "last", "--follow"});
  aggregator.write(kTask, "one\n");
  ASSERT_TRUE(cat.wait_for_out("one\n"));
  aggregator.write(kTask, "two\n");
  aggregator.finish(kTask, 0);
  EXPECT_EQ(cat.wait(), 0);
  EXPECT_EQ(cat.out(), "one\ntwo\n");
}

TEST(Job, ThatDoesNotExistIsAnErrorThatSaysWhereToLook) {
  FakeAggregator aggregator;
  const Ran ran = run_bramble(aggregator.url(), {"job", "info", "99"});
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.err, HasSubstr("99"));
  EXPECT_THAT(ran.err, HasSubstr("bramble job list"));
}

}  // namespace
}  // namespace bramble::cli::testing
