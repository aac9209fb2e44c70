// Batches of calls, and kernels that behave and do not.
#include <algorithm>
#include <csignal>
#include <functional>

#include "common/posix/files.hpp"
#include "common/wire/call_frames.hpp"
#include "fixture.hpp"

namespace bramble::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using wire::CallStatus;
using wire::Outcome;

class WardenCalls : public testing::Test {
 protected:
  wire::WardenStart batch(TaskIndex task, const std::vector<std::string>& calls, JobId job = 1) {
    std::string text;
    uint32_t number = 100 * task;
    for (const std::string& call : calls) wire::append_call(text, {number++, call});
    return batch_of(task, text, job);
  }
  wire::WardenStart batch_of(TaskIndex task, const std::string& text, JobId job = 1) {
    auto start = command_start(warden_task(job, task), {BRAMBLE_ODD_KERNEL});
    start.spec.calls.emplace();
    start.stdin_path = dir_ / ("batch" + std::to_string(job) + "." + std::to_string(task));
    EXPECT_TRUE(posix::write_file_atomically(start.stdin_path, text));
    return start;
  }
  std::vector<std::pair<CallStatus, std::string>> replies(const wire::WardenStart& start) {
    const std::string text = warden_.stdout_of(start.task);
    const auto split = wire::split_replies(text);
    EXPECT_TRUE(split) << split.error().message;
    std::vector<std::pair<CallStatus, std::string>> found;
    for (const wire::Reply& reply : split.value_or(std::vector<wire::Reply>())) {
      found.emplace_back(reply.status, std::string(reply.bytes));
    }
    return found;
  }
  std::vector<std::string> good_replies(const wire::WardenStart& start) {
    std::vector<std::string> texts;
    for (auto& [status, text] : replies(start)) {
      EXPECT_EQ(status, CallStatus::good) << text;
      texts.push_back(text);
    }
    return texts;
  }

  TempDir dir_;
  WardenProcess warden_{dir_ / "state", 1};
  WardenClient client_ = warden_.connect();
};

TEST_F(WardenCalls, AreAnsweredInOrder) {
  const auto start = batch(0, {"echo a", "echo ", "echo b c"});
  const auto exited = client_.run(start);
  EXPECT_EQ(exited.result.outcome, Outcome::exited);
  EXPECT_EQ(exited.result.code, 0);
  EXPECT_THAT(good_replies(start), ElementsAre("a", "", "b c"));
}

TEST_F(WardenCalls, AKernelStaysForTheNextBatchOfItsJob) {
  const auto first = batch(0, {"pid", "count"});
  const auto second = batch(1, {"pid", "count"});
  client_.run(first);
  client_.run(second);
  EXPECT_EQ(good_replies(first)[0], good_replies(second)[0]);
  EXPECT_EQ(good_replies(second)[1], "4");
}

TEST_F(WardenCalls, AnotherJobHasAnotherKernelAndOneOfItsOwnEndsWithATaskThatIsNoCall) {
  const auto first = batch(0, {"pid"}, 1);
  const auto second = batch(0, {"pid"}, 2);
  client_.run(first);
  client_.run(second);
  EXPECT_NE(good_replies(first), good_replies(second));
  EXPECT_FALSE(is_alive(pid_in(good_replies(first)[0])));
  client_.run(command_start(warden_task(3), {"true"}));
  EXPECT_FALSE(is_alive(pid_in(good_replies(second)[0])));
}

