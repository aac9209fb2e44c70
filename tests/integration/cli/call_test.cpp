#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "common/wire/call_frames.hpp"
#include "common/wire/frame.hpp"
#include "integration/cli/fake_aggregator.hpp"
#include "support/bramble_process.hpp"

namespace bramble::cli::testing {
namespace {

using nlohmann::json;
using test::BrambleProcess;
using test::Ran;
using test::run_bramble;
using ::testing::HasSubstr;
using ::testing::Not;

// What a node answers to a batch: every call echoed with a "!", and those that say "fail" as failed.
std::string answer(const std::string& batch) {
  std::string replies;
  const auto calls = wire::split_calls(batch);
  EXPECT_TRUE(calls);
  for (const wire::Call& call : calls.value_or(std::vector<wire::Call>{})) {
    const std::string input(call.input);
    if (input == "fail") {
      wire::append_reply(replies, {call.number, wire::CallStatus::failed, "no luck"});
    } else {
      wire::append_reply(replies, {call.number, wire::CallStatus::good, input + "!"});
    }
  }
  return replies;
}

void finish_batch(FakeAggregator& aggregator, TaskKey task) {
  const std::string replies = answer(aggregator.job(task.job).tasks.at(task.task).input);
  const auto split = wire::split_replies(replies);
  bool failed = false;
  for (const auto& reply : split.value()) failed = failed || reply.status != wire::CallStatus::good;
  aggregator.write(task, replies);
  aggregator.finish(task, failed ? 1 : 0);
}

TEST(Call, TheWholeInputIsOneCall) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) { finish_batch(aggregator, task); });
  const Ran ran = run_bramble(aggregator.url(), {"call", "echo"}, "one\ntwo\n");
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.out, "one\ntwo\n!");
  const FakeJob job = aggregator.job(1);
  EXPECT_EQ(job.body["calls"], (json{{"limit_ms", 60'000}, {"idle_ms", 60'000}, {"retries", 0}}));
  EXPECT_EQ(job.body["per_task_input"], true);
  EXPECT_EQ(job.body["argv"], json::array({"echo"}));
  EXPECT_FALSE(job.open);
}

TEST(Call, TheKernelMayStandBehindTheDashesAsACommandDoes) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) { finish_batch(aggregator, task); });
  EXPECT_EQ(run_bramble(aggregator.url(), {"call", "--", "/srv/echo", "--fast"}, "a").out, "a!");
  EXPECT_EQ(aggregator.job(1).body["argv"], json::array({"/srv/echo", "--fast"}));
  EXPECT_EQ(run_bramble(aggregator.url(), {"call", "--"}, "a").status, 2);
}

TEST(Call, JobCatPrintsTheResultOfItsOnlyCallAsItIs) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) { finish_batch(aggregator, task); });
  ASSERT_EQ(run_bramble(aggregator.url(), {"call", "echo"}, "as it is").status, 0);
  EXPECT_EQ(run_bramble(aggregator.url(), {"job", "cat", "1"}).out, "as it is!");
}

TEST(Call, JobCatPrintsTheResultsOfItsCallsAsLinesAndSaysWhichFailed) {
  FakeAggregator aggregator;
  aggregator.on_task([](TaskKey) {});
  BrambleProcess call(aggregator.url(), {"call", "--each-line", "echo"}, "of three calls\n");
  ASSERT_EQ(aggregator.wait_for_job(), 1U);
  ASSERT_TRUE(aggregator.wait_for_tasks(1, 1));
  BrambleProcess cat(aggregator.url(), {"job", "cat", "1", "--follow"});
  std::string replies;
  wire::append_reply(replies, {0, wire::CallStatus::good, "one!"});
  wire::append_reply(replies, {1, wire::CallStatus::failed, "no luck"});
  wire::append_reply(replies, {2, wire::CallStatus::good, "two!"});
  aggregator.write({1, 0}, replies.substr(0, 18));
  ASSERT_TRUE(cat.wait_for_out("one!"));
  aggregator.write({1, 0}, replies.substr(18));
  aggregator.finish({1, 0}, 1);
  EXPECT_EQ(cat.wait(), 1) << "as call itself";
  EXPECT_EQ(cat.out(), "one!\n\ntwo!\n");
  EXPECT_THAT(cat.err(), HasSubstr("call 2 failed: no luck"));
  EXPECT_EQ(run_bramble(aggregator.url(), {"job", "cat", "1", "--frames"}).out, replies);
  EXPECT_EQ(call.wait(), 1);
}

