// The bounded runs of the chaos. The long one is bramble-chaos (chaos_main.cpp).
#include "chaos.hpp"

#include <gtest/gtest.h>

#include <iostream>

namespace bramble::test::chaos {
namespace {

constexpr uint64_t kSeed = 33;  // its plan has every kind of fault in its 20 s

// Broken only so far as nothing may run twice: the checker takes none of these faults for a cause.
void expect_none_doubled(std::vector<PlannedFault> faults) {
  Options options;
  options.agents = 2;
  options.fault_ms = 15'000;
  options.work.open_jobs = 6;
  options.only = std::move(faults);
  const Report report = run_chaos(options);
  std::cout << report.text;
  EXPECT_TRUE(report.good);
  EXPECT_GT(report.verdict.succeeded, 5U);
  EXPECT_EQ(report.verdict.doubled_with_cause, 0U) << "did the machine stall?";
}

TEST(Chaos, ABoundedRunLosesAndDoublesNothing) {
  const Report report = run_chaos({.seed = kSeed});
  std::cout << report.text;
  EXPECT_TRUE(report.good);
}

TEST(Chaos, NoTaskIsDoubledByABrokerRestart) {
  expect_none_doubled({{FaultKind::broker_killed, 0, 3'000, 3'500}, {FaultKind::broker_emptied, 0, 7'000, 13'000}});
}

TEST(Chaos, NoTaskIsDoubledByAStalledDisk) { expect_none_doubled({{FaultKind::disk_slow, 0, 2'000, 14'000}}); }

TEST(Chaos, NoTaskIsDoubledByAStoppedAggregator) {
  expect_none_doubled(
      {{FaultKind::aggregator_stopped, 0, 3'000, 5'000}, {FaultKind::aggregator_stopped, 0, 7'000, 14'000}});
}

// Both nodes are unheard for longer than a lease (20 s, and what is added to it) while they run tasks that take longer
// than what is left of it; both come back. The tasks' own lines tell whether two attempts of one ever lived at once.
TEST(Chaos, FenceTasksNeverLiveTwice) {
  Options options;
  options.fault_ms = 36'000;
  options.work = {26'000, 60, 3, Policy::fence};
  options.only = {{FaultKind::link_cut, 0, 6'000, 36'000}, {FaultKind::agent_stopped, 1, 6'000, 36'000}};
  const Report report = run_chaos(options);
  std::cout << report.text;
  EXPECT_TRUE(report.good);
  EXPECT_GT(report.verdict.succeeded, 5U);
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