TEST_F(WardenCalls, AKernelFindsTheFilesOfItsJobAndOfTheBatchThatItHas) {
  const auto file = [&](const std::string& name) {
    EXPECT_TRUE(posix::write_file_atomically(dir_ / name, name + "'s bytes"));
    return dir_ / name;
  };
  const std::vector<std::string> calls{"cat model", "cat own", "pid"};
  auto first = batch(0, calls);
  first.files = {{"model", file("a")}, {"own", file("b")}};
  auto second = batch(1, calls);
  second.files = {{"model", file("a")}, {"own", file("c")}};
  auto third = batch(2, calls);
  third.files = {{"model", file("a")}};
  std::string pid;
  for (const auto& [start, own] : {std::pair{first, "b's bytes"}, {second, "c's bytes"}, {third, "(none)"}}) {
    EXPECT_EQ(client_.run(start).result.code, 0);
    const auto texts = good_replies(start);
    ASSERT_EQ(texts.size(), 3U);
    EXPECT_EQ(texts[0], "a's bytes");
    EXPECT_EQ(texts[1], own);
    EXPECT_TRUE(pid.empty() || pid == texts[2]) << "the kernel stays";
    pid = texts[2];
  }
}

TEST_F(WardenCalls, AKernelThatTakesTheDeadOnesPlaceFindsTheFilesAgain) {
  ASSERT_TRUE(posix::write_file_atomically(dir_ / "a", "bytes"));
  auto start = batch(0, {"cat model", "crash", "cat model"});
  start.files = {{"model", dir_ / "a"}};
  EXPECT_EQ(client_.run(start).result.code, 1);
  const auto found = replies(start);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[2], (std::pair<CallStatus, std::string>(CallStatus::good, "bytes")));
}

TEST_F(WardenCalls, ManyAndLargeOnesGoThroughPipesThatAreSmaller) {
  std::vector<std::string> calls;
  for (int i = 0; i < 5000; ++i) calls.push_back("echo " + std::to_string(i));
  calls.push_back("echo " + std::string(3 << 20, 'x'));
  calls.push_back("echo end");
  const auto start = batch(0, calls);
  EXPECT_EQ(client_.run(start).result.code, 0);
  const auto texts = good_replies(start);
  ASSERT_EQ(texts.size(), calls.size());
  for (size_t i = 0; i < calls.size(); ++i) ASSERT_EQ("echo " + texts[i], calls[i]);
}

TEST_F(WardenCalls, OneThatTheKernelRefusesFailsAlone) {
  const auto start = batch(0, {"echo a", "refuse too odd", "echo b", "count"});
  const auto exited = client_.run(start);
  EXPECT_EQ(exited.result.code, 1);
  EXPECT_THAT(exited.result.text, HasSubstr("1 of 4 calls failed; call 2: too odd"));
  EXPECT_EQ(replies(start)[1], (std::pair<CallStatus, std::string>(CallStatus::failed, "too odd")));
  EXPECT_EQ(replies(start)[3].second, "4");  // the kernel goes on
  EXPECT_EQ(client_.run(batch(1, {"refuse too odd"})).result.text, "call 101: too odd");
}

TEST_F(WardenCalls, ACrashFailsTheOneCallThatItWasIn) {
  const auto start = batch(0, {"echo a", "echo b", "crash", "echo c", "exit 3", "echo d"});
  EXPECT_EQ(client_.run(start).result.code, 1);
  const auto found = replies(start);
  ASSERT_EQ(found.size(), 6U);
  for (const size_t good : {0U, 1U, 3U, 5U}) EXPECT_EQ(found[good].first, CallStatus::good) << good;
  EXPECT_EQ(found[2].first, CallStatus::died);
  EXPECT_THAT(found[2].second, HasSubstr("signal 6"));
  EXPECT_EQ(found[4].first, CallStatus::died);
  EXPECT_THAT(found[4].second, HasSubstr("status 3"));
  EXPECT_EQ(found[5].second, "d");
}

TEST_F(WardenCalls, ACallInWhichTheKernelDiedIsTriedAgainAsOftenAsIsAllowed) {
  auto start = batch(0, {"crash once " + dir_ / "mark"});
  start.spec.calls->retries = 1;
  EXPECT_EQ(client_.run(start).result.code, 0);
  EXPECT_THAT(good_replies(start), ElementsAre("not again"));
}

