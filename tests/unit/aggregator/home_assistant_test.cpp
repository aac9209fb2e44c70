// What Home Assistant is told, by the rules of its device discovery.
#include "aggregator/core/home_assistant.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

Config with_home_assistant() {
  Config config;
  config.cluster = "home";
  config.version = "0.1.0";
  config.home_assistant = "homeassistant";
  return config;
}

class HomeAssistant : public ::testing::Test {
 protected:
  HomeAssistant() : state(with_home_assistant(), [](const Snapshot&) { return std::vector<Placement>{}; }) {
    step([&](Effects& effects) { on_start(state, effects, now, {}); });
    step([&](Effects& effects) { on_connected(state, effects, now); });
    hear("bramble/home/node/pi.1/status", wire::encode(Harness::identity("pi.1")));
    take();
  }

  template <typename Event>
  void step(Event event) {
    Effects effects;
    event(effects);
    on_batch_end(state, effects, now);
    for (auto& publish : effects.publish) {
      if (publish.topic.starts_with("homeassistant/")) published.push_back(std::move(publish));
    }
  }
  void hear(const std::string& topic, const std::string& payload) {
    step([&](Effects& effects) { on_message(state, effects, now, topic, payload); });
  }
  void tell(std::map<std::string, double> values) {
    wire::Telemetry reading;
    reading.number = ++readings;
    reading.values = std::move(values);
    hear("bramble/home/node/pi.1/telemetry", wire::encode(reading));
  }
  std::vector<Publish> take() { return std::exchange(published, {}); }

  Now now{{100'000}, {1'700'000'000'000}};
  State state;
  uint64_t readings = 0;
  std::vector<Publish> published;
};

TEST_F(HomeAssistant, IsToldOfANodeWithItsFirstReading) {
  tell({{"power_w", 3}, {"energy_j", 7200}});
  const auto told = take();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].topic, "homeassistant/device/bramble_home_pi-1/config");
  EXPECT_TRUE(told[0].retained);
  const json payload = json::parse(told[0].payload);
  EXPECT_EQ(payload["device"]["name"], "pi.1");
  EXPECT_EQ(payload["origin"]["name"], "bramble");
  EXPECT_EQ(payload["state_topic"], "bramble/home/node/pi.1/telemetry");
  EXPECT_EQ(payload["components"].size(), 2U) << "what the node cannot tell is no sensor";
  const json& energy = payload["components"]["energy_j"];
  EXPECT_EQ(energy["platform"], "sensor");
  EXPECT_EQ(energy["device_class"], "energy");
  EXPECT_EQ(energy["state_class"], "total_increasing");
  EXPECT_EQ(energy["unit_of_measurement"], "Wh");
  EXPECT_EQ(energy["json_attributes_topic"], "bramble/home/node/pi.1/telemetry") << "measured or modelled";
}

// Any other key at these places has Home Assistant reject the whole device.
TEST_F(HomeAssistant, IsToldNothingBesideTheKeysThatItKnows) {
  tell({{"power_w", 3}, {"under_voltage", 0}});
  const json payload = json::parse(take().at(0).payload);
  const auto keys = [](const json& object) {
    std::set<std::string> names;
    for (const auto& [name, value] : object.items()) names.insert(name);
    return names;
  };
  EXPECT_EQ(keys(payload), (std::set<std::string>{"availability", "availability_mode", "components", "device", "origin",
                                                  "state_topic"}));
  EXPECT_EQ(keys(payload["device"]), (std::set<std::string>{"identifiers", "name", "sw_version"}));
  EXPECT_EQ(keys(payload["origin"]), (std::set<std::string>{"name", "sw_version"}));
  std::set<std::string> ids;
  for (const json& component : payload["components"]) {
    EXPECT_TRUE(component.contains("platform"));
    ids.insert(component.at("unique_id").get<std::string>());
  }
  EXPECT_EQ(ids, (std::set<std::string>{"bramble_home_pi-1_power_w", "bramble_home_pi-1_under_voltage"}));
}

TEST_F(HomeAssistant, FindsPeoplesOwnSensorsWithTheUnitThatTheirNamesEndIn) {
  tell({{"greenhouse_celsius", 21}, {"soil_ratio", 0.2}, {"door", 1}, {"fan_rpm", 900}, {"cpu_user_ratio", 0.1}});
  const json components = json::parse(take().at(0).payload)["components"];
  ASSERT_EQ(components.size(), 4U) << "what bramble tells and nobody asks for is none of them";
  EXPECT_EQ(components["greenhouse_celsius"]["name"], "greenhouse");
  EXPECT_EQ(components["greenhouse_celsius"]["device_class"], "temperature");
  EXPECT_EQ(components["greenhouse_celsius"]["unit_of_measurement"], "°C");
  EXPECT_EQ(components["greenhouse_celsius"]["unique_id"], "bramble_home_pi-1_greenhouse_celsius");
  EXPECT_EQ(components["soil_ratio"]["unit_of_measurement"], "%");
  EXPECT_EQ(components["soil_ratio"]["value_template"],
            "{% set v = value_json['values'].get('soil_ratio') %}{{ none if v is none else (v * 100) | round(3) }}");
  EXPECT_EQ(components["door"]["name"], "door");
  EXPECT_FALSE(components["door"].contains("unit_of_measurement"));
  EXPECT_FALSE(components["door"].contains("device_class"));
  EXPECT_EQ(components["fan_rpm"]["name"], "fan_rpm") << "a unit that Home Assistant has no kind for";
}

