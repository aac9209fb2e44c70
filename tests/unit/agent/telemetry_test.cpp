// Readings through the agent's reactor: power, energy, shares, and what is kept while nobody hears.
#include <gtest/gtest.h>

#include "support/agent_harness.hpp"

namespace bramble::agent::testing {
namespace {

using wire::NodeTopic;

Config config() {
  Config made = test_config();
  made.power = {2, 6};
  made.cpu_cores = 2;
  made.telemetry_ms = 1000;
  made.beat_ms = 1000;
  return made;
}

struct Node : AgentHarness {
  Node() : AgentHarness(config()) {}

  // A second passes: beats are answered, and the reading that is due comes.
  std::vector<wire::Telemetry> second(Reading reading) {
    advance(980);
    asked_for_usage = !take_warden<wire::WardenAskUsage>().empty();
    return rest_of_second(std::move(reading));
  }
  std::vector<wire::Telemetry> rest_of_second(Reading reading) {
    advance(20);
    EXPECT_TRUE(std::exchange(read_sensors, false));
    reading.taken = now.mono;
    step([&](Effects& effects) { on_reading(state, effects, now, std::move(reading)); });
    answer_beats();
    return take<wire::Telemetry>(NodeTopic::telemetry);
  }
  void answer_beats() {
    for (const wire::Beat& beat : take<wire::Beat>(NodeTopic::beat)) {
      if (!answers || beat.session == 0) continue;
      wire::TasksMessage message;
      message.echo = wire::Echo{beat.number, beat.sent_ms};
      tasks(message);
    }
  }
  wire::Finished end(const AttemptKey& id, int64_t duration_ms, int64_t cpu_ms) {
    wire::WardenExited report = exited(id);
    report.result.duration_ms = duration_ms;
    report.result.cpu_ms = cpu_ms;
    this->report(report);
    const auto events = take_events();
    EXPECT_EQ(events.size(), 1U);
    return events.empty() ? wire::Finished{} : *events[0].finished;
  }

  bool answers = true;
  bool asked_for_usage = false;
};

Reading busy(double ratio, double busy_cpu_s) {
  Reading reading;
  reading.values = {{"cpu_busy_ratio", ratio}};
  reading.busy_cpu_s = busy_cpu_s;
  return reading;
}

Reading metered(double power_w) {
  Reading reading = busy(0.5, 1);
  reading.power_w = power_w;
  return reading;
}

TEST(AgentTelemetry, ModelsPowerAndCountsJoules) {
  Node h;
  h.make_ready();
  h.second(busy(0, 0));
  const auto sent = h.second(busy(0.5, 1));
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_FALSE(sent[0].power_measured);
  EXPECT_EQ(sent[0].run, 1U);
  EXPECT_EQ(sent[0].age_ms, 0);
  EXPECT_DOUBLE_EQ(sent[0].values.at("power_w"), 4);
  EXPECT_DOUBLE_EQ(sent[0].values.at("energy_j"), 4);
  EXPECT_DOUBLE_EQ(sent[0].values.at("energy_measured_j"), 0);
  EXPECT_DOUBLE_EQ(sent[0].values.at("energy_unattributed_j"), 4);
}

TEST(AgentTelemetry, TellsWhichSensorsFailInASentenceOfLimitedLength) {
  Node h;
  h.make_ready();
  Reading failing = busy(0.5, 1);
  failing.trouble = "drop-ins: " + std::string(1000, 'x');
  const auto sent = h.second(std::move(failing));
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].trouble, "drop-ins: " + std::string(wire::kMaxTroubleBytes - 10, 'x'));
  EXPECT_EQ(h.second(busy(0.5, 1)).at(0).trouble, "");
}

TEST(AgentTelemetry, PrefersAMeter) {
  Node h;
  h.make_ready();
  h.second(metered(3));
  const auto sent = h.second(metered(5));
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_TRUE(sent[0].power_measured);
  EXPECT_DOUBLE_EQ(sent[0].values.at("power_w"), 5);
  EXPECT_DOUBLE_EQ(sent[0].values.at("energy_measured_j"), 4);
}

TEST(AgentTelemetry, SaysNothingOfPowerThatItCannotKnow) {
  Node h;
  h.make_ready();
  const auto sent = h.second({});
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_FALSE(sent[0].values.contains("power_w"));
  EXPECT_FALSE(sent[0].values.contains("energy_j"));
}

