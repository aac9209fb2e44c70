// Questions about energy over the real databases: sums, resets, gaps, cuts, what is forgotten.
#include "metric_query_fixture.hpp"

namespace bramble::aggregator {
namespace {

class EnergyQueryTest : public MetricQueryTest {};

TEST_F(EnergyQueryTest, NodesSharesAndTheRestAddUp) {
  write_seconds("pi1", 0, 3600);
  write_seconds("pi2", 0, 3600);
  roll(3000);  // the last minutes are read from readings
  add_attempt(1, 1, "pi1", 60, 120, 90);
  add_attempt(2, 1, "pi2", 600, 1200, 1000);
  const auto by_node = energy(EnergyQuestion::By::node, 0, 3600);
  ASSERT_EQ(by_node.rows.size(), 2u);
  EXPECT_NEAR(by_node.rows[0].energy_j, 7198, 1e-6);
  EXPECT_NEAR(by_node.nodes.energy_j, 2 * 7198, 1e-6);
  EXPECT_NEAR(by_node.attempts.energy_j + by_node.unattributed_j, by_node.nodes.energy_j, 1e-6);
  EXPECT_NEAR(by_node.attempts.energy_j, 1090, 1e-6);
  const auto cluster = energy(EnergyQuestion::By::cluster, 0, 3600);
  EXPECT_EQ(cluster.rows.size(), 1u);
  commit(*jobs_, {RemoveTasks{1, 9}, RemoveJob{1}});
  const auto forgotten = energy(EnergyQuestion::By::cluster, 0, 3600);
  EXPECT_NEAR(forgotten.attempts.energy_j, 1090, 1e-6) << "forgotten work is no rest";
  EXPECT_NEAR(forgotten.unattributed_j, cluster.unattributed_j, 1e-6);
}

// Two attempts of one owner, in two hours; job 1 goes in two steps, the store is opened again between them.
TEST_F(EnergyQueryTest, TheEnergyOfForgottenJobsStaysItsOwners) {
  write_seconds("pi1", 0, 4 * 3600);
  roll(4 * 3600);
  add_attempt(1, 1, "pi1", 60, 120, 90);
  add_attempt(1, 2, "pi1", 3700, 3800, 200);
  add_attempt(1, 3, "pi1", 3700, 3900, 300);
  add_attempt(2, 1, "pi1", 600, 1200, 1000);
  const auto by_owner = energy(EnergyQuestion::By::owner, 0, 4 * 3600);
  ASSERT_EQ(by_owner.rows.size(), 1U);
  EXPECT_NEAR(by_owner.rows[0].energy_j, 1590, 1e-6);
  commit(*jobs_, {RemoveTasks{1, 2}});
  jobs_ = open_jobs(dir_ / "jobs.db");
  commit(*jobs_, {RemoveTasks{1, 9}, RemoveJob{1}});
  for (const auto& [from_s, to_s, owners_j] :
       {std::tuple{0, 4 * 3600, 1590.0}, std::tuple{0, 3600, 1090.0}, std::tuple{3600, 7200, 500.0}}) {
    const auto after = energy(EnergyQuestion::By::owner, from_s, to_s);
    ASSERT_EQ(after.rows.size(), 1U) << from_s;
    EXPECT_EQ(after.rows[0].name, "ada");
    EXPECT_NEAR(after.rows[0].energy_j, owners_j, 1e-6) << from_s;
    EXPECT_NEAR(after.attempts.energy_j, owners_j, 1e-6);
    EXPECT_NEAR(after.attempts.energy_j + after.unattributed_j, after.nodes.energy_j, 1e-6);
  }
  EXPECT_NEAR(energy(EnergyQuestion::By::owner, 0, 4200).attempts.energy_j, 1590, 1e-6) << "all ended before";
  const auto by_job = energy(EnergyQuestion::By::job, 0, 4 * 3600);
  ASSERT_EQ(by_job.rows.size(), 1U) << "job 2";
  EXPECT_NEAR(by_job.rows[0].energy_j, 1000, 1e-6);
  EXPECT_NEAR(by_job.attempts.energy_j, 1590, 1e-6) << "the rest is of other jobs";
}

// An agent that started again at second 1000 with its counter at 0, a node that was away from 2000 to 2600 with its
// counter going on, and an agent that was away so long that its new life's counter is above the old one's.
TEST_F(EnergyQueryTest, ResetsAndGapsLoseNothingAndCountNothingTwice) {
  std::vector<Reading> readings;
  double used_j = 0;  // what the node has really used since its first reading
  const auto add = [&](int64_t second, double energy_j, uint64_t run) {
    readings.push_back({.second = second, .energy_j = energy_j, .run = run, .unattributed_j = energy_j / 2});
  };
  for (int64_t second = 0; second < 1000; ++second) add(second, 500 + 3.0 * static_cast<double>(second), 1);
  used_j += 3.0 * 999;
  for (int64_t second = 1000; second < 2000; ++second) add(second, 3.0 * static_cast<double>(second - 999), 2);
  used_j += 3.0 * 1000;
  for (int64_t second = 2600; second < 3000; ++second) add(second, 3.0 * static_cast<double>(second - 999), 2);
  used_j += 3.0 * 1000;
  for (int64_t second = 9000; second < 9100; ++second) add(second, 20'000 + static_cast<double>(second), 3);
  used_j += 20'000 + 9099;
  write(readings);
  add_attempt(1, 1, "pi1", 100, 200, 150);  // before, across and after the new life
  add_attempt(1, 2, "pi1", 950, 1050, 150);
  add_attempt(1, 3, "pi1", 1990, 2700, 1065);
  for (const int64_t rolled_s : {0, 1500, 2630, 9060, 10'800}) {
    roll(rolled_s);
    const auto answer = energy(EnergyQuestion::By::job, 0, 10'800);
    EXPECT_NEAR(answer.nodes.energy_j, used_j, used_j * 1e-6) << rolled_s;
    EXPECT_NEAR(answer.attempts.energy_j + answer.unattributed_j, answer.nodes.energy_j, used_j * 1e-9);
    EXPECT_NEAR(answer.told_unattributed_j, used_j / 2, used_j * 1e-6);
    double hours_j = 0;
    for (int64_t hour_s = 0; hour_s < 10'800; hour_s += 3600) {
      hours_j += energy(EnergyQuestion::By::node, hour_s, hour_s + 3600).nodes.energy_j;
    }
    EXPECT_NEAR(hours_j, used_j, used_j * 1e-6) << "the parts are the whole";
  }
}

// The head came up with an old clock: 30 s of the new life lie among the old one's readings, and some minutes after
// them.
TEST_F(EnergyQueryTest, TwoLivesWhoseReadingsInterleaveCountOnce) {
  std::vector<Reading> old_life;
  for (int64_t second = 0; second < 120; ++second) {
    old_life.push_back({.second = second, .energy_j = 7.8e6 + 5.0 * static_cast<double>(second), .run = 1});
  }
  write(old_life);
  roll(120);
  std::vector<Reading> new_life;
  for (int64_t i = 0; i < 300; ++i) {
    const int64_t second = i < 30 ? 80 + i : 600 + i;
    new_life.push_back({.second = second, .energy_j = 5.0 * static_cast<double>(i + 1), .run = 2});
  }
  write(new_life);
  const double both_j = 5.0 * (119 + 300);
  const auto by_node = [&] { return energy(EnergyQuestion::By::node, 0, 1200).nodes.energy_j; };
  const auto by_step = [&] { return points(question("energy_j", 0, 1200, 1200, Aggregate::increase)).at(0); };
  const auto by_readings = [&] {
    double sum_j = 0;
    for (const double step_j : points(question("energy_j", 0, 1170, 90, Aggregate::increase))) {
      sum_j += std::max(0.0, step_j);
    }
    return sum_j;
  };
  for (const int64_t rolled_s : {0, 120, 1200}) {
    roll(rolled_s);
    // What the old life used beside the new one is not counted.
    for (const double counted_j : {by_node(), by_step(), by_readings()}) {
      EXPECT_LE(counted_j, both_j) << rolled_s;
      EXPECT_GE(counted_j, both_j - 5.0 * 45) << rolled_s;
    }
  }
}

TEST_F(EnergyQueryTest, ANewLifeWhoseFirstReadingHasNoEnergyIsCounted) {
  write_seconds("pi1", 0, 300);
  ScaledRow first;
  first.node = "pi1";
  first.ts_us = kBeginMs * 1000 + 300 * kSecondUs;
  first.run = 9;
  first.number = 1;
  ASSERT_TRUE(table_->write({first}));
  std::vector<Reading> later;
  for (int64_t second = 301; second < 600; ++second) {
    later.push_back({.second = second, .energy_j = 2 * static_cast<double>(second - 300), .run = 9});
  }
  write(later);
  for (const int64_t rolled_s : {0, 300, 600}) {
    roll(rolled_s);
    EXPECT_NEAR(energy(EnergyQuestion::By::node, 0, 600).nodes.energy_j, 2 * 299 + 2 * 299, 1e-6) << rolled_s;
  }
}

TEST_F(EnergyQueryTest, AttemptsAreCutByTheTimeAskedFor) {
  write_seconds("pi1", 0, 3600);
  add_attempt(1, 1, "pi1", 0, 1200, 1200);
  double parts_j = 0;
  for (int64_t from_s = 0; from_s < 1800; from_s += 600) {
    parts_j += energy(EnergyQuestion::By::job, from_s, from_s + 600).attempts.energy_j;
  }
  EXPECT_NEAR(energy(EnergyQuestion::By::job, 600, 3600).attempts.energy_j, 600, 1e-6);
  EXPECT_NEAR(parts_j, 1200, 1e-6);
}

TEST_F(EnergyQueryTest, EnergyOfTimesWhoseMinutesAreGoneIsThatOfWholeHours) {
  write_seconds("pi1", 0, 4 * 3600);
  roll(4 * 3600);
  const int64_t cut_us = (kBeginMs + 2 * kHourMs) * 1000;
  while (table_->purge({cut_us, cut_us, 0}).value()) {
  }
  const auto answer = energy(EnergyQuestion::By::node, 1800, 4 * 3600);
  EXPECT_TRUE(answer.by_hours);
  EXPECT_EQ(answer.since_ms, kBeginMs);
  EXPECT_NEAR(answer.nodes.energy_j, 2 * (4 * 3600 - 1), 1e-6);
}

}  // namespace
}  // namespace bramble::aggregator
