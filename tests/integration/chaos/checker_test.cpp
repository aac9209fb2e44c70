// The checker itself: a sound history passes, and every kind of violation, planted into it, is found.
#include "checker.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace bramble::test::chaos {
namespace {

constexpr int64_t kSecond = 1000 * kNsPerMs;

Run run_of(uint64_t task, uint64_t attempt, const std::string& node, int64_t start_s, int64_t end_s,
           std::optional<int> code = 0) {
  const std::string nonce = "n" + std::to_string(task) + "." + std::to_string(attempt) + node;
  return {{1, task, attempt}, "store", node, 100, nonce, start_s * kSecond, end_s * kSecond, code};
}

TaskSeen success_of(const Run& run) {
  return {run.name.job, run.name.task, "succeeded", run.name.attempt, {run.node}, Output{run.name, run.nonce, true}};
}

// One job of two tasks. The first went well at once, the second was lost with node b's warden and ran again on a.
History sound(Policy policy = Policy::rerun) {
  History history;
  history.jobs = {{1, 2, policy, 0, false}};
  history.runs = {run_of(1, 1, "a", 10, 12), run_of(2, 1, "b", 10, 11, std::nullopt), run_of(2, 2, "a", 20, 22)};
  history.faults = {{FaultKind::warden_killed, "b", 11 * kSecond, 12 * kSecond}};
  history.at_end = {{1, "succeeded", {success_of(history.runs[0]), success_of(history.runs[2])}}};
  return history;
}

std::vector<Violation> found_in(const History& history) {
  std::vector<Violation> found;
  for (const Finding& finding : check(history).findings) found.push_back(finding.violation);
  return found;
}

using Found = std::vector<Violation>;

TEST(ChaosChecker, PassesASoundHistory) {
  const Verdict verdict = check(sound());
  EXPECT_TRUE(verdict.findings.empty()) << verdict.text();
  EXPECT_EQ(verdict.tasks, 2U);
  EXPECT_EQ(verdict.succeeded, 2U);
  EXPECT_EQ(verdict.doubled_with_cause, 1U);
}

TEST(ChaosChecker, FindsASuccessThatNoAttemptBears) {
  History history = sound();
  history.runs[0].exit_code.reset();
  EXPECT_EQ(found_in(history), Found{Violation::run_lost});
}

TEST(ChaosChecker, FindsASuccessWhoseCommittedAttemptIsNotTheOneThatEndedWell) {
  History history = sound();
  history.at_end[0].tasks[1].committed_attempt = 1;
  history.at_end[0].tasks[1].output = Output{{1, 2, 1}, history.runs[1].nonce, true};
  EXPECT_EQ(found_in(history), Found{Violation::run_lost});
}

TEST(ChaosChecker, FindsALostJobAndALostTask) {
  History history = sound();
  history.at_end.clear();
  EXPECT_EQ(found_in(history), Found{Violation::run_lost});
  history = sound();
  history.at_end[0].tasks.pop_back();
  EXPECT_EQ(found_in(history), Found{Violation::run_lost});
}

TEST(ChaosChecker, FindsASuccessWithoutItsOutput) {
  History history = sound();
  history.at_end[0].tasks[0].output.reset();
  EXPECT_EQ(found_in(history), Found{Violation::run_lost});
}

TEST(ChaosChecker, FindsWhatNeverEnds) {
  History history = sound();
  history.at_end[0].state = "running";
  history.at_end[0].tasks[1].state = "assigned";
  EXPECT_EQ(found_in(history), (Found{Violation::never_ended, Violation::never_ended}));
}

TEST(ChaosChecker, FindsTheOutputOfAnotherAttempt) {
  History history = sound();
  history.at_end[0].tasks[1].output = Output{{1, 2, 1}, history.runs[1].nonce, true};
  EXPECT_EQ(found_in(history), Found{Violation::commit_doubled});
}

TEST(ChaosChecker, FindsAResultThatChanges) {
  History history = sound();
  history.seen = history.at_end;
  history.runs.push_back(run_of(2, 3, "b", 24, 25));
  history.faults.push_back({FaultKind::warden_killed, "a", 22 * kSecond, 23 * kSecond});
  history.seen[0].tasks[1] = success_of(history.runs.back());
  EXPECT_EQ(found_in(history), (Found{Violation::commit_doubled, Violation::commit_doubled}));
}

TEST(ChaosChecker, FindsAFinalStateThatChanges) {
  History history = sound();
  history.seen = {{1, "failed", {}}};
  EXPECT_EQ(found_in(history), Found{Violation::commit_doubled});
  history.seen = {{1, "running", {{1, 1, "failed", 0, {"a"}, {}}}}};
  EXPECT_EQ(found_in(history), Found{Violation::commit_doubled});
  history.seen = {{1, "running", {{1, 1, "running", 0, {"a"}, {}}}}};
  EXPECT_EQ(found_in(history), Found{});
}

TEST(ChaosChecker, FindsAFinishedTaskThatIsOpenAgain) {
  History history = sound();
  history.seen = history.at_end;
  history.seen.push_back({1, "succeeded", {{1, 1, "running", 0, {"a"}, {}}}});
  EXPECT_EQ(found_in(history), Found{Violation::commit_doubled});
}

TEST(ChaosChecker, FindsResultsInTheWrongPlaceAndDamagedOnes) {
  History history = sound();
  history.at_end[0].tasks[0].output = history.at_end[0].tasks[1].output;
  EXPECT_EQ(found_in(history), Found{Violation::wrong_result});
  history = sound();
  history.at_end[0].tasks[0].output->whole = false;
  EXPECT_EQ(found_in(history), Found{Violation::wrong_result});
  history = sound();
  history.at_end[0].tasks[0].output->nonce = "of nobody";
  EXPECT_EQ(found_in(history), Found{Violation::wrong_result});
}

// --- runs doubled ---

bool is_cause(const Fault& fault) {
  History history = sound();
  history.faults = {fault};
  return found_in(history).empty();
}

TEST(ChaosChecker, FindsARunThatWasDoubledWithoutCause) {
  History history = sound();
  history.faults.clear();
  EXPECT_EQ(found_in(history), Found{Violation::run_doubled});
}

TEST(ChaosChecker, TakesALongOutageForACauseAndNotAShortOne) {
  for (const FaultKind kind : {FaultKind::agent_killed, FaultKind::agent_stopped, FaultKind::link_cut,
                               FaultKind::link_stalled, FaultKind::machine_stalled}) {
    EXPECT_TRUE(is_cause({kind, "b", 12 * kSecond, 18 * kSecond})) << to_string(kind);
    EXPECT_FALSE(is_cause({kind, "b", 12 * kSecond, 14 * kSecond})) << to_string(kind);
  }
}

TEST(ChaosChecker, TakesNoFaultOfBrokerHeadDiskOrStoppedWardenForACause) {
  for (const FaultKind kind : {FaultKind::aggregator_killed, FaultKind::aggregator_stopped, FaultKind::head_link_cut,
                               FaultKind::broker_killed, FaultKind::broker_stopped, FaultKind::broker_emptied,
                               FaultKind::disk_full, FaultKind::disk_slow, FaultKind::disk_stalled}) {
    EXPECT_FALSE(is_cause({kind, "", 11 * kSecond, 19 * kSecond})) << to_string(kind);
  }
  EXPECT_FALSE(is_cause({FaultKind::warden_stopped, "b", 11 * kSecond, 19 * kSecond}));
}

TEST(ChaosChecker, TakesNoFaultOfAnotherNodeOrAnotherTimeForACause) {
  EXPECT_FALSE(is_cause({FaultKind::warden_killed, "c", 11 * kSecond, 12 * kSecond}));
  EXPECT_FALSE(is_cause({FaultKind::warden_killed, "b", 1 * kSecond, 2 * kSecond}));
  EXPECT_FALSE(is_cause({FaultKind::warden_killed, "b", 21 * kSecond, 22 * kSecond}));
}

TEST(ChaosChecker, TakesALateStartOnANodeThatWasCutOffForWhatItIs) {
  History history = sound();
  history.runs[1] = run_of(2, 1, "b", 21, 22, std::nullopt);
  history.faults = {{FaultKind::link_cut, "b", 12 * kSecond, 25 * kSecond}};
  EXPECT_EQ(found_in(history), Found{});
  history.faults[0].node = "a";
  EXPECT_EQ(found_in(history), Found{Violation::run_doubled});
}

TEST(ChaosChecker, TakesALossOfPowerForACauseHoweverShort) {
  EXPECT_TRUE(is_cause({FaultKind::power_lost, "b", 11 * kSecond, 11 * kSecond + 300 * kNsPerMs}));
  EXPECT_FALSE(is_cause({FaultKind::power_lost, "a", 11 * kSecond, 12 * kSecond}));
}

TEST(ChaosChecker, TakesTheEndOfALeaseForACauseOfFenceOnly) {
  for (const FaultKind kind : {FaultKind::warden_stopped, FaultKind::aggregator_stopped, FaultKind::broker_killed}) {
    const std::string node = is_of_a_node(kind) ? "b" : "";
    History history = sound(Policy::fence);
    history.faults = {{kind, node, 1 * kSecond, 19 * kSecond}};
    EXPECT_EQ(found_in(history), Found{}) << to_string(kind);
    history.faults[0].begin_ns = 9 * kSecond;
    EXPECT_EQ(found_in(history), Found{Violation::run_doubled}) << to_string(kind) << " for less than a lease";
    history.lease_ms = 12'000;
    EXPECT_EQ(found_in(history), Found{}) << to_string(kind);
    history.jobs[0].policy = Policy::rerun;
    EXPECT_EQ(found_in(history), Found{Violation::run_doubled}) << to_string(kind) << ": others have no lease";
  }
}

TEST(ChaosChecker, JoinsWhatFollowsEachOtherToTheEndOfALease) {
  History history = sound(Policy::fence);
  history.faults = {{FaultKind::broker_killed, "", 2 * kSecond, 6 * kSecond},
                    {FaultKind::disk_full, "", 14 * kSecond, 18 * kSecond}};
  EXPECT_EQ(found_in(history), Found{}) << "the agent may not have tried again in between";
  history.faults[0].end_ns = 4 * kSecond;
  EXPECT_EQ(found_in(history), Found{Violation::run_doubled});
}

TEST(ChaosChecker, JoinsOutagesThatFollowEachOther) {
  History history = sound();
  history.faults = {{FaultKind::link_cut, "b", 12 * kSecond, 14 * kSecond},
                    {FaultKind::agent_killed, "b", 15 * kSecond, 16 * kSecond}};
  EXPECT_EQ(found_in(history), Found{});
  history.faults[1] = {FaultKind::broker_killed, "", 13 * kSecond, 16 * kSecond};
  EXPECT_EQ(found_in(history), Found{Violation::run_doubled}) << "nobody counts silence without a broker";
  history.faults[1] = {FaultKind::agent_killed, "b", 17 * kSecond, 18 * kSecond};
  EXPECT_EQ(found_in(history), Found{Violation::run_doubled});
}

TEST(ChaosChecker, TakesARetryForACause) {
  History history = sound();
  history.faults.clear();
  history.runs[1].exit_code = 3;
  EXPECT_EQ(found_in(history), Found{Violation::run_doubled}) << "the job has no retries";
  history.jobs[0].retries = 1;
  EXPECT_EQ(found_in(history), Found{});
  history.runs[1].last_ns = 21 * kSecond;
  EXPECT_EQ(found_in(history), Found{Violation::run_doubled}) << "it had not ended when the second began";
}

TEST(ChaosChecker, FindsAnAttemptThatStartedTwice) {
  History history = sound();
  history.runs[2].name.attempt = 1;
  history.at_end[0].tasks[1] = success_of(history.runs[2]);
  EXPECT_EQ(found_in(history), Found{Violation::attempt_doubled});
}

TEST(ChaosChecker, FindsTwoLiveRunsOfAFenceTask) {
  History history = sound(Policy::fence);
  EXPECT_EQ(found_in(history), Found{});
  history.runs[1].last_ns = 21 * kSecond;
  EXPECT_EQ(found_in(history), Found{Violation::fence_overlap});
  history.jobs[0].policy = Policy::rerun;
  EXPECT_EQ(found_in(history), Found{}) << "only fence promises that";
}

TEST(ChaosChecker, SaysHowFarApartTheRunsOfAFenceTaskWere) {
  const Verdict verdict = check(sound(Policy::fence));
  ASSERT_EQ(verdict.handovers.size(), 1U);
  EXPECT_EQ(verdict.handovers[0].cause, "warden killed");
  EXPECT_EQ(verdict.handovers[0].gap_ns, 9 * kSecond);
  EXPECT_NE(verdict.text().find("at least 9.00 s"), std::string::npos) << verdict.text();
  EXPECT_TRUE(check(sound(Policy::rerun)).handovers.empty());
}

TEST(ChaosChecker, CountsTheRunsThatMetAFault) {
  History history = sound();
  history.faults.push_back({FaultKind::broker_killed, "", 11 * kSecond, 12 * kSecond});
  history.faults.push_back({FaultKind::agent_stopped, "a", 15 * kSecond, 16 * kSecond});
  const Verdict verdict = check(history);
  EXPECT_EQ(verdict.met.at(FaultKind::warden_killed), 1U);
  EXPECT_EQ(verdict.met.at(FaultKind::broker_killed), 2U);
  EXPECT_EQ(verdict.met.at(FaultKind::agent_stopped), 0U);
}

TEST(ChaosChecker, FindsAFailTaskThatRanAgain) {
  History history = sound(Policy::fail);
  EXPECT_EQ(found_in(history), Found{Violation::fail_ran_again});
  history.runs[1].exit_code = 3;
  history.jobs[0].retries = 1;
  EXPECT_EQ(found_in(history), Found{}) << "its own retries are its own";
}

// --- ends without cause ---

TEST(ChaosChecker, FindsAFailureWithoutCause) {
  History history = sound();
  history.at_end[0].state = "failed";
  history.at_end[0].tasks[0] = {1, 1, "failed", 1, {"a"}, {}};
  EXPECT_EQ(found_in(history), Found{Violation::ended_without_cause});
  history.runs[0].exit_code = 3;
  EXPECT_EQ(found_in(history), Found{});
  history.jobs[0].retries = 1;
  EXPECT_EQ(found_in(history), Found{Violation::ended_without_cause}) << "a retry was left";
}

TEST(ChaosChecker, ATaskUnderWhichThePowerWentThreeTimesMayFail) {
  History history = sound();
  history.runs = {history.runs[0]};
  history.faults.clear();
  for (int64_t i = 0; i < 3; ++i) {
    history.runs.push_back(run_of(2, static_cast<uint64_t>(i) + 1, "b", 10 + 10 * i, 11 + 10 * i, std::nullopt));
    history.faults.push_back({FaultKind::power_lost, "b", (11 + 10 * i) * kSecond, (12 + 10 * i) * kSecond});
  }
  history.at_end[0] = {1, "failed", {success_of(history.runs[0]), {1, 2, "failed", 3, {"b", "b", "b"}, {}}}};
  EXPECT_EQ(found_in(history), Found{});
  history.runs.pop_back();
  EXPECT_EQ(found_in(history), Found{Violation::ended_without_cause}) << "twice is not often enough";
}

TEST(ChaosChecker, ALostFailTaskMayFail) {
  History history = sound(Policy::fail);
  history.runs.pop_back();
  history.at_end[0] = {1, "failed", {success_of(history.runs[0]), {1, 2, "failed", 1, {"b"}, {}}}};
  EXPECT_EQ(found_in(history), Found{});
  history.faults.clear();
  EXPECT_EQ(found_in(history), Found{Violation::ended_without_cause});
}

TEST(ChaosChecker, FindsACancelThatNobodyAskedFor) {
  History history = sound();
  history.at_end[0] = {1, "cancelled", {{1, 1, "cancelled", 0, {}, {}}}};
  EXPECT_EQ(found_in(history), Found{Violation::ended_without_cause});
  history.jobs[0].cancel_asked = true;
  EXPECT_EQ(found_in(history), Found{});
}

// --- the diaries ---

TEST(ChaosDiary, IsReadLineByLine) {
  std::vector<chaos::Run> runs;
  EXPECT_TRUE(take_line("start s 4 2 1 n1 77 x 1000", runs));
  EXPECT_TRUE(take_line("start s 4 3 1 n1 78 y 1100", runs));
  EXPECT_TRUE(take_line("alive s 4 2 1 n1 77 x 1500", runs));
  EXPECT_TRUE(take_line("end s 4 3 1 n1 78 y 1600 3", runs));
  EXPECT_FALSE(take_line("end s 4 3 1 n1 78 z 1600 3", runs)) << "who never started cannot end";
  EXPECT_FALSE(take_line("torn", runs));
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].name, (AttemptName{4, 2, 1}));
  EXPECT_EQ(runs[0].last_ns, 1500);
  EXPECT_FALSE(runs[0].exit_code);
  EXPECT_EQ(runs[1].exit_code, 3);
}

}  // namespace
}  // namespace bramble::test::chaos
