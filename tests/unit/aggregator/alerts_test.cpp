// When people are told that something is wrong, and when that it is over.
#include "aggregator/core/alerts.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "aggregator/core/metrics.hpp"
#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {
namespace {

using nlohmann::json;

AlertRule hot() { return {"hot", "temperature_celsius", true, 80, 75, 3000, {}}; }

class Alerts : public ::testing::Test {
 protected:
  void begin(std::vector<AlertRule> rules) {
    Config config;
    config.alerts = std::move(rules);
    state.emplace(config, [](const Snapshot&) { return std::vector<Placement>{}; });
    LoadedState loaded;
    loaded.store = kStore;
    loaded.term = 1;
    step([&](Effects& effects) { on_start(*state, effects, now, std::move(loaded)); });
    step([&](Effects& effects) { on_connected(*state, effects, now); });
    for (const char* node : {"pi1", "pi2"}) join(node);
    take();
  }

  template <typename Event>
  void step(Event event) {
    Effects effects;
    event(effects);
    on_batch_end(*state, effects, now);
    for (auto& notice : effects.alerts) notices.push_back(std::move(notice));
    for (auto& publish : effects.publish) {
      if (publish.topic.starts_with("bramble/bramble/alert/")) published.push_back(publish);
      if (!publish.topic.ends_with("/tasks")) continue;
      const auto message = wire::decode<wire::TasksMessage>(publish.payload);
      if (message && message->welcome) nonce = message->welcome->nonce;
    }
  }
  void hear(const std::string& node, const char* kind, const std::string& payload) {
    step([&](Effects& effects) {
      on_message(*state, effects, now, "bramble/bramble/node/" + node + "/" + kind, payload);
    });
  }
  void join(const std::string& node) {
    hear(node, "status", wire::encode(Harness::identity(node)));
    wire::Inventory inventory;
    inventory.store = state->store;
    inventory.session = session(node);
    inventory.nonce = nonce;
    hear(node, "inventory", wire::encode(inventory));
  }
  SessionId session(const std::string& node) { return state->nodes[state->node_by_name.at(node)].session; }
  void beat(const std::string& node) {
    wire::Beat message;
    message.session = session(node);
    hear(node, "beat", wire::encode(message));
  }
  void tell(const std::string& node, std::map<std::string, double> values) {
    wire::Telemetry reading;
    reading.number = ++readings;
    reading.values = std::move(values);
    hear(node, "telemetry", wire::encode(reading));
  }
  void pass(int64_t ms, const std::vector<std::string>& beating = {"pi1", "pi2"}) {
    for (int64_t passed = 0; passed < ms; passed += 500) {
      now.mono = now.mono + 500;
      for (const auto& node : beating) beat(node);
      step([&](Effects& effects) { on_tick(*state, effects, now); });
    }
  }
  std::vector<AlertNotice> take() {
    published.clear();
    return std::exchange(notices, {});
  }