TEST(AgentTelemetry, AddsNothingForATimeThatWasSleptThrough) {
  Node h;
  h.make_ready();
  h.second(busy(1, 2));
  h.second(busy(1, 2));
  h.advance(3'600'000);
  h.read_sensors = false;
  h.answer_beats();
  h.take<wire::Telemetry>(NodeTopic::telemetry);
  Reading late = busy(1, 2);
  late.taken = h.now.mono;
  h.step([&](Effects& effects) { on_reading(h.state, effects, h.now, late); });
  h.answer_beats();
  EXPECT_DOUBLE_EQ(h.take<wire::Telemetry>(NodeTopic::telemetry).at(0).values.at("energy_j"), 6);
  h.take_log();
}

TEST(AgentTelemetry, ChargesARunningTaskAndTellsWhenItEnds) {
  Node h;
  h.make_ready();
  h.second(busy(0, 0));
  h.run({1, 0, 1});
  h.advance(980);
  ASSERT_EQ(h.take_warden<wire::WardenAskUsage>().size(), 1U) << "asked shortly before the reading";
  h.report(wire::WardenUsage{{kStore, {1, 0, 1}}, 900'000});
  const auto sent = h.rest_of_second(busy(0.5, 1));  // 4 J: 2 idle, 2 above
  const double share_j = 2.0 / 2 + 2.0 * 0.9;
  EXPECT_NEAR(sent.at(0).values.at("energy_unattributed_j"), 4 - share_j,
              0.02);  // it began a moment after the interval
  const wire::Finished finished = h.end({1, 0, 1}, 1000, 900);
  EXPECT_NEAR(finished.energy_j, share_j, 0.02);
  EXPECT_EQ(finished.energy_measured_j, 0);
}

TEST(AgentTelemetry, TellsWhatAShortTaskCostWithoutWaiting) {
  Node h;
  h.make_ready();
  h.second(busy(0, 0));
  double ended_j = 0;
  for (uint32_t task = 0; task < 50; ++task) {
    h.launch({{2, task, 1}});
    h.take_warden<wire::WardenStart>();
    h.take_events();
    h.advance(3);
    const wire::Finished finished = h.end({2, task, 1}, 3, 3);
    EXPECT_GT(finished.energy_j, 0);
    ended_j += finished.energy_j;
    wire::TasksMessage done;
    done.done = {{2, task, 1}};
    h.tasks(done);
  }
  h.advance(200);
  h.take_warden<wire::WardenForget>();
  h.read_sensors = false;
  Reading reading = busy(0.2, 0.15);
  reading.taken = h.now.mono;
  h.step([&](Effects& effects) { on_reading(h.state, effects, h.now, reading); });
  h.answer_beats();
  const auto sent = h.take<wire::Telemetry>(NodeTopic::telemetry);
  EXPECT_NEAR(sent.at(0).values.at("energy_j"), ended_j + sent.at(0).values.at("energy_unattributed_j"), 1e-9);
  EXPECT_NEAR(ended_j, 50 * 0.003 * (2.0 + 2.0 / 2), 0.01);  // (6 - 2) W / 2 cores, and half the idle watts
}

TEST(AgentTelemetry, AddsUpOverManyTasksMeteredAndNot) {
  Node h;
  h.make_ready();
  h.second(busy(0, 0));
  double ended_j = 0, ended_measured_j = 0;
  std::map<std::string, double> last;
  for (uint32_t round = 0; round < 40; ++round) {
    h.run({3, round, 1});
    h.advance(980);
    h.take_warden<wire::WardenAskUsage>();
    h.report(wire::WardenUsage{{kStore, {3, round, 1}}, 10'000 * (round % 90)});
    const auto sent = h.rest_of_second(round % 3 == 0 ? metered(3 + round % 5) : busy(0.01 * round, 0.02 * round));
    const wire::Finished finished = h.end({3, round, 1}, 1000 + round, 10 * (round % 90) + 5);
    ended_j += finished.energy_j;
    ended_measured_j += finished.energy_measured_j;
    wire::TasksMessage done;
    done.done = {{3, round, 1}};
    h.tasks(done);
    h.second({});
    h.take_warden<wire::WardenForget>();
    last = h.second(busy(0, 0)).at(0).values;
    EXPECT_NEAR(last.at("energy_j"), ended_j + last.at("energy_unattributed_j"), 1e-3 * last.at("energy_j"));
  }
  EXPECT_NEAR(last.at("energy_j"), ended_j + last.at("energy_unattributed_j"), 1e-9 * last.at("energy_j"));
  EXPECT_GT(ended_measured_j, 0);
  EXPECT_LE(ended_measured_j, last.at("energy_measured_j"));
}

TEST(AgentTelemetry, DoesNotChargeAnAdoptedTaskForWhatItUsedBefore) {
  Node h;
  h.state.saved.store = kStore;
  h.state.saved.term = 1;
  wire::WardenState list;
  list.running = {AgentHarness::started({4, 0, 1})};
  h.connect_warden(list);
  h.connect_broker();
  h.tasks(h.welcome_message());
  h.take<wire::Inventory>(NodeTopic::inventory);
  h.take_events();
  h.second(busy(0, 0));
  h.take_log();
  h.report(wire::WardenUsage{{kStore, {4, 0, 1}}, 3'600'000'000});
  h.second(busy(0.5, 1));
  h.take_events();
  EXPECT_LT(h.end({4, 0, 1}, 3'600'000, 3'600'001).energy_j, 4);
}

TEST(AgentTelemetry, CarriesWhatItHasChargedOverARegularEnd) {
  Saved saved;
  {
    Node h;
    h.make_ready();
    h.second(busy(0, 0));
    h.run({4, 0, 1});
    h.run({4, 1, 1});
    h.second(busy(0.5, 1));
    h.step([&](Effects& effects) {
      stop(h.state, effects, h.now);
      ASSERT_TRUE(effects.save);
      saved = *effects.save;
    });
    h.take<wire::NodeStatus>(NodeTopic::status);
    EXPECT_TRUE(std::exchange(h.disconnect, false));
  }
  ASSERT_EQ(saved.charged.size(), 2U);
  const double before_j = saved.charged.at({4, 0, 1}).total;
  EXPECT_GT(before_j, 0);
  AgentHarness h(config(), saved);
  wire::WardenState list;
  list.running = {AgentHarness::started({4, 0, 1})};
  list.exited = {AgentHarness::exited({4, 1, 1})};  // ended while no agent was there
  h.connect_warden(list);
  EXPECT_DOUBLE_EQ(h.state.tasks.held.at({4, 0, 1}).energy.joules.total, before_j);
  EXPECT_DOUBLE_EQ(h.state.tasks.held.at({4, 1, 1}).result->energy_j, saved.charged.at({4, 1, 1}).total);
  EXPECT_TRUE(h.state.saved.charged.empty());
}

TEST(AgentTelemetry, AsksForNoUsageWhereNothingRuns) {
  Node h;
  h.make_ready();
  h.second(busy(0, 0));
  EXPECT_FALSE(h.asked_for_usage);
}

TEST(AgentTelemetry, TakesTheCalibrationThatAWelcomeBringsAndKeepsIt) {
  Node h;
  h.make_ready();
  h.second(busy(0, 0));
  wire::TasksMessage welcome = h.welcome_message(8);
  welcome.welcome->power = wire::PowerModel{1, 3};
  h.tasks(welcome);
  h.take<wire::Inventory>(NodeTopic::inventory);
  EXPECT_EQ(h.state.saved.power, (wire::PowerModel{1, 3}));
  EXPECT_EQ(h.take_log(), std::vector<std::string>{"calibrated by the aggregator: 1.0 W idle, 3.0 W busy"});
  EXPECT_DOUBLE_EQ(h.second(busy(0.5, 1)).at(0).values.at("power_w"), 2);
  h.tasks(h.welcome_message(9));  // taken back
  h.take<wire::Inventory>(NodeTopic::inventory);
  EXPECT_FALSE(h.state.saved.power);
  EXPECT_EQ(h.take_log(), std::vector<std::string>{"calibration taken back: 2.0 W idle, 6.0 W busy"});
  EXPECT_DOUBLE_EQ(h.second(busy(0.5, 1)).at(0).values.at("power_w"), 4);
}

TEST(AgentTelemetry, KeepsReadingsWhileCutOffAndSendsThemWithTheirAge) {
  Node h;
  h.make_ready();
  h.second(busy(0, 0));
  h.disconnected();
  h.take_log();
  h.state.link.retry_at.reset();
  for (int s = 0; s < 100; ++s) {
    h.state.link.retry_at.reset();
    EXPECT_TRUE(h.second(busy(0.5, 1)).empty());
  }
  h.state.link.retry_at = h.now.mono;
  h.connect_broker();
  EXPECT_TRUE(h.take<wire::Telemetry>(NodeTopic::telemetry).empty()) << "not before a welcome";
  h.tasks(h.welcome_message(8));
  h.take<wire::Inventory>(NodeTopic::inventory);
  const auto log = h.take_log();
  ASSERT_FALSE(log.empty());
  EXPECT_NE(log.back().find("sends the 10 readings kept meanwhile, one in 10 s; so far 90 were dropped"),
            std::string::npos)
      << log.back();
  std::vector<wire::Telemetry> late = h.take<wire::Telemetry>(NodeTopic::telemetry);
  EXPECT_EQ(late.size(), 4U) << "paced";
  for (int i = 0; i < 5; ++i) {
    h.advance(100);
    h.read_sensors = false;
    h.take<wire::Beat>(NodeTopic::beat);
    for (auto& each : h.take<wire::Telemetry>(NodeTopic::telemetry)) late.push_back(each);
  }
  ASSERT_EQ(late.size(), 10U);
  for (size_t i = 1; i < late.size(); ++i) {
    EXPECT_GT(late[i].number, late[i - 1].number);
    EXPECT_LT(late[i].age_ms, late[i - 1].age_ms);
  }
  EXPECT_NEAR(static_cast<double>(late[0].age_ms), 99'000, 1000);
  Reading live = busy(0.5, 1);
  live.taken = h.now.mono;
  h.step([&](Effects& effects) { on_reading(h.state, effects, h.now, live); });
  const auto sent = h.take<wire::Telemetry>(NodeTopic::telemetry);
  EXPECT_EQ(sent.at(0).age_ms, 0);
  EXPECT_EQ(sent.at(0).number, 102U);
  EXPECT_EQ(sent.at(0).values.at("readings_dropped"), 90);
}

// The broker is there and the aggregator is not: what is published goes nowhere.
TEST(AgentTelemetry, KeepsReadingsWhileNoBeatIsAnswered) {
  Node h;
  h.make_ready();
  h.second(busy(0, 0));
  h.answers = false;
  for (int s = 0; s < 30; ++s) EXPECT_EQ(h.second(busy(0.5, 1)).size(), 1U) << "others may read along";
  EXPECT_EQ(h.state.telemetry.backlog.size(), 3U);
  h.answers = true;
  const auto sent = h.second(busy(0.5, 1));
  ASSERT_EQ(sent.size(), 4U);
  EXPECT_EQ(sent[0].age_ms, 0);
  EXPECT_GT(sent[1].age_ms, sent[3].age_ms);
  EXPECT_TRUE(h.state.telemetry.backlog.empty());
  h.take_log();
}

Reading with_findings(std::vector<wire::Finding> findings) {
  Reading reading = busy(0.5, 1);
  reading.findings = std::make_shared<const std::vector<wire::Finding>>(std::move(findings));
  return reading;
}

TEST(Checkup, IsSaidOnceInASessionAndAgainWhenItChanges) {
  Node h;
  h.make_ready();
  const wire::Finding unfed{"watchdog", wire::FindingState::warning, "nobody feeds it"};
  h.second(with_findings({unfed}));
  const auto said = h.take<wire::Checkup>(NodeTopic::checkup);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].session, h.state.session.id);
  EXPECT_EQ(said[0].findings, std::vector{unfed});
  h.second(with_findings({unfed}));
  h.second(busy(0.5, 1));
  EXPECT_TRUE(h.take<wire::Checkup>(NodeTopic::checkup).empty());
  h.second(with_findings({}));
  ASSERT_EQ(h.take<wire::Checkup>(NodeTopic::checkup).size(), 1U);
}

TEST(Checkup, AWardenThatIsAwayIsAFindingUntilItIsBack) {
  Node h;
  h.make_ready();
  h.second(with_findings({}));
  h.take<wire::Checkup>(NodeTopic::checkup);
  h.step([&](Effects& effects) { on_warden_lost(h.state, effects, h.now, "it was killed"); });
  h.second(busy(0.5, 1));
  const auto without = h.take<wire::Checkup>(NodeTopic::checkup);
  ASSERT_EQ(without.size(), 1U);
  ASSERT_EQ(without[0].findings.size(), 1U);
  EXPECT_EQ(without[0].findings[0].check, "warden");
  EXPECT_EQ(without[0].findings[0].state, wire::FindingState::problem);
  h.connect_warden();
  h.second(busy(0.5, 1));
  const auto with = h.take<wire::Checkup>(NodeTopic::checkup);
  ASSERT_EQ(with.size(), 1U);
  EXPECT_TRUE(with[0].findings.empty());
  h.take_log();
}

TEST(Checkup, IsSaidAgainInANewSession) {
  Node h;
  h.make_ready();
  h.second(with_findings({}));
  EXPECT_EQ(h.take<wire::Checkup>(NodeTopic::checkup).size(), 1U);
  h.tasks(h.welcome_message(9));
  h.take<wire::Inventory>(NodeTopic::inventory);
  h.second(busy(0.5, 1));
  const auto said = h.take<wire::Checkup>(NodeTopic::checkup);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].session, 9U);
}

}  // namespace
}  // namespace bramble::agent::testing
