// Readings of nodes: how many a node may send, and which is the newest.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {
namespace {

using testing::HasSubstr;

class ReadingsTest : public testing::Test {
 protected:
  void SetUp() override {
    head_.connect();
    head_.join("pi1");
    head_.join("pi2");
    head_.drop_messages();
    (void)head_.take_writes();
  }
  void read(const std::string& node, uint64_t number, double load, int64_t age_ms = 0) {
    wire::Telemetry reading;
    reading.number = number;
    reading.run = 7;
    reading.age_ms = age_ms;
    reading.values = {{"load1", load}};
    head_.say(node, wire::NodeTopic::telemetry, reading);
  }

  Harness head_;
};

TEST_F(ReadingsTest, ANodeThatFloodsLosesWhatIsBeyondAndHarmsNobody) {
  for (uint64_t i = 1; i <= 1000; ++i) read("pi1", i, 1);
  EXPECT_EQ(head_.take_telemetry().size(), 500u);
  read("pi2", 1, 1);
  EXPECT_EQ(head_.take_telemetry().size(), 1u);
  head_.pass(1000, {"pi1", "pi2"});
  for (uint64_t i = 1001; i <= 2000; ++i) read("pi1", i, 1);
  EXPECT_EQ(head_.take_telemetry().size(), 50u);
  const auto nodes = nlohmann::json::parse(nodes_json(head_.state(), head_.now()));
  EXPECT_EQ(nodes[0]["readings_refused"], 500 + 950);
  EXPECT_EQ(nodes[1]["readings_refused"], 0);
  EXPECT_THAT(head_.take_warnings(), testing::ElementsAre(HasSubstr("node pi1 sends more than 50 readings a second")));
  head_.drop_messages();
}

TEST_F(ReadingsTest, WhatComesLateIsStoredAndSaysNothingAboutNow) {
  read("pi1", 9, 0.5);
  read("pi1", 3, 4, 6000);
  EXPECT_EQ(head_.take_telemetry().size(), 2u);
  EXPECT_EQ(nlohmann::json::parse(nodes_json(head_.state(), head_.now()))[0]["load1"], 0.5);
}

}  // namespace
}  // namespace bramble::aggregator::test