  Now now{{100'000}, {1'700'000'000'000}};
  std::optional<State> state;
  uint64_t nonce = 0;
  uint64_t readings = 0;
  std::vector<AlertNotice> notices;
  std::vector<Publish> published;
};

TEST_F(Alerts, AreRaisedAfterTheirTimeBeyondTheLimitAndNotBefore) {
  begin({hot()});
  tell("pi1", {{"temperature_celsius", 81}});
  pass(2500);
  EXPECT_TRUE(take().empty());
  pass(2000);
  ASSERT_EQ(published.size(), 1U);
  EXPECT_EQ(published[0].topic, "bramble/bramble/alert/hot/pi1");
  EXPECT_TRUE(published[0].retained);
  EXPECT_EQ(json::parse(published[0].payload)["state"], "raised");
  const auto told = take();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(told[0].raised);
  EXPECT_EQ(told[0].value, 81);
  EXPECT_EQ(told[0].text, "alert hot of node pi1 is raised: temperature_celsius is 81 (limit 80)");
}

TEST_F(Alerts, ThatAreRaisedAreToldWithTheHealthAndTheMetrics) {
  begin({hot()});
  tell("pi1", {{"temperature_celsius", 81}});
  tell("pi2", {{"temperature_celsius", 50}});
  pass(5000);
  const json raised = json::parse(health_json(*state))["alerts"];
  ASSERT_EQ(raised.size(), 1U);
  EXPECT_EQ(raised[0]["alert"], "hot");
  EXPECT_EQ(raised[0]["node"], "pi1");
  EXPECT_EQ(raised[0]["text"], "alert hot of node pi1 is raised: temperature_celsius is 81 (limit 80)");
  const std::string metrics = metrics_text(*state, now);
  EXPECT_THAT(metrics, ::testing::HasSubstr("bramble_alert_raised{alert=\"hot\",node=\"pi1\"} 1\n"));
  EXPECT_THAT(metrics, ::testing::HasSubstr("bramble_alert_raised{alert=\"hot\",node=\"pi2\"} 0\n"));
}

TEST_F(Alerts, AMomentWithinTheLimitBeginsTheTimeAnew) {
  begin({hot()});
  tell("pi1", {{"temperature_celsius", 81}});
  pass(2500);
  tell("pi1", {{"temperature_celsius", 79}});
  pass(1000);
  tell("pi1", {{"temperature_celsius", 81}});
  pass(2500);
  EXPECT_TRUE(take().empty());
}

TEST_F(Alerts, AreClearedOnlyBelowTheLowerLimitSoThatNoneFlaps) {
  begin({hot()});
  tell("pi1", {{"temperature_celsius", 81}});
  pass(5000);
  take();
  tell("pi1", {{"temperature_celsius", 76}});
  pass(2000);
  EXPECT_TRUE(take().empty());
  tell("pi1", {{"temperature_celsius", 75}});
  pass(2000);
  const auto told = take();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_FALSE(told[0].raised);
}

TEST_F(Alerts, CanLookBelowALimit) {
  begin({{"cold", "temperature_celsius", false, 5, 7, 0, {}}});
  tell("pi1", {{"temperature_celsius", 6}});
  pass(1000);
  EXPECT_TRUE(take().empty());
  tell("pi1", {{"temperature_celsius", 4}});
  pass(1000);
  EXPECT_EQ(take().size(), 1U);
}

TEST_F(Alerts, ConcernOnlyTheNodesThatTheyName) {
  begin({{"hot", "temperature_celsius", true, 80, 75, 0, {"pi2"}}});
  tell("pi1", {{"temperature_celsius", 99}});
  tell("pi2", {{"temperature_celsius", 99}});
  pass(1000);
  const auto told = take();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].node, "pi2");
}

TEST_F(Alerts, TellOfANodeThatIsNotHeardAndThatItIsBack) {
  begin({{"away", "silence_s", true, 10, 10, 0, {}}});
  pass(15'000, {"pi1"});
  auto told = take();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].node, "pi2");
  pass(1500);
  told = take();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_FALSE(told[0].raised);
}

TEST_F(Alerts, DoNotTakeTheBrokersAbsenceForSilence) {
  begin({{"away", "silence_s", true, 10, 10, 0, {}}});
  step([&](Effects& effects) { on_disconnected(*state, effects, now, "gone"); });
  pass(20'000, {});
  step([&](Effects& effects) { on_connected(*state, effects, now); });
  pass(5000, {});
  EXPECT_TRUE(take().empty());
}

TEST_F(Alerts, OfANodeThatSaysGoodbyeAreCleared) {
  begin({hot()});
  tell("pi1", {{"temperature_celsius", 99}});
  pass(5000);
  take();
  auto goodbye = Harness::identity("pi1");
  goodbye.online = false;
  goodbye.reason = "goodbye";
  hear("pi1", "status", wire::encode(goodbye));
  pass(1000, {"pi2"});
  const auto told = take();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_FALSE(told[0].raised);
}

TEST_F(Alerts, KnowTheWattsOfAllNodesTogetherAndHowFullADiskIs) {
  begin({{"power", kClusterPower, true, 10, 9, 0, {}}, {"disk", "disk_used_ratio", true, 0.9, 0.8, 0, {}}});
  tell("pi1", {{"power_w", 6}, {"disk_free_bytes", 5}, {"disk_total_bytes", 100}});
  tell("pi2", {{"power_w", 6}});
  pass(1000);
  const auto told = take();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].node, "") << "of the whole cluster";
  EXPECT_EQ(told[0].value, 12);
  EXPECT_EQ(told[1].node, "pi1");
}