std::string replies_to(uint32_t first, std::initializer_list<std::string_view> results) {
  std::string replies;
  for (const std::string_view result : results) wire::append_reply(replies, {first++, wire::CallStatus::good, result});
  return replies;
}

TEST(Call, JobCatKeepsLinesBesideTheirCallsWhereABatchHasNoAnswers) {
  FakeAggregator aggregator;
  aggregator.on_task([](TaskKey) {});
  BrambleProcess call(aggregator.url(), {"call", "--each-line", "echo"}, "of six calls\nin three batches\nof two\n");
  ASSERT_EQ(aggregator.wait_for_job(), 1U);
  ASSERT_TRUE(aggregator.wait_for_tasks(1, 3));
  aggregator.write({1, 0}, replies_to(0, {"one", "two"}));
  aggregator.write({1, 2}, replies_to(4, {"five", "six"}));
  const Ran early = run_bramble(aggregator.url(), {"job", "cat", "1"});
  EXPECT_EQ(early.out, "one\ntwo\n\n\nfive\nsix\n");
  EXPECT_THAT(early.err, HasSubstr("calls 3 to 4 have no answer\n"));
  EXPECT_THAT(early.err, HasSubstr("no call after 6 has an answer yet (--follow waits for them)"));
  EXPECT_EQ(early.status, 0) << "it may become good";
  const Ran one = run_bramble(aggregator.url(), {"job", "cat", "1.2"});
  EXPECT_EQ(one.out, "five\nsix\n") << "nothing is missing where one task is asked for";
  EXPECT_EQ(run_bramble(aggregator.url(), {"job", "cat", "1/2"}).out, one.out) << "as tasks are told";
  call.signal(SIGINT);
  EXPECT_EQ(call.wait(), 128 + SIGINT);
  const Ran late = run_bramble(aggregator.url(), {"job", "cat", "1"});
  EXPECT_EQ(late.out, early.out);
  EXPECT_THAT(late.err, HasSubstr("job 1 was cancelled: no call after 6 has an answer"));
  EXPECT_EQ(late.status, 1);
}

TEST(Call, JobCatDoesNotCountCallsWhoseNumbersBeginAnewInEachTask) {
  FakeAggregator aggregator;
  aggregator.on_task([](TaskKey) {});
  BrambleProcess call(aggregator.url(), {"call", "--each-line", "echo"}, "a\nb\nc\n");
  ASSERT_EQ(aggregator.wait_for_job(), 1U);
  ASSERT_TRUE(aggregator.wait_for_tasks(1, 3));
  aggregator.write({1, 0}, replies_to(0, {"one"}));
  aggregator.write({1, 1}, replies_to(0, {"two"}));
  aggregator.write({1, 2}, replies_to(7, {"three"}));
  EXPECT_EQ(run_bramble(aggregator.url(), {"job", "cat", "1"}).out, "one\ntwo\nthree\n");
  call.signal(SIGINT);
  EXPECT_EQ(call.wait(), 128 + SIGINT);
}

