#include "aggregator/core/status_line.hpp"

#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {
namespace {

TEST(AggregatorStatusLine, CountsNodesAndTasks) {
  Harness cluster;
  cluster.connect();
  EXPECT_EQ(status_line(cluster.state()), "0 nodes, no work");
  cluster.join("pi1");
  EXPECT_EQ(status_line(cluster.state()), "1 node, no work");
  cluster.join("pi2");
  const JobId job = cluster.submit({0, 299, 1});
  cluster.event("pi1", Harness::started({job, 0, 1}));
  EXPECT_EQ(status_line(cluster.state()), "2 nodes, 299 tasks queued, 1 running");
  cluster.drop_messages();
}

TEST(AggregatorStatusLine, SaysHowManyNodesAreNotAsTheyShouldBe) {
  Harness cluster;
  cluster.connect();
  cluster.join("pi1");
  cluster.join("pi2");
  cluster.join("pi3");
  auto goodbye = Harness::identity("pi3");
  goodbye.online = false;
  goodbye.reason = "goodbye";
  cluster.say("pi3", wire::NodeTopic::status, goodbye);
  cluster.pass(8000, {"pi1"});
  EXPECT_EQ(status_line(cluster.state()), "3 nodes (1 silent, 1 stopped), no work");
  cluster.drop_messages();
}

TEST(AggregatorStatusLine, SaysFirstThatTheBrokerIsAway) {
  Harness cluster;
  EXPECT_EQ(status_line(cluster.state()), "the broker is not reached, trying; 0 nodes, no work");
}

TEST(AggregatorStatusLine, SaysWhyItDoesNothing) {
  Harness cluster;
  cluster.state().gone_back = "this database is an old copy";
  EXPECT_EQ(status_line(cluster.state()), "does nothing: this database is an old copy");
}

}  // namespace
}  // namespace bramble::aggregator::test
