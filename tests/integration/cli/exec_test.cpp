#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "integration/cli/fake_aggregator.hpp"
#include "support/bramble_process.hpp"

namespace bramble::cli::testing {
namespace {

using nlohmann::json;
using test::BrambleProcess;
using test::Ran;
using test::run_bramble;
using ::testing::AllOf;
using ::testing::HasSubstr;

class Exec : public ::testing::Test {
 protected:
  void SetUp() override {
    aggregator_.set_nodes({{{"node", "pi01"}, {"state", "on"}, {"drained", false}},
                           {{"node", "pi02"}, {"state", "on"}, {"drained", false}},
                           {{"node", "pi03"}, {"state", "silent"}, {"drained", false}},
                           {{"node", "pi04"}, {"state", "on"}, {"drained", true}}});
  }
  Ran exec(const std::string& nodes) { return run_bramble(aggregator_.url(), {"exec", nodes, "--", "x"}); }
  std::string node_of(TaskKey task) { return aggregator_.job(task.job).body.value("on", ""); }

  FakeAggregator aggregator_;
};

TEST_F(Exec, RunsOnEachNodeAndNamesItBeforeEachLine) {
  aggregator_.on_task([&](TaskKey task) {
    aggregator_.write(task, "one of " + node_of(task) + "\ntwo", "oops\n");
    aggregator_.finish(task, 0);
  });
  const Ran ran = exec("pi[01-02]");
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(aggregator_.jobs(), 2U);
  EXPECT_THAT(ran.out, AllOf(HasSubstr("pi01: one of pi01\npi01: two\n"), HasSubstr("pi02: one of pi02\npi02: two\n")));
  EXPECT_THAT(ran.err, AllOf(HasSubstr("pi01: oops\n"), HasSubstr("pi02: oops\n")));
  EXPECT_EQ(aggregator_.job(1).body["on_node_loss"], "fail");
}

TEST_F(Exec, ShowsALineOfOneNodeWhileAnotherStillRuns) {
  BrambleProcess exec(aggregator_.url(), {"exec", "pi[01-02]", "--", "x"});
  ASSERT_TRUE(aggregator_.wait_for_jobs(2));
  aggregator_.write({2, 0}, "early\n");
  EXPECT_TRUE(exec.wait_for_out("pi02: early\n"));
  aggregator_.finish({1, 0}, 0);
  aggregator_.finish({2, 0}, 0);
  EXPECT_EQ(exec.wait(), 0);
}

TEST_F(Exec, FailsWhereOneFailedAndSaysWhich) {
  aggregator_.on_task([&](TaskKey task) { aggregator_.finish(task, node_of(task) == "pi02" ? 3 : 0); });
  const Ran ran = exec("pi[01-02]");
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.err, HasSubstr("pi02: failed with exit status 3 (job 2)"));
  EXPECT_EQ(ran.err.find("pi01"), std::string::npos) << ran.err;
}

TEST_F(Exec, RunsNothingWhereItCannotRunNowAndFails) {
  aggregator_.on_task([&](TaskKey task) { aggregator_.finish(task, 0); });
  const Ran ran = exec("all");
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(aggregator_.jobs(), 2U);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("pi03: not run there, for it is silent"),
                             HasSubstr("pi04: not run there, for it is drained")));
}

TEST_F(Exec, AnUnknownNodeIsRefusedBeforeAnythingRuns) {
  const Ran ran = exec("pi01,pi09");
  EXPECT_NE(ran.status, 0);
  EXPECT_THAT(ran.err, HasSubstr("pi09"));
  EXPECT_EQ(aggregator_.jobs(), 0U);
}

TEST_F(Exec, ARefusedSubmissionCancelsWhatWasBegun) {
  aggregator_.set_nodes({{{"node", "pi01"}, {"state", "on"}}, {{"node", kRefusedNode}, {"state", "on"}}});
  const Ran ran = exec("all");
  EXPECT_NE(ran.status, 0);
  EXPECT_THAT(ran.err, HasSubstr("not there"));
  EXPECT_EQ(aggregator_.job(1).state, "cancelled");
}

TEST_F(Exec, ANodeThatIsDrainedBeforeItsTaskStartsLosesItsJobAndIsNamed) {
  aggregator_.hold_tasks();
  BrambleProcess exec(aggregator_.url(), {"exec", "pi[01-02]", "--", "x"});
  ASSERT_TRUE(aggregator_.wait_for_jobs(2));
  aggregator_.start_task({1, 0});
  aggregator_.set_nodes(
      {{{"node", "pi01"}, {"state", "on"}, {"drained", true}}, {{"node", "pi02"}, {"state", "on"}, {"drained", true}}});
  EXPECT_TRUE(exec.wait_for_err("pi02: not run there, for it is drained by now: job 2 was cancelled\n"));
  EXPECT_EQ(aggregator_.job(2).state, "cancelled");
  aggregator_.finish({1, 0}, 0);
  EXPECT_EQ(exec.wait(), 1);
  EXPECT_EQ(aggregator_.job(1).state, "succeeded") << "one that runs is left alone";
  EXPECT_EQ(exec.err().find("pi02: was cancelled"), std::string::npos) << "said twice: " << exec.err();
}

TEST_F(Exec, ANodeThatGoesOffOrAwayBeforeItsTaskStartsLosesItsJob) {
  aggregator_.hold_tasks();
  BrambleProcess exec(aggregator_.url(), {"exec", "pi[01-02]", "--", "x"});
  ASSERT_TRUE(aggregator_.wait_for_jobs(2));
  aggregator_.set_nodes({{{"node", "pi01"}, {"state", "stopped"}, {"drained", false}}});
  EXPECT_EQ(exec.wait(), 1);
  EXPECT_THAT(exec.err(), AllOf(HasSubstr("pi01: not run there, for it is stopped by now: job 1 was cancelled"),
                                HasSubstr("pi02: not run there, for it is removed by now: job 2 was cancelled")));
}

TEST_F(Exec, CtrlCCancelsAllOfThem) {
  BrambleProcess exec(aggregator_.url(), {"exec", "pi[01-02]", "--", "x"});
  ASSERT_TRUE(aggregator_.wait_for_jobs(2));
  aggregator_.write({1, 0}, "here\n");
  ASSERT_TRUE(exec.wait_for_out("pi01: here\n"));
  exec.signal(SIGINT);
  EXPECT_EQ(exec.wait(), 128 + SIGINT);
  EXPECT_EQ(aggregator_.job(1).state, "cancelled");
  EXPECT_EQ(aggregator_.job(2).state, "cancelled");
}

}  // namespace
}  // namespace bramble::cli::testing