TEST(Call, AKernelThatOnlyEndsBeforeItReadsIsGivenUpThoughNoBatchHasManyCalls) {
  FakeAggregator aggregator;
  aggregator.on_task([](TaskKey) {});
  std::string in;
  for (int i = 0; i < 1000; ++i) in += std::to_string(i) + "\n";
  BrambleProcess call(aggregator.url(), {"call", "--each-line", "false"}, in);
  ASSERT_EQ(aggregator.wait_for_job(), 1U);
  uint32_t answered = 0;
  uint32_t unread = 0;
  for (TaskIndex task = 0; unread < 20; ++task) {
    ASSERT_TRUE(aggregator.wait_for_tasks(1, task + 1));
    const auto calls = wire::split_calls(aggregator.job(1).tasks.at(task).input);
    ASSERT_TRUE(calls);
    std::string replies;
    for (const wire::Call& each : *calls) {
      const bool tried = answered++ % 3 != 1;  // a warden gives the rest of a batch up by itself
      unread += tried ? 1 : 0;
      const auto status = tried ? wire::CallStatus::unread : wire::CallStatus::skipped;
      wire::append_reply(replies, {each.number, status, "the kernel ended with status 1"});
    }
    aggregator.write({1, task}, replies);
    aggregator.finish({1, task}, 1);
  }
  EXPECT_EQ(call.wait(), 1);
  EXPECT_EQ(call.out(), std::string(answered, '\n'));
  EXPECT_THAT(call.err(), HasSubstr("of them in a row the kernel ended before it read anything"));
  EXPECT_EQ(aggregator.job(1).state, "cancelled");
}

TEST(Call, WhatAKernelSaysOfAFailureIsOneLineOfPrintableText) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) {
    std::string replies;
    wire::append_reply(replies, {0, wire::CallStatus::failed, std::string_view("red \x1b[31m\nline two\0pickle", 25)});
    aggregator.write(task, replies);
    aggregator.finish(task, 1);
  });
  const Ran ran = run_bramble(aggregator.url(), {"call", "--each-line", "echo"}, "a\n");
  EXPECT_THAT(ran.err, HasSubstr("bramble: line 1 failed: red ?[31m line two\n"));
}

TEST(Call, JobCatOfStandardErrorSaysWhereNothingWasWritten) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) { finish_batch(aggregator, task); });
  ASSERT_EQ(run_bramble(aggregator.url(), {"call", "echo"}, "a").status, 0);
  const Ran ran = run_bramble(aggregator.url(), {"job", "cat", "--stderr", "1"});
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err, "bramble: job 1 wrote nothing to standard error\n");
}

TEST(Call, JobCatOfCallsThatGotNoAnswerEndsWith1) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) {
    aggregator.write(task, "", "words\n");
    aggregator.end_with(task, "failed", "start_failed", 0);
  });
  EXPECT_EQ(run_bramble(aggregator.url(), {"call", "echo"}, "a").status, 1);
  EXPECT_EQ(run_bramble(aggregator.url(), {"job", "cat", "1"}).status, 1);
  EXPECT_EQ(run_bramble(aggregator.url(), {"job", "cat", "1", "--task", "0"}).status, 1);
  const Ran words = run_bramble(aggregator.url(), {"job", "cat", "--stderr", "1"});
  EXPECT_EQ(words.status, 0) << "all of that is there";
  EXPECT_EQ(words.out, "words\n");
}

TEST(Call, AnEmptyInputIsOneEmptyCallAndNoLineIsNone) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) { finish_batch(aggregator, task); });
  EXPECT_EQ(run_bramble(aggregator.url(), {"call", "echo"}).out, "!");
  const Ran lines = run_bramble(aggregator.url(), {"call", "--each-line", "echo"});
  EXPECT_EQ(lines.status, 0) << lines.err;
  EXPECT_EQ(lines.out, "");
  EXPECT_THAT(lines.err,
              HasSubstr("the input is empty: no call was made, and nobody tried whether the nodes have 'echo'"));
  EXPECT_TRUE(aggregator.job(2).tasks.empty());
}

TEST(Call, EachLineIsACallAndItsResultALineInTheOrderOfTheInput) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) { finish_batch(aggregator, task); });
  const Ran ran = run_bramble(aggregator.url(), {"call", "--each-line", "echo"}, "a\n\nb\nc");
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.out, "a!\n!\nb!\nc!\n");
}

TEST(Call, BatchesGrowWhileCallsAreQuickAndJoinInOrder) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) { finish_batch(aggregator, task); });
  std::string in, out;
  for (int i = 0; i < 20'000; ++i) {
    in += std::to_string(i) + "\n";
    out += std::to_string(i) + "!\n";
  }
  const Ran ran = run_bramble(aggregator.url(), {"call", "--each-line", "echo"}, in);
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_TRUE(ran.out == out);
  EXPECT_LT(aggregator.job(1).tasks.size(), 20'000U / 16);
}

