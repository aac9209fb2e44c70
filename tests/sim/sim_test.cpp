#include <gtest/gtest.h>

#include "faults.hpp"

namespace bramble::sim {
namespace {

std::string told(const Report& report, uint64_t seed) {
  std::string text;
  for (const auto& violation : report.violations) text += violation + "\n";
  return text + "again: bramble-sim --seeds 1 --seed " + std::to_string(seed);
}

bool is_found(Bug bug, uint64_t seeds) {
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    Options options;
    options.seed = seed;
    options.bug = bug;
    const auto report = run(options);
    if (report.violations.empty()) continue;
    std::printf("seed %llu finds it: %s\n", static_cast<unsigned long long>(seed), report.violations.front().c_str());
    return true;
  }
  return false;
}

TEST(Simulation, NoPromiseIsBrokenUnderAnyFault) {
  uint64_t attempts = 0;
  uint64_t commits = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Options options;
    options.seed = seed;
    const auto report = run(options);
    ASSERT_TRUE(report.violations.empty()) << told(report, seed);
    attempts += report.attempts_run;
    commits += report.tasks_committed;
  }
  EXPECT_GT(commits, 1000U);
  EXPECT_GT(attempts, commits / 2) << "and attempts really ran";
}

TEST(Simulation, TheSameSeedGivesTheSameLife) {
  Options options;
  options.seed = 7;
  const auto first = run(options);
  const auto second = run(options);
  EXPECT_EQ(first.steps, second.steps);
  EXPECT_EQ(first.attempts_run, second.attempts_run);
}

TEST(Simulation, FindsEffectsThatGoOutBeforeTheirCommit) { EXPECT_TRUE(is_found(Bug::effects_before_commit, 40)); }

TEST(Simulation, FindsAResultThatIsForgottenBeforeItWasAcknowledged) { EXPECT_TRUE(is_found(Bug::done_when_sent, 40)); }

}  // namespace
}  // namespace bramble::sim