TEST_F(WardenCalls, OneThatIsNeverAnsweredEndsAtItsLimit) {
  auto start = batch(0, {"echo a", "hang", "echo b"});
  start.spec.calls->limit_ms = 300;
  EXPECT_EQ(client_.run(start).result.code, 1);
  const auto found = replies(start);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].second, "a");
  EXPECT_EQ(found[1].first, CallStatus::timed_out);
  EXPECT_THAT(found[1].second, HasSubstr("longer than 300ms"));
  EXPECT_EQ(found[2].second, "b");
}

TEST_F(WardenCalls, WhatIsNoReplyFailsTheCallAndNothingElse) {
  for (const char* const nonsense : {"length 0", "length 4294967295", "length 99999999", "type 2", "type 77"}) {
    SCOPED_TRACE(nonsense);
    static TaskIndex task = 0;
    const auto start = batch(task++, {"echo a", nonsense, "echo b"});
    EXPECT_EQ(client_.run(start).result.code, 1);
    const auto found = replies(start);
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(found[0].second, "a");
    EXPECT_EQ(found[1].first, CallStatus::nonsense);
    EXPECT_EQ(found[2].second, "b");
  }
}

TEST_F(WardenCalls, AReplyToAnotherCallIsNoReply) {
  const auto start = batch(0, {"twice"});
  EXPECT_EQ(client_.run(start).result.code, 1);
  EXPECT_EQ(replies(start).at(0).first, CallStatus::nonsense);
}

TEST_F(WardenCalls, WhatAKernelWritesBehindItsLastReplyEndsItAndFailsNothing) {
  const auto first = batch(0, {"pid", "babble 1"});
  EXPECT_EQ(client_.run(first).result.code, 0);
  ASSERT_THAT(good_replies(first), ::testing::SizeIs(2));
  EXPECT_EQ(good_replies(first)[1], "right");
  const auto second = batch(1, {"pid", "count"});
  EXPECT_EQ(client_.run(second).result.code, 0);
  EXPECT_NE(good_replies(first)[0], good_replies(second)[0]);
  EXPECT_EQ(good_replies(second)[1], "2");
}

TEST_F(WardenCalls, ABatchWithoutCallsIsNotBilledForWhatTheKernelDidBefore) {
  const auto first = client_.run(batch(0, {"burn 300"}));
  EXPECT_GE(first.result.cpu_ms, 250);
  EXPECT_LT(client_.run(batch_of(1, "")).result.cpu_ms, 200);
  EXPECT_EQ(client_.run(batch_of(2, "no batch")).result.outcome, Outcome::start_failed);
  EXPECT_LT(client_.run(batch(3, {"echo a"})).result.cpu_ms, 200);
}

TEST_F(WardenCalls, AFileThatTheKernelMadeIsNotInTheWayOfTheBatchs) {
  ASSERT_TRUE(posix::write_file_atomically(dir_ / "a", "given"));
  client_.run(batch(0, {"write model", "cat model"}));
  auto second = batch(1, {"cat model", "count"});
  second.files = {{"model", dir_ / "a"}};
  EXPECT_EQ(client_.run(second).result.code, 0);
  EXPECT_THAT(good_replies(second), ElementsAre("given", "4"));
}

TEST_F(WardenCalls, FilesThatCannotBeLaidFailTheirBatchAndNoLaterOne) {
  ASSERT_TRUE(posix::write_file_atomically(dir_ / "a", "given"));
  auto first = batch(0, {"cat model"});
  first.files = {{"model", dir_ / "a"}};
  EXPECT_EQ(client_.run(first).result.code, 0);
  auto second = batch(1, {"cat model"});
  second.files = {{"model", dir_ / "a"}, {"other", dir_ / "missing"}};
  EXPECT_EQ(client_.run(second).result.outcome, Outcome::start_failed);
  auto third = batch(2, {"cat model"});
  third.files = {{"model", dir_ / "a"}};
  EXPECT_EQ(client_.run(third).result.code, 0);
  EXPECT_THAT(good_replies(third), ElementsAre("given"));
}

