// The state in Prometheus' text format.
#include <gmock/gmock.h>

#include "aggregator/core/metrics.hpp"
#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Metrics : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster.connect();
    cluster.join("pi1");
  }
  void TearDown() override {
    cluster.drop_messages();
    cluster.take_files();
    while (cluster.has_reply()) cluster.take_reply();
  }

  void tell(std::map<std::string, double> values, bool measured = false) {
    wire::Telemetry reading;
    reading.number = 1;
    reading.power_measured = measured;
    reading.values = std::move(values);
    cluster.say("pi1", wire::NodeTopic::telemetry, reading);
  }
  std::string text() { return metrics_text(cluster.state(), cluster.now()); }

  Harness cluster;
};

TEST_F(Metrics, CarryAHelpATypeAndANodeForEachReading) {
  tell({{"energy_j", 12.5}, {"temperature_celsius", 48}});
  EXPECT_THAT(text(), HasSubstr("# HELP bramble_node_energy_joules_total Energy used, measured or modelled.\n"
                                "# TYPE bramble_node_energy_joules_total counter\n"
                                "bramble_node_energy_joules_total{node=\"pi1\"} 12.5\n"));
  EXPECT_THAT(text(), HasSubstr("bramble_node_temperature_celsius{node=\"pi1\"} 48\n"));
}

TEST_F(Metrics, SayOfTheWattsWhetherTheyAreMeasured) {
  tell({{"power_w", 3.25}}, true);
  EXPECT_THAT(text(), HasSubstr("bramble_node_power_watts{node=\"pi1\",source=\"measured\"} 3.25\n"));
  tell({{"power_w", 3.5}}, false);
  EXPECT_THAT(text(), HasSubstr("bramble_node_power_watts{node=\"pi1\",source=\"modelled\"} 3.5\n"));
}

TEST_F(Metrics, LeaveOutWhatANodeDoesNotTell) {
  tell({{"power_w", 3}});
  EXPECT_THAT(text(), Not(HasSubstr("temperature")));
}

TEST_F(Metrics, LeaveOutTheReadingsOfANodeThatIsNotHeard) {
  tell({{"power_w", 3}});
  cluster.pass(10'000);
  EXPECT_THAT(text(), HasSubstr("bramble_node_up{node=\"pi1\"} 0\n"));
  EXPECT_THAT(text(), Not(HasSubstr("bramble_node_power_watts")));
}

TEST_F(Metrics, AreInBaseUnits) {
  tell({{"link_speed_bps", 1e9}, {"pressure_cpu_s", 2}});
  EXPECT_THAT(text(), HasSubstr("bramble_node_network_speed_bytes{node=\"pi1\"} 1.25e+08\n"));
  EXPECT_THAT(text(), HasSubstr("bramble_node_pressure_cpu_seconds_total{node=\"pi1\"} 2\n"));
}

TEST_F(Metrics, TakeTheFirmwaresBitsApart) {
  tell({{"throttled_bits", 0x50004}});
  EXPECT_THAT(text(), HasSubstr("bramble_node_throttling{node=\"pi1\",cause=\"throttled\"} 1\n"));
  EXPECT_THAT(text(), HasSubstr("bramble_node_throttling{node=\"pi1\",cause=\"frequency_capped\"} 0\n"));
}

TEST_F(Metrics, CarryWhatPeoplesOwnSensorsTell) {
  tell({{"soil_moisture_ratio", 0.4}});
  EXPECT_THAT(text(), HasSubstr("bramble_node_other{node=\"pi1\",metric=\"soil_moisture_ratio\"} 0.4\n"));
}

TEST_F(Metrics, CountTheTasksOfOpenJobs) {
  JobSpec spec;
  spec.name = "say \"hi\"\\\n";
  cluster.submit({0, 9, 1}, spec);
  const AttemptKey id = cluster.take("pi1").launch.at(0).id;
  cluster.event("pi1", Harness::started(id));
  cluster.event("pi1", Harness::finished(id));
  EXPECT_THAT(text(), HasSubstr("name=\"say \\\"hi\\\"\\\\\\n\",owner=\"ada\",state=\"succeeded\"} 1\n"));
  EXPECT_THAT(text(), HasSubstr("bramble_tasks_ended_total{state=\"succeeded\"} 1\n"));
}

TEST_F(Metrics, AreBoundedInTheNumberOfJobs) {
  for (size_t i = 0; i < kMaxJobsInMetrics + 5; ++i) cluster.submit();
  const std::string all = text();
  EXPECT_THAT(all, HasSubstr("bramble_aggregator_open_jobs 205\n"));
  EXPECT_THAT(all, HasSubstr("{job=\"205\""));
  EXPECT_THAT(all, Not(HasSubstr("{job=\"5\"")));
}

TEST_F(Metrics, AddUpTheEnergyOfWhatHasEnded) {
  cluster.submit({0, 9, 1});
  const auto launched = cluster.take("pi1").launch;
  for (size_t i = 0; i < 2; ++i) {
    auto ended = Harness::finished(launched.at(i).id);
    ended.finished->energy_j = 1.5;
    cluster.event("pi1", Harness::started(launched[i].id));
    cluster.event("pi1", ended);
  }
  EXPECT_THAT(text(), HasSubstr("bramble_job_energy_joules_total{job=\"1\",name=\"\",owner=\"ada\"} 3\n"));
  EXPECT_THAT(text(), HasSubstr("bramble_tasks_energy_joules_total 3\n"));
}

TEST_F(Metrics, CountWhatBecameOfTheReadings) {
  TelemetryUse use;
  use.stored = 7;
  use.shed = 2;
  cluster.state().telemetry_use = use;
  for (int i = 0; i < 600; ++i) tell({{"power_w", 3}});  // more than a node may send at once
  EXPECT_THAT(text(), HasSubstr("bramble_aggregator_readings_total{fate=\"stored\"} 7\n"));
  EXPECT_THAT(text(), HasSubstr("bramble_aggregator_readings_total{fate=\"shed\"} 2\n"));
  EXPECT_THAT(text(), HasSubstr("bramble_aggregator_readings_total{fate=\"refused\"} 100\n"));
}

TEST_F(Metrics, CountMessagesThatWereDropped) {
  Effects effects;
  on_dropped(cluster.state(), effects, 0);
  EXPECT_TRUE(effects.log.empty());
  on_dropped(cluster.state(), effects, 7);
  on_dropped(cluster.state(), effects, 9);
  EXPECT_EQ(effects.log.size(), 1U) << "said once";
  EXPECT_THAT(text(), HasSubstr("bramble_aggregator_dropped_messages_total 9\n"));
}

TEST_F(Metrics, EndWithANewline) { EXPECT_EQ(text().back(), '\n'); }

}  // namespace
}  // namespace bramble::aggregator::test