TEST_F(Alerts, SayNothingWhileItIsNotKnownWhetherWhatWasRaisedStillHolds) {
  begin({hot()});
  tell("pi1", {{"temperature_celsius", 81}});
  pass(1000);
  EXPECT_TRUE(published.empty()) << "an earlier run's word is retained";
  pass(4000);
  ASSERT_EQ(published.size(), 1U);
  EXPECT_EQ(json::parse(published[0].payload)["state"], "raised");
}

// What an earlier run has left at the broker comes back with the subscription.
TEST_F(Alerts, OfRulesAndNodesThatAreGoneAreClearedAtTheBroker) {
  begin({{"hot", "temperature_celsius", true, 80, 75, 0, {"pi1", "pi9"}}, {"watts", kClusterPower, true, 5, 5, 0, {}}});
  const std::string prefix = "bramble/bramble/alert/";
  for (const char* const kept : {"hot/pi1", "watts"}) {
    step([&](Effects& effects) { on_message(*state, effects, now, prefix + kept, "{}"); });
  }
  EXPECT_TRUE(published.empty());
  for (const char* const left_over : {"old/pi1", "hot/pi2", "hot/pi9", "hot", "watts/pi1", "x/y/z"}) {
    step([&](Effects& effects) { on_message(*state, effects, now, prefix + left_over, "{}"); });
    ASSERT_EQ(published.size(), 1U) << left_over;
    EXPECT_EQ(published[0].topic, prefix + left_over);
    EXPECT_TRUE(published[0].payload.empty() && published[0].retained);
    take();
    step([&](Effects& effects) { on_message(*state, effects, now, prefix + left_over, ""); });
    EXPECT_TRUE(published.empty()) << "that it is cleared comes back, too";
  }
  EXPECT_EQ(state->malformed_messages, 0U);
}

TEST_F(Alerts, OfAllNodesTogetherAreClearedWhenNoneIsLeft) {
  begin({{"watts", kClusterPower, true, 5, 5, 0, {}}});
  tell("pi1", {{"power_w", 6}});
  pass(2000);
  ASSERT_EQ(take().size(), 1U);
  pass(10'000, {});
  const auto told = take();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_FALSE(told[0].raised);
}

TEST_F(Alerts, AddUpTheWattsOfTheNodesThatTheyName) {
  AlertRule shelf{"shelf", kClusterPower, true, 5, 5, 0, {"pi2"}};
  begin({shelf});
  tell("pi1", {{"power_w", 6}});
  tell("pi2", {{"power_w", 4}});
  pass(2000);
  EXPECT_TRUE(take().empty());
  tell("pi2", {{"power_w", 5.5}});
  pass(2000);
  const auto told = take();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].value, 5.5);
}

TEST_F(Alerts, AreSaidAgainToABrokerThatWasAwayButNotToPeople) {
  begin({hot()});
  tell("pi1", {{"temperature_celsius", 99}});
  pass(5000);
  take();
  step([&](Effects& effects) { on_disconnected(*state, effects, now, "gone"); });
  step([&](Effects& effects) { on_connected(*state, effects, now); });
  EXPECT_EQ(published.size(), 1U);
  EXPECT_TRUE(take().empty());
}

// The broker may hold one that was raised before a restart of the aggregator.
TEST_F(Alerts, SayOnceThatAllIsWell) {
  begin({hot()});
  tell("pi1", {{"temperature_celsius", 40}});
  pass(3000);
  ASSERT_EQ(published.size(), 1U);
  EXPECT_EQ(json::parse(published[0].payload)["state"], "cleared");
  EXPECT_TRUE(take().empty());
}

}  // namespace
}  // namespace bramble::aggregator::test