TEST_F(HomeAssistant, FindsSoManyOfPeoplesOwnSensorsOnly) {
  std::map<std::string, double> values{{"power_w", 3}};
  for (int i = 0; i < 100; ++i) values["own" + std::to_string(i)] = i;
  tell(values);
  EXPECT_EQ(json::parse(take().at(0).payload)["components"].size(), 33U);
  tell(values);
  EXPECT_TRUE(take().empty());
  tell({{"other", 1}});
  EXPECT_TRUE(take().empty());
}

TEST_F(HomeAssistant, SeesANodeAsAwayWhenItsAgentOrTheAggregatorIs) {
  tell({{"power_w", 3}});
  const json availability = json::parse(take().at(0).payload)["availability"];
  ASSERT_EQ(availability.size(), 2U);
  EXPECT_EQ(availability[0]["topic"], "bramble/home/node/pi.1/status");
  EXPECT_EQ(availability[1]["topic"], "bramble/home/aggregator/status");
}

TEST_F(HomeAssistant, IsToldAgainOfFurtherReadingsOnly) {
  tell({{"power_w", 3}});
  take();
  tell({{"power_w", 4}});
  EXPECT_TRUE(take().empty());
  tell({{"power_w", 4}, {"load1", 1}});
  EXPECT_EQ(take().size(), 1U);
  tell({{"power_w", 4}});
  EXPECT_TRUE(take().empty()) << "a reading that is missing once takes no sensor away";
}

TEST_F(HomeAssistant, IsToldAgainWhenItStartsAndWhenTheBrokerWasAway) {
  tell({{"power_w", 3}});
  take();
  hear("homeassistant/status", "online");
  EXPECT_EQ(take().size(), 1U);
  hear("homeassistant/status", "offline");
  EXPECT_TRUE(take().empty());
  step([&](Effects& effects) { on_disconnected(state, effects, now, "gone"); });
  step([&](Effects& effects) { on_connected(state, effects, now); });
  EXPECT_EQ(take().size(), 1U);
}

// What an earlier run of ours has left at the broker comes back with the subscription.
class HomeAssistantLeftOver : public HomeAssistant {
 protected:
  std::string announced(const std::string& cluster, const std::string& node) {
    return R"({"device":{},"state_topic":"bramble/)" + cluster + "/node/" + node + R"(/telemetry"})";
  }
  std::vector<std::string> cleared_after(const std::string& topic, const std::string& payload) {
    step([&](Effects& effects) {
      on_message(state, effects, now, topic, payload);
      for (const auto& publish : effects.publish) {
        EXPECT_TRUE(publish.payload.empty() && publish.retained) << publish.payload;
        cleared.push_back(publish.topic);
      }
    });
    return std::exchange(cleared, {});
  }

  std::vector<std::string> cleared;
  const std::string own = "homeassistant/device/bramble_home_pi-1/config";
  const std::vector<std::string> none;
};

TEST_F(HomeAssistantLeftOver, StaysWhereItIsStillAnnounced) {
  EXPECT_EQ(cleared_after(own, announced("home", "pi.1")), none);
  tell({{"power_w", 3}});
  EXPECT_EQ(cleared_after(own, take().at(0).payload), none) << "our own comes back to us";
}

TEST_F(HomeAssistantLeftOver, IsClearedWhereTheNodeIsGone) {
  const std::string gone = "homeassistant/device/bramble_home_pi9/config";
  EXPECT_EQ(cleared_after(gone, announced("home", "pi9")), std::vector{gone});
  EXPECT_EQ(cleared_after(gone, ""), none) << "that it is cleared comes back, too";
}

TEST_F(HomeAssistantLeftOver, IsClearedUnderAnEarlierPrefixAndWhenItIsSwitchedOff) {
  const std::string earlier = "my/ha/device/bramble_home_pi-1/config";
  EXPECT_EQ(cleared_after(earlier, announced("home", "pi.1")), std::vector{earlier});
  state.config.home_assistant.clear();
  EXPECT_EQ(cleared_after(own, announced("home", "pi.1")), std::vector{own});
}

TEST_F(HomeAssistantLeftOver, IsNotTouchedWhereItIsAnothers) {
  EXPECT_EQ(cleared_after("homeassistant/device/bramble_home_2_pi9/config", announced("home_2", "pi9")), none);
  EXPECT_EQ(cleared_after("homeassistant/device/lamp/config", announced("home", "pi9")), none);
  EXPECT_EQ(cleared_after("homeassistant/device/bramble_home_pi9/config", "{"), none);
  EXPECT_EQ(cleared_after("homeassistant/device/bramble_home_pi9/config", R"({"state_topic":1})"), none);
  EXPECT_EQ(state.malformed_messages, 0U);
}

TEST_F(HomeAssistant, IsToldNothingUnlessItIsAskedFor) {
  state.config.home_assistant.clear();
  tell({{"power_w", 3}});
  EXPECT_TRUE(take().empty());
}

}  // namespace
}  // namespace bramble::aggregator::test