TEST_F(WardenCalls, WhatAKernelLeavesInItsDirectoryGoesWithIt) {
  client_.run(batch(0, {"write secret"}));
  EXPECT_TRUE(posix::read_file(dir_ / "state/kernels/0/secret", 100));
  client_.run(command_start(warden_task(2, 0), {"true"}));
  EXPECT_FALSE(posix::read_file(dir_ / "state/kernels/0/secret", 100));
}

TEST_F(WardenCalls, CallsThatKillTheirKernelOneAfterTheOtherFailAlone) {
  std::vector<std::string> calls(100, "echo a");
  std::fill_n(calls.begin(), 21, "crash");
  std::fill_n(calls.begin() + 40, 21, "crash");
  const auto start = batch(0, calls);
  EXPECT_EQ(client_.run(start).result.code, 1);
  const auto found = replies(start);
  ASSERT_EQ(found.size(), calls.size());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].first, calls[i] == "crash" ? CallStatus::died : CallStatus::good) << i;
  }
}

TEST_F(WardenCalls, AKernelThatNeverAnswersAtAllIsGivenUp) {
  auto start = batch(0, std::vector<std::string>(100, "echo a"));
  start.spec.argv = {"false"};
  EXPECT_EQ(client_.run(start).result.code, 1);
  const auto found = replies(start);
  ASSERT_EQ(found.size(), 100U);
  EXPECT_EQ(found.front().first, CallStatus::unread);
  EXPECT_EQ(found.front().second, "the kernel ended with status 1 before it read anything of the call");
  EXPECT_EQ(found.back().first, CallStatus::skipped);
  EXPECT_EQ(found.back().second, "not tried: the kernel ended 20 times in a row before it read a call");
}

TEST_F(WardenCalls, AKernelThatIsNotThereFailsToStart) {
  auto start = batch(0, {"echo a"});
  start.spec.argv = {"no-such-kernel"};
  const auto exited = client_.run(start);
  EXPECT_EQ(exited.result.outcome, Outcome::start_failed);
  EXPECT_EQ(exited.result.code, 127);
  EXPECT_THAT(exited.result.text, HasSubstr("no-such-kernel"));
  EXPECT_EQ(client_.run(batch(1, {"echo b"})).result.code, 0);  // the slot is as good as before
}

TEST_F(WardenCalls, AnInputThatIsNoBatchIsTold) {
  const auto start = batch_of(0, "hello");
  const auto exited = client_.run(start);
  EXPECT_EQ(exited.result.outcome, Outcome::start_failed);
  EXPECT_THAT(exited.result.text, HasSubstr("no batch of calls"));
}

TEST_F(WardenCalls, ABatchWithoutCallsEndsWell) {
  const auto start = batch(0, {});
  EXPECT_EQ(client_.run(start).result.code, 0);
  EXPECT_EQ(warden_.stdout_of(start.task), "");
}

TEST_F(WardenCalls, ABatchThatIsCancelledTakesItsKernelAlong) {
  const auto first = batch(0, {"pid"});
  client_.run(first);
  auto start = batch(1, {"say x", "hang"});
  start.spec.kill_grace_ms = 50;
  client_.send(start);
  client_.expect<wire::WardenOutput>(start.task);
  client_.send(wire::WardenKill{start.task, Outcome::cancelled});
  EXPECT_EQ(client_.expect<wire::WardenExited>(start.task).result.outcome, Outcome::cancelled);
  EXPECT_FALSE(is_alive(pid_in(good_replies(first)[0])));
  EXPECT_EQ(client_.run(batch(2, {"echo a"})).result.code, 0);
}

