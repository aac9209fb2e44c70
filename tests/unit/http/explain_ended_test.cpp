#include "aggregator/http/explain_ended.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/wire/codec.hpp"

namespace bramble::aggregator::http {
namespace {

using nlohmann::json;

JobRow make_job(uint64_t succeeded, uint64_t failed, uint64_t cancelled) {
  JobRow job;
  job.record.id = 12;
  auto& progress = job.record.progress;
  progress.state = JobState::failed;
  progress.range = {0, static_cast<TaskIndex>(succeeded + failed + cancelled - 1), 1};
  progress.counts = {succeeded + failed + cancelled, succeeded, failed, cancelled};
  return job;
}

TaskRow make_task(TaskIndex index, TaskState state, wire::Outcome outcome, int code, const std::string& text = "") {
  TaskRow task;
  task.record = {{12, index}, state, 2, 0, {}};
  task.committed_attempt = 2;
  for (uint32_t number = 1; number <= 2; ++number) {
    AttemptRow attempt;
    attempt.record.key = {12, index, number};
    attempt.record.node = "pi" + std::to_string(number);
    attempt.outcome = wire::to_string(outcome);
    attempt.committed = number == 2;
    attempt.result.emplace().outcome = outcome;
    attempt.result->code = code;
    attempt.result->signal = outcome == wire::Outcome::signaled ? code : 0;
    attempt.result->text = text;
    task.attempts.push_back(attempt);
  }
  return task;
}

TEST(ExplainEnded, ATaskByTheAttemptThatDecided) {
  const TaskRow task = make_task(3, TaskState::failed, wire::Outcome::exited, 7);
  const json told = json::parse(render_ended_task(make_job(5, 1, 0), 3, &task));
  EXPECT_EQ(told["job"], 12);
  EXPECT_EQ(told["task"], 3);
  EXPECT_EQ(told["state"], "failed");
  EXPECT_EQ(told["reasons"][0]["text"], "failed: exit status 7");
  EXPECT_EQ(told["reasons"][0]["detail"], "on node pi2, attempt 2 of 2");
}

TEST(ExplainEnded, EveryOutcomeInWords) {
  using wire::Outcome;
  const auto text = [](Outcome outcome, int code, const std::string& said) {
    const TaskRow task = make_task(0, TaskState::failed, outcome, code, said);
    return json::parse(render_ended_task(make_job(0, 1, 0), 0, &task))["reasons"][0]["text"].get<std::string>();
  };
  EXPECT_EQ(text(Outcome::signaled, 9, ""), "failed: ended by signal 9");
  EXPECT_EQ(text(Outcome::timed_out, 0, ""), "failed: its time limit was over");
  EXPECT_EQ(text(Outcome::memory, 0, ""), "failed: it needed more memory than its limit");
  EXPECT_EQ(text(Outcome::start_failed, 127, "no such file"), "failed: it could not be started: no such file");
}

TEST(ExplainEnded, ATaskWithoutARowWasNeverStarted) {
  const json told = json::parse(render_ended_task(make_job(0, 0, 4), 3, nullptr));
  EXPECT_EQ(told["state"], "cancelled");
  EXPECT_EQ(told["reasons"][0]["text"], "cancelled before it was started");
}

TEST(ExplainEnded, AJobGroupsItsFailuresAndCountsTheRest) {
  const std::vector<TaskRow> tasks{make_task(0, TaskState::succeeded, wire::Outcome::exited, 0),
                                   make_task(1, TaskState::failed, wire::Outcome::exited, 7),
                                   make_task(2, TaskState::failed, wire::Outcome::exited, 7),
                                   make_task(3, TaskState::failed, wire::Outcome::signaled, 9)};
  const json told = json::parse(render_ended_job(make_job(1, 3, 6), tasks));
  EXPECT_EQ(told["ended"], 10);
  ASSERT_EQ(told["reasons"].size(), 4U);
  EXPECT_EQ(told["reasons"][1]["text"], "failed: exit status 7");
  EXPECT_EQ(told["reasons"][1]["tasks"], 2);
  EXPECT_EQ(told["reasons"][2]["task"], 3);
  EXPECT_EQ(told["reasons"][3]["tasks"], 6);
  EXPECT_EQ(told["reasons"][3]["text"], "cancelled before they were started") << told.dump();
}

TEST(ExplainEnded, ATaskThatWasCancelledWhileItRanIsCalledSoOnce) {
  const TaskRow task = make_task(0, TaskState::cancelled, wire::Outcome::cancelled, 0, "its agent ended it");
  EXPECT_EQ(json::parse(render_ended_task(make_job(0, 0, 1), 0, &task))["reasons"][0]["text"], "cancelled");
  const json told = json::parse(render_ended_job(make_job(0, 0, 1), std::vector{task}));
  EXPECT_EQ(told["reasons"][0]["text"], "cancelled: its agent ended it");
}

TEST(ExplainEnded, FailuresOfTooManyKindsAreNotCalledCancelled) {
  std::vector<TaskRow> tasks;
  for (TaskIndex i = 0; i < 30; ++i) {
    tasks.push_back(make_task(i, TaskState::failed, wire::Outcome::exited, static_cast<int>(i) + 1));
  }
  const json told = json::parse(render_ended_job(make_job(0, 30, 4), tasks));
  ASSERT_EQ(told["reasons"].size(), 21U);
  EXPECT_EQ(told["reasons"][20]["reason"], "other");
  EXPECT_EQ(told["reasons"][20]["tasks"], 14);
  EXPECT_EQ(told["reasons"][20]["text"], "failed or cancelled in yet other ways");
}

TEST(ExplainEnded, AJobTellsWhatItsNodesSaidWhateverTheNumberOfTheCall) {
  const auto said = [](TaskIndex index, const std::string& text) {
    return make_task(index, TaskState::failed, wire::Outcome::exited, 1, text);
  };
  const std::string end = "the kernel ended with status 1 and gave no answer";
  const std::vector<TaskRow> tasks{said(0, "call 3: " + end),
                                   said(1, "2 of 10 calls failed; call 17: " + end),
                                   said(2, end),
                                   said(3, "1 of 4 calls failed; call 2: no such file"),
                                   said(4, "call me: 3 of 4 lines are wrong"),
                                   said(5, "")};
  const json told = json::parse(render_ended_job(make_job(0, 6, 0), tasks));
  std::vector<std::string> lines;
  for (const json& group : told["reasons"]) {
    lines.push_back(std::to_string(group["tasks"].get<int>()) + " " + group["text"].get<std::string>());
  }
  EXPECT_EQ(lines,
            (std::vector<std::string>{
                "3 failed: exit status 1: " + end, "1 failed: exit status 1: 1 of 4 calls failed; call 2: no such file",
                "1 failed: exit status 1: call me: 3 of 4 lines are wrong", "1 failed: exit status 1"}));
}

TEST(ExplainEnded, AJobPutsTogetherWhatWasSaidInTooManyWays) {
  std::vector<TaskRow> tasks;
  for (TaskIndex i = 0; i < 100; ++i) {
    tasks.push_back(
        make_task(i, TaskState::failed, wire::Outcome::exited, 1, "call 1: no such file " + std::to_string(i)));
  }
  tasks.push_back(make_task(100, TaskState::failed, wire::Outcome::exited, 1, "call 9: no such file 2"));
  const json told = json::parse(render_ended_job(make_job(0, 101, 0), tasks));
  ASSERT_EQ(told["reasons"].size(), 6U);
  EXPECT_EQ(told["reasons"][2]["tasks"], 2);
  EXPECT_EQ(told["reasons"][2]["text"], "failed: exit status 1: no such file 2");
  EXPECT_EQ(told["reasons"][5]["tasks"], 95);
  EXPECT_EQ(told["reasons"][5]["text"], "failed: exit status 1, for other reasons; task 5: call 1: no such file 5");
}

}  // namespace
}  // namespace bramble::aggregator::http
