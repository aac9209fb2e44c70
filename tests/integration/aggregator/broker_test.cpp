// A broker that is down, refuses, or vanishes: tried again with a growing pause, said once, and nothing is lost.
#include "fixture.hpp"

namespace bramble::test {
namespace {

using testing::HasSubstr;

TEST_F(AggregatorTest, WaitsForABrokerThatIsDownAndSaysSoOnce) {
  Mosquitto broker;
  broker.kill();
  AggregatorProcess aggregator(dir_.path(), config(dir_ / "state", broker.url()));
  aggregator.start();
  aggregator.wait_logged("no connection to the broker");
  const Ran submitted = bramble({"submit", "--", "echo", "patience"});
  EXPECT_EQ(submitted.status, 0) << submitted.err;
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < std::chrono::seconds(1)) bramble({"job", "list"});
  EXPECT_EQ(aggregator.times_logged("no connection to the broker"), 1U) << aggregator.log();
  broker.start();
  aggregator.wait_logged("connected to the broker");
  NodeProcesses node(dir_ / "node", "pi01", broker.url());
  EXPECT_EQ(bramble({"job", "wait", "last"}).status, 0);
  EXPECT_EQ(bramble({"job", "cat", "last"}).out, "patience\n");
}

TEST_F(AggregatorTest, RepeatsTheReasonOfABrokerThatRefuses) {
  const Mosquitto broker(MosquittoOptions{.extra_lines = {"allow_anonymous false"}});
  AggregatorProcess aggregator(dir_.path(), config(dir_ / "state", broker.url()));
  aggregator.start();
  aggregator.wait_logged("no connection to the broker");
  EXPECT_THAT(aggregator.log(), HasSubstr("ot authori"));
}

TEST_F(AggregatorTest, ABrokerThatVanishesLosesNothing) {
  Mosquitto broker;
  AggregatorProcess aggregator(dir_.path(), config(dir_ / "state", broker.url()));
  aggregator.start();
  NodeProcesses node(dir_ / "node", "pi01", broker.url());
  wait_for_node("pi01", "on");
  // The task ends while there is no broker.
  const std::string script = "echo begun; while [ ! -e " + (dir_ / "go") + " ]; do sleep 0.05; done; echo ended";
  BrambleProcess run(url(), {"run", "--", "sh", "-c", script});
  ASSERT_TRUE(run.wait_for_out("begun"));
  broker.kill();
  aggregator.wait_logged("no connection to the broker");
  ASSERT_TRUE(posix::write_file_atomically(dir_ / "go", ""));
  broker.start();
  EXPECT_EQ(run.wait(), 0) << run.err();
  EXPECT_EQ(run.out(), "begun\nended\n");
  EXPECT_THAT(bramble({"job", "info", "last", "--json"}).out, HasSubstr("\"attempts\":1"));
}

}  // namespace
}  // namespace bramble::test
