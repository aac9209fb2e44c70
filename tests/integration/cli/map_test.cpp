#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <thread>

#include "integration/cli/fake_aggregator.hpp"
#include "support/bramble_process.hpp"

namespace bramble::cli::testing {
namespace {

using nlohmann::json;
using test::BrambleProcess;
using test::Ran;
using test::run_bramble;
using ::testing::HasSubstr;

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return text;
}

// Ends the task as `tr a-z A-Z` would.
void finish_as_upper(FakeAggregator& aggregator, TaskKey task) {
  aggregator.write(task, upper(aggregator.job(task.job).tasks.at(task.task).input));
  aggregator.finish(task, 0);
}

std::string numbered_lines(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

TEST(Map, JoinsInTheOrderOfTheInputThoughTasksEndInAnother) {
  FakeAggregator aggregator;
  BrambleProcess map(aggregator.url(), {"map", "--records", "10", "--", "tr", "a-z", "A-Z"}, numbered_lines(100));
  ASSERT_EQ(aggregator.wait_for_job(), 1U);
  ASSERT_TRUE(aggregator.wait_for_tasks(1, 10));
  for (TaskIndex task = 10; task-- > 0;) finish_as_upper(aggregator, {1, task});
  EXPECT_EQ(map.wait(), 0) << map.err();
  EXPECT_EQ(map.out(), upper(numbered_lines(100)));
  EXPECT_FALSE(aggregator.job(1).open);
  EXPECT_EQ(aggregator.job(1).body["per_task_input"], true);
}

TEST(Map, WritesAPieceAsSoonAsAllBeforeItAreFinal) {
  FakeAggregator aggregator;
  BrambleProcess map(aggregator.url(), {"map", "--records", "1", "--", "x"}, "a\nb\nc\n");
  ASSERT_EQ(aggregator.wait_for_job(), 1U);
  ASSERT_TRUE(aggregator.wait_for_tasks(1, 3));
  finish_as_upper(aggregator, {1, 1});
  finish_as_upper(aggregator, {1, 0});
  EXPECT_TRUE(map.wait_for_out("A\nB\n"));
  finish_as_upper(aggregator, {1, 2});
  EXPECT_EQ(map.wait(), 0);
  EXPECT_EQ(map.out(), "A\nB\nC\n");
}

TEST(Map, KeepsAtMost64PiecesAheadOfTheJoin) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) {
    if (task.task >= 64) finish_as_upper(aggregator, task);
  });
  BrambleProcess map(aggregator.url(), {"map", "--records", "1", "--", "x"}, numbered_lines(300));
  ASSERT_EQ(aggregator.wait_for_job(), 1U);
  ASSERT_TRUE(aggregator.wait_for_tasks(1, 64));
  for (TaskIndex task = 0; task < 64; ++task) {
    EXPECT_LE(aggregator.job(1).tasks.size(), 64U + task);
    finish_as_upper(aggregator, {1, task});
  }
  EXPECT_EQ(map.wait(), 0) << map.err();
  EXPECT_TRUE(map.out() == upper(numbered_lines(300)));
}

TEST(Map, KeepsTwoPiecesForEverySlotHoweverMany) {
  FakeAggregator aggregator;
  aggregator.set_nodes(json::array(
      {{{"node", "a"}, {"state", "on"}, {"cores", 50}}, {{"node", "b"}, {"state", "lost"}, {"cores", 50}}}));
  BrambleProcess map(aggregator.url(), {"map", "--records", "1", "--", "x"}, numbered_lines(150));
  ASSERT_EQ(aggregator.wait_for_job(), 1U);
  ASSERT_TRUE(aggregator.wait_for_tasks(1, 100));
  EXPECT_EQ(aggregator.job(1).tasks.size(), 100U);
}

TEST(Map, ReadsFilesInOrderAndPassesBytesOnUnchanged) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) { finish_as_upper(aggregator, task); });
  const test::TempDir dir;
  std::ofstream(dir / "one") << "a\nb";
  std::ofstream(dir / "two") << "c\n";
  const Ran ran = run_bramble(aggregator.url(), {"map", dir / "one", "-", dir / "two", "--", "x"}, "in\n");
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.out, "A\nBIN\nC\n");
  EXPECT_EQ(aggregator.job(1).tasks.size(), 2U);
}

