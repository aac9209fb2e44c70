// What is found amiss: with the head, with nodes, and by nodes with themselves.
#include "aggregator/core/doctor.hpp"

#include "power_test.hpp"

namespace bramble::aggregator::test {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using wire::Finding;
using wire::FindingState;

struct Doctor : PowerWorld {
  explicit Doctor(const Config& config = {}) : PowerWorld(config) {}

  std::string ping_topic() { return cluster.state().topics.aggregator_ping(); }
  std::string ping() { return cluster.state().config.run + " " + std::to_string(cluster.state().last_ping); }

  json examine(DoctorRequest request = {}) {
    cluster.ask(std::move(request), kAda);
    EXPECT_FALSE(cluster.has_reply()) << "it waits for the broker";
    cluster.bytes(ping_topic(), ping());
    return json::parse(cluster.take_reply().body);
  }
  static std::string found(const json& findings, const std::string& check) {
    for (const json& finding : findings) {
      if (finding["check"] == check)
        return finding["state"].get<std::string>() + ": " + finding["text"].get<std::string>();
    }
    return "none";
  }
  std::string of_node(const std::string& check) { return found(examine()["nodes"][0]["findings"], check); }
  std::string of_head(const std::string& check) { return found(examine()["head"], check); }

  void tell(std::map<std::string, double> values, const std::string& trouble = "") {
    wire::Telemetry reading;
    reading.trouble = trouble;
    reading.number = ++readings_;
    reading.values = std::move(values);
    cluster.say("pi1", wire::NodeTopic::telemetry, reading);
  }