TEST(Call, ACallThatFailsIsNamedByItsLineAndTheOthersAreThere) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) { finish_batch(aggregator, task); });
  const Ran ran = run_bramble(aggregator.url(), {"call", "--each-line", "echo"}, "a\nfail\nb\n");
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(ran.out, "a!\n\nb!\n") << "an empty line keeps the others in their places";
  EXPECT_THAT(ran.err, HasSubstr("line 2 failed: no luck"));
  EXPECT_THAT(ran.err, HasSubstr("1 of 3 calls failed (job 1)"));
}

TEST(Call, OfAKernelThatBrokeTheLastWordsAreShownOnce) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) {
    std::string replies;
    const auto how = task.job == 1 ? wire::CallStatus::died : wire::CallStatus::failed;
    const std::string batch = aggregator.job(task.job).tasks.at(task.task).input;
    const auto calls = wire::split_calls(batch);
    for (const wire::Call& call : calls.value()) {
      wire::append_reply(replies, {call.number, how, "no answer"});
    }
    aggregator.write(task, replies, "words " + std::to_string(task.task) + "\n");
    aggregator.finish(task, 1);
  });
  const Ran broke = run_bramble(aggregator.url(), {"call", "--each-line", "echo"}, "a\nb\nc\n");
  EXPECT_EQ(broke.status, 1);
  EXPECT_THAT(broke.err, HasSubstr("line 1 failed: no answer\n"
                                   "bramble: the standard error of task 1/0 ends so:\nwords 0\n"));
  EXPECT_THAT(broke.err, Not(HasSubstr("words 1")));
  const Ran failed = run_bramble(aggregator.url(), {"call", "--each-line", "echo"}, "a\nb\nc\n");
  EXPECT_THAT(failed.err, Not(HasSubstr("words"))) << "it said by itself what was wrong";
}

TEST(Call, OfManyFailuresTenAreTold) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) { finish_batch(aggregator, task); });
  std::string in;
  for (int i = 0; i < 30; ++i) in += "fail\n";
  const Ran ran = run_bramble(aggregator.url(), {"call", "--each-line", "echo"}, in);
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.err, HasSubstr("line 10 failed"));
  EXPECT_THAT(ran.err, ::testing::Not(HasSubstr("line 11 failed")));
  EXPECT_THAT(ran.err, HasSubstr("30 of 30 calls failed"));
}

TEST(Call, ABatchThatWasNotAnsweredCancelsTheRestAndSaysWhy) {
  FakeAggregator aggregator;
  BrambleProcess call(aggregator.url(), {"call", "--each-line", "echo"}, "a\nb\n");
  ASSERT_EQ(aggregator.wait_for_job(), 1U);
  ASSERT_TRUE(aggregator.wait_for_tasks(1, 1));
  aggregator.write({1, 0}, "", "told on stderr\n");
  aggregator.end_with({1, 0}, "failed", "signaled", SIGSEGV);
  EXPECT_EQ(call.wait(), 1);
  EXPECT_THAT(call.err(),
              HasSubstr("no more calls are made, because task 1/0 (the calls from number 1 on) was ended by"));
  EXPECT_THAT(call.err(), HasSubstr("told on stderr"));
}

TEST(Call, RepliesThatAreNoneOrOfOthersAreRefused) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) {
    if (task.job == 1) {
      aggregator.write(task, "garbage");
    } else {
      std::string replies;
      wire::append_reply(replies, {7, wire::CallStatus::good, "x"});
      aggregator.write(task, replies);
    }
    aggregator.finish(task, 0);
  });
  const Ran garbage = run_bramble(aggregator.url(), {"call", "echo"}, "a");
  EXPECT_EQ(garbage.status, 1);
  EXPECT_EQ(garbage.out, "");
  EXPECT_THAT(garbage.err, HasSubstr("are not whole"));
  const Ran other = run_bramble(aggregator.url(), {"call", "echo"}, "a");
  EXPECT_EQ(other.status, 1);
  EXPECT_THAT(other.err, HasSubstr("a result for call 8 where that of call 1 is due"));
}