TEST(Map, GivesNothingForNothing) {
  FakeAggregator aggregator;
  const Ran ran = run_bramble(aggregator.url(), {"map", "--", "wc"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err,
              HasSubstr("the input is empty: nothing was mapped, and nobody tried whether the nodes have 'wc'"));
  const Ran called = run_bramble(aggregator.url(), {"map", "--kernel", "wordcuont"});
  EXPECT_EQ(called.status, 0) << called.err;
  EXPECT_THAT(called.err, HasSubstr("'wordcuont'"));
}

TEST(Map, NamesMissingAndUnreadableInputsBeforeAnythingIsSent) {
  FakeAggregator aggregator;
  const test::TempDir dir;
  std::ofstream(dir / "good") << "x\n";
  const Ran missing = run_bramble(aggregator.url(), {"map", dir / "good", dir / "missing", "--", "wc"});
  EXPECT_EQ(missing.status, 1);
  EXPECT_THAT(missing.err, HasSubstr("missing"));
  const Ran folder = run_bramble(aggregator.url(), {"map", dir.path(), "--", "wc"});
  EXPECT_EQ(folder.status, 1);
  EXPECT_THAT(folder.err, HasSubstr("is a directory"));
  EXPECT_TRUE(aggregator.paths().empty());
}

TEST(Map, FailsAsAWholeWithTheFailedPieceNamedAndTheRestCancelled) {
  FakeAggregator aggregator;
  BrambleProcess map(aggregator.url(), {"map", "--records", "1", "--", "x"}, numbered_lines(6));
  ASSERT_EQ(aggregator.wait_for_job(), 1U);
  ASSERT_TRUE(aggregator.wait_for_tasks(1, 6));
  finish_as_upper(aggregator, {1, 0});
  ASSERT_TRUE(map.wait_for_out("LINE 0\n"));
  aggregator.write({1, 3}, "half a piece", "cannot open the pod bay doors\n");
  aggregator.finish({1, 3}, 9);  // not the first that is waited for
  EXPECT_EQ(map.wait(), 1);
  EXPECT_EQ(map.out(), "LINE 0\n");
  EXPECT_THAT(map.err(), HasSubstr("bramble: the map is cancelled, because task 1/3 (piece 4 of the input) failed with "
                                   "exit status 9 on pi01\n"));
  EXPECT_THAT(map.err(), HasSubstr("cannot open the pod bay doors\n"));
  EXPECT_EQ(aggregator.job(1).state, "cancelled");
}

TEST(Map, FailsWhereTheOutputOfAPieceIsCutOff) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) {
    aggregator.write(task, "a part\n");
    aggregator.drop(task, 1);
    aggregator.finish(task, 0);
  });
  const Ran ran = run_bramble(aggregator.url(), {"map", "--", "x"}, "input\n");
  EXPECT_NE(ran.status, 0);
  EXPECT_THAT(ran.err, HasSubstr("the stdout of task 1/0 is cut off"));
}

TEST(Map, ReducesOverAllOutputsInOrder) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) {
    if (task.job == 1) return finish_as_upper(aggregator, task);
    aggregator.write(task, "reduced " + std::to_string(aggregator.job(2).tasks.at(0).input.size()) + "\n");
    aggregator.finish(task, 0);
  });
  const Ran ran =
      run_bramble(aggregator.url(), {"map", "--records", "7", "--reduce", "wc -c", "--", "x"}, numbered_lines(50));
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.out, "reduced " + std::to_string(numbered_lines(50).size()) + "\n");
  EXPECT_EQ(aggregator.job(2).body["argv"], json({"sh", "-c", "wc -c"}));
  EXPECT_EQ(aggregator.job(2).tasks.at(0).input, upper(numbered_lines(50)));
}

TEST(Map, ReducesEmptyInputToo) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) {
    aggregator.write(task, "0\n");
    aggregator.finish(task, 0);
  });
  const Ran ran = run_bramble(aggregator.url(), {"map", "--reduce", "wc -c", "--", "x"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.out, "0\n");
}

TEST(Map, CancelsAtCtrlC) {
  FakeAggregator aggregator;
  BrambleProcess map(aggregator.url(), {"map", "--records", "1", "--", "x"}, numbered_lines(6));
  ASSERT_EQ(aggregator.wait_for_job(), 1U);
  ASSERT_TRUE(aggregator.wait_for_tasks(1, 6));
  map.signal(SIGINT);
  EXPECT_EQ(map.wait(), 130);
  EXPECT_EQ(aggregator.job(1).state, "cancelled");
  EXPECT_THAT(map.err(), HasSubstr("job 1 is cancelled: its output is not whole\n"));
}

TEST(Map, CancelsAndEndsQuietlyWhenItsReaderLeft) {
  FakeAggregator aggregator;
  BrambleProcess map(aggregator.url(), {"map", "--records", "1", "--", "x"}, numbered_lines(6));
  ASSERT_EQ(aggregator.wait_for_job(), 1U);
  ASSERT_TRUE(aggregator.wait_for_tasks(1, 6));
  map.close_out();
  finish_as_upper(aggregator, {1, 0});
  EXPECT_EQ(map.wait(), 141);
  EXPECT_EQ(map.err(), "");
  EXPECT_EQ(aggregator.job(1).state, "cancelled");
}

TEST(Map, OutlivesARestartOfTheAggregator) {
  FakeAggregator aggregator;
  BrambleProcess map(aggregator.url(), {"map", "--records", "1", "--", "x"}, numbered_lines(3));
  ASSERT_EQ(aggregator.wait_for_job(), 1U);
  ASSERT_TRUE(aggregator.wait_for_tasks(1, 3));
  aggregator.stop();
  ASSERT_TRUE(map.wait_for_err("does not answer"));
  aggregator.start();
  for (TaskIndex task = 0; task < 3; ++task) finish_as_upper(aggregator, {1, task});
  EXPECT_EQ(map.wait(), 0) << map.err();
  EXPECT_EQ(map.out(), upper(numbered_lines(3)));
}

}  // namespace
}  // namespace bramble::cli::testing
