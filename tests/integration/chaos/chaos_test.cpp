// The bounded runs of the chaos. The long one is bramble-chaos (chaos_main.cpp).
#include "chaos.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <set>

namespace bramble::test::chaos {
namespace {

constexpr uint64_t kSeed = 931000;
constexpr int64_t kFaultMs = 12'000;
constexpr int64_t kLongestCutMs = 5'000;
constexpr int64_t kShortLeaseMs = 10'300;  // hardly longer than the shortest that is allowed

Report run_and_tell(const Options& options) {
  const Report report = run_chaos(options);
  std::cout << report.text;
  EXPECT_TRUE(report.good);
  return report;
}

// On a slow machine a fault may meet no run of a task at all: then the next seed has its turn, and at most three have.
Verdict run_until_hit(Options options, std::set<FaultKind> wanted) {
  for (int turn = 1;; ++turn, ++options.seed) {
    const Verdict verdict = run_and_tell(options).verdict;
    std::erase_if(wanted, [&](FaultKind kind) { return verdict.met.contains(kind) && verdict.met.at(kind) > 0; });
    if (wanted.empty() || turn == 3) {
      for (const FaultKind kind : wanted) ADD_FAILURE() << "hit nothing: " << to_string(kind);
      return verdict;
    }
  }
}

TEST(Chaos, ABoundedRunOfEveryFaultLosesAndDoublesNothing) {
  Options options;
  options.seed = kSeed;
  options.fault_ms = kFaultMs;
  options.longest_cut_ms = kLongestCutMs;
  options.work.usual_ms = 3'000;
  options.work.longest_ms = 6'000;
  options.patience.lease_ms = kShortLeaseMs;
  const Verdict verdict =
      run_until_hit(options, {FaultKind::power_lost, FaultKind::warden_killed, FaultKind::link_stalled});
  EXPECT_GT(verdict.succeeded, 5U);
}

// Each fault lasts longer than the limit after which the tasks of a silent node run elsewhere. The checker takes none
// of them for a cause; here there is not even a second attempt that never began.
TEST(Chaos, NoTaskGetsASecondAttemptByABrokerRestartAStalledDiskOrAStoppedAggregator) {
  Options options;
  options.agents = 2;
  options.fault_ms = 15'500;
  options.patience.silent_ms = 2'000;
  options.patience.loss_ms = 3'000;
  options.work.usual_ms = 3'000;
  options.work.long_percent = 0;
  options.work.policy = Policy::rerun;
  options.work.once_only = true;
  options.work.open_jobs = 5;
  options.only = {{FaultKind::disk_stalled, 0, 1'500, 5'000},
                  {FaultKind::aggregator_stopped, 0, 6'000, 9'500},
                  {FaultKind::broker_killed, 0, 10'500, 11'000},
                  {FaultKind::broker_emptied, 0, 12'000, 15'500}};
  std::set<FaultKind> planned;
  for (const PlannedFault& fault : options.only) planned.insert(fault.kind);
  const Verdict verdict = run_until_hit(options, planned);
  EXPECT_EQ(verdict.succeeded, verdict.tasks);
  EXPECT_EQ(verdict.runs, verdict.tasks);
  for (const auto& [end, number] : verdict.tries) {
    // Work that was sent ahead may be called back, and a launch may die with the broker's memory: neither ever began.
    const bool is_usual = end == "exited" || end == "recalled, never began" || end == "lost, never began";
    EXPECT_TRUE(is_usual) << number << " tries " << end;
  }
}

// Three nodes are full of tasks that would outlast their leases. One is cut off, of one the agent is stopped, of one
// the warden; all three come back after the leases' end, when the fourth may already run them again. The tasks' own
// lines tell whether two attempts of one ever lived at once.
TEST(Chaos, FenceTasksNeverLiveTwice) {
  Options options;
  options.agents = 4;
  options.fault_ms = 16'000;
  options.jobs = {.jobs = 4, .tasks = 4, .first_ms = 15'000, .again_ms = 400, .policy = Policy::fence};
  options.patience.lease_ms = kShortLeaseMs;
  options.only = {{FaultKind::link_cut, 0, 2'500, 16'000},
                  {FaultKind::agent_stopped, 1, 2'500, 16'000},
                  {FaultKind::warden_stopped, 2, 2'500, 16'000}};
  const Verdict verdict = run_and_tell(options).verdict;
  EXPECT_EQ(verdict.succeeded, verdict.tasks);
  for (const PlannedFault& fault : options.only) {
    const auto& all = verdict.handovers;
    const auto of_it = [&](const Handover& one) { return one.cause == to_string(fault.kind); };
    EXPECT_GE(std::count_if(all.begin(), all.end(), of_it), 2) << "ended no lease: " << to_string(fault.kind);
    for (const Handover& one : all) EXPECT_GT(one.gap_ns, 0) << one.cause;
  }
}

TEST(ChaosPlan, OfTheBoundedRunHasEveryKindOfFault) {
  std::set<FaultKind> kinds;
  for (const PlannedFault& fault : make_plan(kSeed, {3, kFaultMs, kLongestCutMs, true})) kinds.insert(fault.kind);
  kinds.insert({FaultKind::disk_stalled, FaultKind::machine_stalled});  // part of a slow disk; nobody's plan
  EXPECT_EQ(kinds.size(), static_cast<size_t>(kFaultKinds));
}

TEST(ChaosPlan, FollowsFromItsSeedAndBreaksOnePartOnceAtATime) {
  const PlanLimits limits{4, 600'000, 60'000, true};
  const auto plan = make_plan(7, limits);
  const auto again = make_plan(7, limits);
  ASSERT_EQ(plan.size(), again.size());
  EXPECT_GT(plan.size(), 100U);
  for (size_t i = 0; i < plan.size(); ++i) {
    EXPECT_EQ(to_string(plan[i]), to_string(again[i]));
    EXPECT_LE(plan[i].end_ms, limits.total_ms);
    for (size_t j = 0; j < i; ++j) {
      const bool same_part =
          plan[i].kind == plan[j].kind && (plan[i].node == plan[j].node || !is_of_a_node(plan[i].kind));
      EXPECT_FALSE(same_part && plan[j].end_ms > plan[i].begin_ms) << to_string(plan[i]) << ", " << to_string(plan[j]);
    }
  }
}

}  // namespace
}  // namespace bramble::test::chaos