 private:
  uint64_t readings_ = 0;
};

TEST(Doctor, TellsHowLongTheBrokerTakes) {
  Doctor world;
  world.cluster.ask(DoctorRequest{}, kAda);
  world.cluster.pass(100);
  world.cluster.bytes(world.ping_topic(), "somebody else's");
  ASSERT_FALSE(world.cluster.has_reply());
  world.cluster.bytes(world.ping_topic(), world.ping());
  const json answer = json::parse(world.cluster.take_reply().body);
  EXPECT_EQ(Doctor::found(answer["head"], "broker"), "good: there and back in 100 ms");
}

TEST(Doctor, TellsThatTheBrokerGivesNothingBack) {
  Doctor world;
  world.cluster.ask(DoctorRequest{}, kAda);
  world.cluster.pass(kPingLimitMs - 100);
  ASSERT_FALSE(world.cluster.has_reply());
  world.cluster.pass(100);
  const json answer = json::parse(world.cluster.take_reply().body);
  EXPECT_THAT(Doctor::found(answer["head"], "broker"), HasSubstr("problem: it gave nothing back within 2 s"));
}

TEST(Doctor, AnswersAtOnceWithoutAConnection) {
  Harness cluster;
  cluster.ask(DoctorRequest{}, kAda);
  EXPECT_THAT(cluster.take_reply().body, HasSubstr("mosquitto"));
}

TEST(Doctor, TakesFewQuestionsAtOnce) {
  Doctor world;
  for (size_t i = 0; i < kMaxDoctorWaiters; ++i) world.cluster.ask(DoctorRequest{}, kAda);
  ASSERT_FALSE(world.cluster.has_reply());
  world.cluster.ask(DoctorRequest{}, kAda);
  EXPECT_EQ(world.cluster.take_reply().http_status, 503);
  world.cluster.pass(kPingLimitMs);
  while (world.cluster.has_reply()) world.cluster.take_reply();
}

TEST(Doctor, PassesOnWhatANodeFindsAboutItself) {
  Doctor world;
  world.join("pi1");
  EXPECT_THAT(world.of_node("checkup"), HasSubstr("unknown"));
  const wire::Checkup checkup{world.cluster.session("pi1"), {{"watchdog", FindingState::warning, "nobody feeds it"}}};
  world.cluster.say("pi1", wire::NodeTopic::checkup, checkup);
  EXPECT_EQ(world.of_node("watchdog"), "warning: nobody feeds it");
  EXPECT_EQ(world.of_node("checkup"), "none");
}

TEST(Doctor, DropsACheckupOfAnOldSession) {
  Doctor world;
  world.join("pi1");
  world.cluster.say("pi1", wire::NodeTopic::checkup, wire::Checkup{world.cluster.session("pi1") + 1, {}});
  EXPECT_THAT(world.of_node("checkup"), HasSubstr("unknown"));
}

TEST(Doctor, TellsOfVoltageHeatAndTheCard) {
  Doctor world;
  world.join("pi1");
  world.tell({{"throttled_bits", 0}, {"under_voltage", 0}});
  EXPECT_THAT(world.of_node("voltage"), HasSubstr("good"));
  EXPECT_EQ(world.of_node("heat"), "none");
  world.tell({{"throttled_bits", 0x50000}, {"under_voltage", 0}, {"card_life_used_ratio", 0.9}});
  EXPECT_THAT(world.of_node("voltage"), HasSubstr("warning"));
  EXPECT_THAT(world.of_node("heat"), HasSubstr("at times since it started"));
  EXPECT_THAT(world.of_node("card"), HasSubstr("90 %"));
  world.tell({{"throttled_bits", 0x50005}, {"under_voltage", 1}});
  EXPECT_THAT(world.of_node("voltage"), HasSubstr("problem"));
  EXPECT_THAT(world.of_node("heat"), HasSubstr("now"));
  EXPECT_EQ(world.of_node("sensors"), "none");
  world.tell({}, "drop-ins: greenhouse ended with status 1");
  EXPECT_EQ(world.of_node("sensors"), "warning: drop-ins: greenhouse ended with status 1");
}

TEST(Doctor, ANumberThatIsNoWordOfTheFirmwareSaysNothing) {
  Doctor world;
  world.join("pi1");
  for (const double told : {-1.0, 4294967296.0, 1e300, -1e300}) {
    world.tell({{"throttled_bits", told}, {"under_voltage", 0}, {"card_life_used_ratio", 1e300}});
    EXPECT_THAT(world.of_node("voltage"), HasSubstr("good")) << told;
    EXPECT_EQ(world.of_node("heat"), "none") << told;
    EXPECT_THAT(world.of_node("card"), HasSubstr("1000 %"));
  }
  world.tell({{"throttled_bits", 4294967295.0}});
  EXPECT_THAT(world.of_node("voltage"), HasSubstr("problem"));
}

TEST(Doctor, TellsOfNodesThatAreNotHeard) {
  Doctor world;
  world.join("pi1");
  EXPECT_EQ(world.of_node("heard"), "good: it beats");
  world.cluster.pass(4000);
  EXPECT_THAT(world.of_node("heard"), AllOf(HasSubstr("problem"), HasSubstr("was not heard for 4s")));
  world.say_goodbye("pi1");
  EXPECT_THAT(world.of_node("heard"), HasSubstr("said goodbye"));
}

TEST(Doctor, DoesNotMissANodeThatIsSwitchedOff) {
  Doctor world(PowerWorld::with_lines({line_of("pi1")}));
  world.join("pi1");
  world.off("pi1", PowerHow::force);
  world.off("pi1", PowerHow::force);
  world.pass_until("pi1", PowerState::off);
  EXPECT_THAT(world.of_node("heard"), HasSubstr("good: it is switched off"));
  world.cluster.take_controls();
}

TEST(Doctor, TellsThatANodeBeatsAndItsWardenHangs) {
  Doctor world;
  world.join("pi1");
  world.cluster.warden_silent_ms["pi1"] = 42'000;
  world.cluster.beat("pi1");
  EXPECT_THAT(world.of_node("heard"), AllOf(HasSubstr("problem"), HasSubstr("42s")));
}

TEST(Doctor, TellsOfALineThatFailsAndOfAFault) {
  Doctor world(PowerWorld::with_lines({line_of("pi1")}));
  world.join("pi1");
  EXPECT_EQ(world.of_node("line"), "none");
  world.rail.errors[0] = "the chip is gone";
  world.off("pi1");
  world.pass_until("pi1", PowerState::fault);
  EXPECT_THAT(world.of_node("line"), HasSubstr("the chip is gone"));
  EXPECT_THAT(world.of_node("power"), HasSubstr("bramble power clear pi1"));
  world.cluster.take_controls();
}

TEST(Doctor, NamesNodesThatWereNeverHeardAndAddsWhatOthersSaw) {
  Doctor world(PowerWorld::with_lines({line_of("pi1"), line_of("pi2")}));
  const json answer = world.examine({{"pi2"},
                                     {{"pi2", {"line", FindingState::warning, "it falls"}},
                                      {"pi1", {"line", FindingState::good, "not asked for"}},
                                      {"", {"time", FindingState::good, "synchronised"}}}});
  ASSERT_EQ(answer["nodes"].size(), 1U);
  EXPECT_EQ(Doctor::found(answer["nodes"][0]["findings"], "line"), "warning: it falls");
  EXPECT_THAT(Doctor::found(answer["nodes"][0]["findings"], "heard"), HasSubstr("never heard"));
  EXPECT_EQ(Doctor::found(answer["head"], "time"), "good: synchronised");
}

TEST(Doctor, SaysThatTheAutomationIsPaused) {
  Doctor world(PowerWorld::with_lines({line_of("pi1")}));
  world.ask(PowerPauseRequest{true, "work"});
  EXPECT_THAT(world.of_head("power"), HasSubstr("paused by ada"));
}

}  // namespace
}  // namespace bramble::aggregator::test
