#include <nlohmann/json.hpp>

#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {
namespace {

using nlohmann::json;

TEST(Watch, OfAJobAnswersWhenItChangesAndNotBefore) {
  Harness cluster;
  cluster.connect();
  cluster.join("pi1");
  const JobId job = cluster.submit();
  const AttemptKey id = cluster.take("pi1").launch.at(0).id;
  const uint64_t version = cluster.state().jobs.at(job).version;
  cluster.ask(WatchJobRequest{job, version, 30'000});
  EXPECT_FALSE(cluster.has_reply());
  cluster.event("pi1", Harness::started(id));
  cluster.take("pi1");
  auto reply = json::parse(cluster.take_reply().body);
  EXPECT_EQ(reply["tasks"]["running"], 1);
  cluster.ask(WatchJobRequest{job, reply["version"], 30'000});
  cluster.event("pi1", Harness::finished(id));
  cluster.take("pi1");
  reply = json::parse(cluster.take_reply().body);
  EXPECT_EQ(reply["state"], "succeeded");
  cluster.take_files();
}

TEST(Watch, OfAJobAnswersAtItsTimeOut) {
  Harness cluster;
  cluster.connect();
  const JobId job = cluster.submit();
  cluster.ask(WatchJobRequest{job, cluster.state().jobs.at(job).version, 500});
  EXPECT_FALSE(cluster.has_reply());
  cluster.pass(500);
  EXPECT_EQ(json::parse(cluster.take_reply().body)["state"], "waiting");
}

TEST(Watch, OfAFinalJobThatIsNotHeldSaysThatTheStoreHasIt) {
  Harness cluster;
  cluster.connect();
  cluster.ask(WatchJobRequest{5, 0, 500});
  EXPECT_EQ(cluster.take_reply().http_status, 410);
}

TEST(Watch, OfOutputAnswersWhenThereIsMore) {
  Harness cluster;
  cluster.connect();
  cluster.join("pi1");
  const JobId job = cluster.submit();
  const AttemptKey id = cluster.take("pi1").launch.at(0).id;
  cluster.ask(WatchOutputRequest{{job, 0}, wire::Stream::stdout_, 0, 0, false, 30'000});
  EXPECT_FALSE(cluster.has_reply());
  wire::Event event = Harness::simple(wire::EventType::output, id);
  event.number = 3;
  event.output = wire::Output{wire::Stream::stdout_, 0, 2, "a\n"};
  cluster.event("pi1", event);
  cluster.take("pi1");
  const auto reply = cluster.take_reply();
  EXPECT_EQ(reply.output.attempt, 1U);
  EXPECT_EQ(reply.output.size_bytes, 2U);
  EXPECT_FALSE(reply.output.final);
  cluster.take_files();
}

TEST(Watch, OfOutputOfATaskThatDoesNotExistIsAnError) {
  Harness cluster;
  cluster.connect();
  const JobId job = cluster.submit({1, 3, 1});
  cluster.ask(WatchOutputRequest{{job, 9}, wire::Stream::stdout_, 0, 0, false, 1000});
  EXPECT_EQ(cluster.take_reply().http_status, 404);
}

TEST(Watch, TheNodesAreListedByName) {
  Harness cluster;
  cluster.connect();
  cluster.join("pi2");
  cluster.join("pi1");
  cluster.ask(NodesRequest{});
  const auto nodes = json::parse(cluster.take_reply().body);
  ASSERT_EQ(nodes.size(), 2U);
  EXPECT_EQ(nodes[0]["node"], "pi1");
  EXPECT_EQ(nodes[0]["state"], "on");
  EXPECT_TRUE(nodes[0]["load1"].is_null()) << "absent is absent, not zero";
}

}  // namespace
}  // namespace bramble::aggregator::test