TEST_F(WardenCalls, TheTimeLimitOfTheTaskIsTheBatchs) {
  auto start = batch(0, {"hang"});
  start.spec.time_limit_ms = 100;
  start.spec.kill_grace_ms = 50;
  EXPECT_EQ(client_.run(start).result.outcome, Outcome::timed_out);
}

TEST_F(WardenCalls, AKernelThatHasHadNoBatchForAWhileIsEnded) {
  auto start = batch(0, {"pid"});
  start.spec.calls->idle_ms = 50;
  client_.run(start);
  const pid_t kernel = pid_in(good_replies(start)[0]);
  for (int i = 0; i < 3000 && is_alive(kernel); ++i) ::usleep(10'000);  // nobody tells
  EXPECT_FALSE(is_alive(kernel));
}

TEST_F(WardenCalls, WhatAKernelStartedEndsWithIt) {
  const auto start = batch(0, {"leave", "crash", "echo a"});
  client_.run(start);
  EXPECT_EQ(replies(start)[2].second, "a");
  EXPECT_FALSE(is_alive(pid_in(replies(start)[0].second)));
}

TEST_F(WardenCalls, AKernelThatTakesTooMuchMemoryFailsThatCall) {
  auto start = batch(0, {"echo a", "take 200", "echo b"});
  start.spec.memory_bytes = 100 << 20;
  EXPECT_EQ(client_.run(start).result.code, 1);
  const auto found = replies(start);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[1].first, CallStatus::died);
  EXPECT_THAT(found[1].second, HasSubstr("100 MiB"));
  EXPECT_EQ(found[2].second, "b");
}

TEST_F(WardenCalls, StandardErrorIsTheBatchsInWhichItWasWritten) {
  const auto first = batch(0, {"say one"});
  const auto second = batch(1, {"say two"});
  client_.run(first);
  client_.run(second);
  EXPECT_EQ(warden_.stderr_of(first.task), "one");
  EXPECT_EQ(warden_.stderr_of(second.task), "two");
}

TEST_F(WardenCalls, AKernelKnowsItsJobAndNoTask) {
  auto start = batch(0, {"env BRAMBLE_JOB_ID", "env BRAMBLE_TASK_ID", "env PWD"});
  start.spec.env = {{"BRAMBLE_JOB_ID", "1"}, {"BRAMBLE_TASK_ID", "0"}};
  client_.run(start);
  EXPECT_THAT(good_replies(start), ElementsAre("1", "(none)", dir_ / "state/kernels/0"));
}

TEST_F(WardenCalls, AShippedKernelIsFoundByItsName) {
  auto start = batch(0, {"b a b"});
  start.spec.argv = {"wordcount"};
  EXPECT_EQ(client_.run(start).result.code, 0);
  EXPECT_THAT(good_replies(start), ElementsAre("a\t1\nb\t2\n"));
}

TEST_F(WardenCalls, AnAgentThatGoesAwayInterruptsNoBatch) {
  const auto start = batch(0, {"say x", "crash once " + dir_ / "mark", "echo a"});
  auto again = start;
  again.spec.calls->retries = 1;
  client_.send(again);
  client_.expect<wire::WardenOutput>(start.task);
  client_ = warden_.connect();
  client_.send(wire::WardenHello{});
  while (true) {
    const auto report = client_.next();
    if (const auto* state = std::get_if<wire::WardenState>(&report); state != nullptr && !state->exited.empty()) break;
    if (std::holds_alternative<wire::WardenExited>(report)) break;
  }
  EXPECT_THAT(good_replies(start), ElementsAre("said", "not again", "a"));
}

TEST_F(WardenCalls, AWardenThatDiesTakesItsKernelsAlong) {
  const auto start = batch(0, {"pid"});
  client_.run(start);
  const pid_t kernel = pid_in(good_replies(start)[0]);
  warden_.kill();
  warden_.start();
  const WardenClient again = warden_.connect();  // it listens when what was before is dead
  EXPECT_FALSE(is_alive(kernel));
}

}  // namespace
}  // namespace bramble::test
