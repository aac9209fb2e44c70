#include <gtest/gtest.h>

#include <algorithm>

#include "faults.hpp"

namespace bramble::sim {
namespace {

std::string told(const Report& report, uint64_t seed) {
  std::string text;
  for (const auto& violation : report.violations) text += violation + "\n";
  return text + "again: bramble-sim --seeds 1 --seed " + std::to_string(seed);
}

// What was said in an old session does harm only where much else was lost: then it is found soon.
Options world_of(Bug bug) {
  Options options;
  options.nodes = 4;
  options.bug = bug;
  options.files = 0;  // these find nothing in it, and only take longer to begin
  if (bug == Bug::old_session) {
    options.faults.message_lost = 0.1;
    options.bad_ms = 20'000;
  }
  // Only an echo that comes late tells the two apart.
  if (bug == Bug::lease_by_late_echo) options.faults.message_late = 0.3;
  // What has another cause hides what has none.
  if (bug == Bug::stall_is_silence) options.faults.broken_step = 0.08;
  options.power = bug == Bug::pressed_again || bug == Bug::started_together;
  if (options.power) options.bad_ms = 120'000;
  return options;
}

// The seed that found it when this was written, of those that take long to get there. A change of the simulator moves
// it, and then the search goes over all.
uint64_t likely_seed(Bug bug) {
  switch (bug) {
    case Bug::old_session:
      return 132;
    case Bug::lease_by_late_echo:
      return 97;
    case Bug::stall_is_silence:
      return 61;
    default:
      return 1;
  }
}

bool finds(Options options, uint64_t seed) {
  options.seed = seed;
  const auto report = run(options);
  if (report.violations.empty()) return false;
  std::printf("seed %llu finds it: %s\n", static_cast<unsigned long long>(seed), report.violations.front().c_str());
  return true;
}

bool is_found(Bug bug, uint64_t seeds) {
  const Options options = world_of(bug);
  if (finds(options, likely_seed(bug))) return true;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    if (finds(options, seed)) return true;
  }
  return false;
}

TEST(Simulation, NoPromiseIsBrokenUnderAnyFault) {
  uint64_t attempts = 0;
  uint64_t commits = 0;
  uint64_t leases_ended = 0;
  uint64_t restores = 0;
  for (uint64_t seed = 61; seed <= 120; ++seed) {
    Options options;
    options.seed = seed;
    const auto report = run(options);
    ASSERT_TRUE(report.violations.empty()) << told(report, seed);
    attempts += report.attempts_run;
    commits += report.tasks_committed;
    leases_ended += report.leases_ended;
    restores += report.restores;
  }
  EXPECT_GT(commits, 1000U);
  EXPECT_GT(attempts, commits / 2) << "and attempts really ran";
  EXPECT_GT(leases_ended, 0U) << "and the faults were such that leases ended";
  EXPECT_GT(restores, 0U) << "and backups were put back, and noticed";
}

TEST(Simulation, NoTaskBeginsWithoutItsInputsWhereSeveralNodesWantThemTogether) {
  InputChunks sum;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Options options;
    options.seed = seed;
    options.nodes = 5;
    options.files = 1;
    options.longest_pause_ms = 12'000;
    const auto report = run(options);
    ASSERT_TRUE(report.violations.empty()) << told(report, seed);
    sum.shared += report.input_chunks.shared;
    sum.alone += report.input_chunks.alone;
    sum.damaged += report.input_chunks.damaged;
  }
  EXPECT_GT(sum.shared, 200U) << "and chunks went out to all of them at once";
  EXPECT_GT(sum.alone, 200U) << "and to one that had missed some of it";
  EXPECT_GT(sum.damaged, 20U) << "and were not always what they should be";
}

TEST(Simulation, NoRuleOfPowerIsBrokenUnderAnyFault) {
  Report sum;
  for (uint64_t seed = 1; seed <= 15; ++seed) {
    Options options;
    options.seed = seed;
    options.nodes = 5;
    options.power = true;
    options.bad_ms = 180'000;
    const auto report = run(options);
    ASSERT_TRUE(report.violations.empty()) << told(report, seed);
    sum.power_starts += report.power_starts;
    sum.power_cuts += report.power_cuts;
    sum.power_presses += report.power_presses;
    sum.power_fenced += report.power_fenced;
    sum.power_faults += report.power_faults;
    sum.power_restarts += report.power_restarts;
  }
  EXPECT_GT(sum.power_starts, 50U);
  EXPECT_GT(sum.power_cuts, 50U);
  EXPECT_GT(sum.power_presses, 10U);
  EXPECT_GT(sum.power_fenced, 0U);
  EXPECT_GT(sum.power_faults, 0U);
  EXPECT_GT(sum.power_restarts, 10U) << "and the head died while something was being switched";
}

TEST(Simulation, TheSameSeedGivesTheSameLife) {
  Options options;
  options.seed = 7;
  const auto first = run(options);
  const auto second = run(options);
  EXPECT_EQ(first.steps, second.steps);
  EXPECT_EQ(first.attempts_run, second.attempts_run);
}

// A simulator that finds nothing shows nothing: each of these is found, or it is not good enough.
class PlantedBug : public ::testing::TestWithParam<std::pair<std::string_view, Bug>> {};

TEST_P(PlantedBug, IsFound) { EXPECT_TRUE(is_found(GetParam().second, 400)); }

INSTANTIATE_TEST_SUITE_P(Simulation, PlantedBug, ::testing::ValuesIn(kBugs), [](const auto& tested) {
  std::string name(tested.param.first);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace bramble::sim