TEST(Call, RepliesThatAreMissingAtTheEndOfABatchAreNoticed) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) {
    std::string replies;
    if (task.task < 2) wire::append_reply(replies, {task.task, wire::CallStatus::good, "x"});
    aggregator.write(task, replies);
    aggregator.finish(task, 0);
  });
  const Ran ran = run_bramble(aggregator.url(), {"call", "--each-line", "echo"}, "a\nb\nc\n");
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.err, HasSubstr("2 of 3"));
}

TEST(Call, EachFrameIsACallAndItsResultAFrame) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) { finish_batch(aggregator, task); });
  std::string in, out;
  for (const std::string& text :
       {std::string("a\nb"), std::string(), std::string(300'000, 'x'), std::string("\0z", 2)}) {
    in += wire::make_frame(text);
    out += wire::make_frame(text + "!");
  }
  const Ran ran = run_bramble(aggregator.url(), {"call", "--each-frame", "echo"}, in);
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_TRUE(ran.out == out);
  const Ran failed =
      run_bramble(aggregator.url(), {"call", "--each-frame", "echo"}, wire::make_frame("fail") + wire::make_frame("a"));
  EXPECT_EQ(failed.status, 1);
  EXPECT_EQ(failed.out, wire::make_frame("") + wire::make_frame("a!"));
  EXPECT_THAT(failed.err, HasSubstr("frame 1 failed: no luck"));
}

TEST(Call, FramesThatAreCutOffOrTooLongAreRefused) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) { finish_batch(aggregator, task); });
  const Ran cut = run_bramble(aggregator.url(), {"call", "--each-frame", "echo"}, wire::make_frame("a") + "\5");
  EXPECT_NE(cut.status, 0);
  EXPECT_THAT(cut.err, HasSubstr("the input ends within frame 2"));
  const Ran giant = run_bramble(aggregator.url(), {"call", "--each-frame", "echo"}, "\xff\xff\xff\xff");
  EXPECT_NE(giant.status, 0);
  EXPECT_THAT(giant.err, HasSubstr("frame 1 is longer than the 16 MiB of a call"));
}

TEST(Call, ALineLongerThanACallMayBeIsRefused) {
  FakeAggregator aggregator;
  const Ran ran = run_bramble(aggregator.url(), {"call", "--each-line", "echo"},
                              "short\n" + std::string((size_t{16} << 20) + 1, 'x') + "\n");
  EXPECT_EQ(ran.status, 2);
  EXPECT_THAT(ran.err, HasSubstr("line 2 is longer than the 16 MiB of a call"));
}

TEST(Call, AnInterruptCancelsTheJob) {
  FakeAggregator aggregator;
  BrambleProcess call(aggregator.url(), {"call", "--each-line", "echo"}, "a\n");
  ASSERT_EQ(aggregator.wait_for_job(), 1U);
  ASSERT_TRUE(aggregator.wait_for_tasks(1, 1));
  call.signal(SIGINT);
  EXPECT_EQ(call.wait(), 128 + SIGINT);
  EXPECT_EQ(aggregator.job(1).state, "cancelled");
  EXPECT_THAT(call.err(),
              HasSubstr("job 1 is cancelled; answers to 0 of the 1 calls read were printed; all that there are: "));
}

TEST(Call, AnInterruptThatIsSentToTheProcessAndToItsGroupCountsOnce) {
  FakeAggregator aggregator;
  BrambleProcess call(aggregator.url(), {"call", "--each-line", "echo"}, "a\n");
  ASSERT_EQ(aggregator.wait_for_job(), 1U);
  ASSERT_TRUE(aggregator.wait_for_tasks(1, 1));
  for (int i = 0; i < 2; ++i) call.signal(SIGINT);
  EXPECT_EQ(call.wait(), 128 + SIGINT);
  EXPECT_EQ(aggregator.job(1).state, "cancelled");
  EXPECT_THAT(call.err(), HasSubstr("job 1 is cancelled"));
}

}  // namespace
}  // namespace bramble::cli::testing
