#include "agent/core/energy.hpp"

#include <gtest/gtest.h>

#include <map>

#include "common/base/random.hpp"

namespace bramble::agent {
namespace {

constexpr wire::PowerModel kModel{2, 6};
constexpr uint32_t kCores = 4;

EnergyLedger ledger_settled_at(MonoTime time) {
  EnergyLedger ledger;
  ledger.set_model(kModel, kCores);
  ledger.settle({.end = time, .energy = {}, .power_w = 0, .measured = false, .busy_cpu_s = 0}, {});
  return ledger;
}

TEST(EnergyMeter, HoldsModelledWattsForTheWholeInterval) {
  EnergyMeter meter;
  EXPECT_EQ(meter.add({1000}, 2.0, false, 10'000), Joules{});  // nobody knows since when
  EXPECT_EQ(meter.add({3000}, 6.0, false, 10'000), (Joules{12, 0}));
}

TEST(EnergyMeter, JoinsMeasuredWattsByTrapezoids) {
  EnergyMeter meter;
  meter.add({1000}, 2.0, true, 10'000);
  EXPECT_EQ(meter.add({3000}, 6.0, true, 10'000), (Joules{8, 8}));
}

TEST(EnergyMeter, CountsEachIntervalAsWhatItsReadingIs) {
  EnergyMeter meter;
  meter.add({1000}, 2.0, true, 10'000);
  EXPECT_EQ(meter.add({2000}, 6.0, false, 10'000), (Joules{6, 0}));
  EXPECT_EQ(meter.add({3000}, 4.0, true, 10'000), (Joules{4, 4}));
}

TEST(EnergyMeter, DoesNotJoinWhatLiesTooFarApart) {
  EnergyMeter meter;
  meter.add({1000}, 5.0, false, 10'000);
  EXPECT_EQ(meter.add({11'001}, 5.0, false, 10'000), Joules{});  // suspended: what was drawn is not known
  EXPECT_EQ(meter.add({12'001}, 5.0, false, 10'000), (Joules{5, 0}));
  EXPECT_EQ(meter.add({12'001}, 5.0, false, 10'000), Joules{});
}

TEST(EnergyMeter, CountsFromAReadingWithoutPower) {
  EnergyMeter meter;
  meter.add({1000}, std::nullopt, false, 10'000);
  EXPECT_EQ(meter.add({2000}, 3.0, false, 10'000), (Joules{3, 0}));
}

TEST(EnergyLedger, SharesIdleByCoresAndTheRestByCpuTime) {
  EnergyLedger ledger = ledger_settled_at({1000});
  AttemptEnergy one{.since = {1000}, .cpu_s = 1.0}, two{.since = {1500}, .cpu_s = 0.5};
  // 1 s, 4 J: 2 idle, 2 above; the node's cores worked for 2 s, of which 0.5 s nobody's.
  ledger.settle({.end = {2000}, .energy = {4, 4}, .power_w = 4, .measured = true, .busy_cpu_s = 2},
                {{&one, 1}, {&two, 2}});
  EXPECT_DOUBLE_EQ(one.joules.total, 2.0 * 1 / 4 + 2.0 * 1.0 / 2);
  EXPECT_DOUBLE_EQ(two.joules.total, 2.0 * 0.5 * 2 / 4 + 2.0 * 0.5 / 2);
  EXPECT_DOUBLE_EQ(one.joules.measured, one.joules.total);
  EXPECT_DOUBLE_EQ(ledger.unattributed_j(), 4 - one.joules.total - two.joules.total);
}

TEST(EnergyLedger, GivesNobodyMoreThanThereIs) {
  EnergyLedger ledger = ledger_settled_at({1000});
  AttemptEnergy one{.since = {1000}, .cpu_s = 100};  // a clock of ticks may run ahead of /proc/stat
  ledger.settle({.end = {2000}, .energy = {1, 0}, .power_w = 1, .measured = false, .busy_cpu_s = 1}, {{&one, 8}});
  EXPECT_DOUBLE_EQ(one.joules.total, 1);
  EXPECT_DOUBLE_EQ(ledger.unattributed_j(), 0);
}

TEST(EnergyLedger, LeavesAnIdleNodesJoulesUnattributed) {
  EnergyLedger ledger = ledger_settled_at({1000});
  ledger.settle({.end = {2000}, .energy = {2, 0}, .power_w = 2, .measured = false, .busy_cpu_s = 0}, {});
  EXPECT_DOUBLE_EQ(ledger.unattributed_j(), 2);
  EXPECT_DOUBLE_EQ(ledger.node().total, 2);
}

// In the model the price of a CPU second is always the same, so what a short task is paid is what it used.
TEST(EnergyLedger, PaysAShortTaskOutAtOnce) {
  EnergyLedger ledger = ledger_settled_at({1000});
  AttemptEnergy task;
  ledger.pay_out({1500}, task, 1, 3, 0.003);
  EXPECT_NEAR(task.joules.total, 2 * 0.003 / 4 + 1 * 0.003, 1e-9);  // (6 - 2) W / 4 cores
  EXPECT_EQ(task.joules.measured, 0);
  ledger.settle({.end = {2000}, .energy = {2.003, 0}, .power_w = 2, .measured = false, .busy_cpu_s = 0.003}, {});
  EXPECT_DOUBLE_EQ(ledger.node().total, 2.003);
  EXPECT_DOUBLE_EQ(ledger.unattributed_j() + task.joules.total, 2.003);
}

TEST(EnergyLedger, PaysForHowLongATaskRanThoughItIsSeenOnlyAtItsEnd) {
  EnergyLedger ledger = ledger_settled_at({1000});
  AttemptEnergy task{.since = {1500}};
  ledger.pay_out({1500}, task, 1, 40, 0);
  EXPECT_NEAR(task.joules.total, 2 * 0.040 / 4, 1e-9);
}

// The watts fell as soon as the task had ended: what it was paid stays, and is taken off the next interval.
TEST(EnergyLedger, BooksNoLessThanWasPaidOutAndMakesUpForIt) {
  EnergyLedger ledger = ledger_settled_at({1000});
  AttemptEnergy task;
  ledger.pay_out({1900}, task, 4, 900, 3.6);
  EXPECT_GT(task.joules.total, 4);
  ledger.settle({.end = {2000}, .energy = {1, 1}, .power_w = 1, .measured = true, .busy_cpu_s = 3.6}, {});
  EXPECT_DOUBLE_EQ(ledger.node().total, task.joules.total);
  EXPECT_DOUBLE_EQ(ledger.unattributed_j(), 0);
  for (int64_t end = 3000; end <= 10'000; end += 1000) {
    ledger.settle({.end = {end}, .energy = {1, 1}, .power_w = 1, .measured = true, .busy_cpu_s = 0}, {});
  }
  EXPECT_NEAR(ledger.node().total, 9, 1e-9);  // in the long run what the meter says
  EXPECT_NEAR(ledger.unattributed_j(), 9 - task.joules.total, 1e-9);
}

TEST(EnergyLedger, ChargesAnAdoptedAttemptOnlyForWhatItUsedSince) {
  EnergyLedger ledger = ledger_settled_at({1000});
  AttemptEnergy adopted{.since = {1000}, .cpu_s = 0, .charged_cpu_s = 0, .cpu_before_unknown = true};
  ledger.pay_out({1500}, adopted, 1, 3'600'000, 3000);
  EXPECT_NEAR(adopted.joules.total, 2 * 0.5 / 4, 1e-9);
}

// A node on which anything happens, and the books of somebody who looks on.
struct World {
  explicit World(uint64_t seed) : random(seed) {}

  // Starts, ends and tasks so short that nobody saw them run.
  void some_tasks() {
    for (uint64_t i = random.below(20); i > 0; --i) {
      now += static_cast<int64_t>(random.below(60));
      if (random.chance(0.4)) {
        running[next++] = AttemptEnergy{.since = {now}};
      } else if (random.chance(0.3)) {
        AttemptEnergy task;
        end(task, 1, 3, 0.003);
      } else if (!running.empty()) {
        AttemptEnergy task = running.begin()->second;
        running.erase(running.begin());
        const int64_t ran_ms = now - task.since.ms;
        end(task, 1 + static_cast<uint32_t>(random.below(4)), ran_ms, task.cpu_s + static_cast<double>(ran_ms) / 1000);
      }
    }
  }

  void end(AttemptEnergy& task, uint32_t cpus, int64_t ran_ms, double cpu_s) {
    ledger.pay_out({now}, task, cpus, ran_ms, cpu_s);
    ended.total += task.joules.total;
    ended.measured += task.joules.measured;
  }

  // The interval ends: with work that the ledger may not believe, metered or not, and at times without any power.
  void reading() {
    now += 1 + static_cast<int64_t>(random.below(500));
    std::vector<EnergyLedger::Running> list;
    double used_s = 0;
    for (auto& [number, task] : running) {
      const double more_s = static_cast<double>(random.below(1000)) / 1000;
      task.cpu_s += more_s;
      used_s += more_s;
      list.push_back({&task, 1 + static_cast<uint32_t>(random.below(3))});
    }
    const double joules = random.chance(0.1) ? 0 : static_cast<double>(random.below(1000)) / 100;
    const bool measured = random.chance(0.5);
    drawn_j += joules;
    ledger.settle({{now}, {joules, measured ? joules : 0}, joules, measured, used_s * random.unit()}, list);
  }

  Joules shares() const {
    Joules sum = ended;
    for (const auto& [number, task] : running) {
      sum.total += task.joules.total;
      sum.measured += task.joules.measured;
      EXPECT_LE(task.joules.measured, task.joules.total * (1 + 1e-9));
    }
    return sum;
  }

  Random random;
  EnergyLedger ledger = ledger_settled_at({1000});
  std::map<int, AttemptEnergy> running;
  Joules ended;
  double drawn_j = 0;
  int next = 0;
  int64_t now = 1000;
};

// Whatever comes, at every moment: the node's joules = the shares + what nobody got, and no counter falls.
TEST(EnergyLedger, AddsUpAtEveryMoment) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    World world(seed);
    const EnergyLedger& ledger = world.ledger;
    double before_j = 0, before_unattributed_j = 0;
    for (int interval = 0; interval < 200; ++interval) {
      world.some_tasks();
      world.reading();
      const Joules shares = world.shares();
      ASSERT_NEAR(ledger.node().total, shares.total + ledger.unattributed_j(), 1e-9 * (1 + ledger.node().total));
      ASSERT_LE(shares.measured, ledger.node().measured + 1e-9);
      ASSERT_LE(ledger.node().measured, ledger.node().total * (1 + 1e-9));
      ASSERT_GE(ledger.node().total, before_j);
      ASSERT_GE(ledger.unattributed_j(), before_unattributed_j - 1e-12);
      ASSERT_GE(ledger.node().total, world.drawn_j - 1e-6);
      before_j = ledger.node().total;
      before_unattributed_j = ledger.unattributed_j();
    }
    // What was booked too early is made up for in quiet times.
    for (int i = 0; i < 200; ++i) world.ledger.settle({{world.now += 1000}, {10, 0}, 10, false, 0}, {});
    EXPECT_NEAR(ledger.node().total, world.drawn_j + 2000, 1e-6);
  }
}

}  // namespace
}  // namespace bramble::agent
