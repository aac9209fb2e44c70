#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "integration/cli/fake_aggregator.hpp"
#include "support/bramble_process.hpp"

namespace bramble::cli::testing {
namespace {

using nlohmann::json;
using test::BrambleProcess;
using test::Ran;
using test::run_bramble;
using ::testing::HasSubstr;

json node(const char* name, const char* state, const char* desired) {
  return {{"node", name},
          {"state", state},
          {"desired", desired},
          {"cycle", false},
          {"fault", "the relay sticks"},
          {"protected", ""},
          {"waits", ""},
          {"who", "bob"},
          {"why", "exam"},
          {"lines", json::array({{{"role", "supply"}, {"level", true}, {"error", ""}}})}};
}

json two_nodes(const char* state = "on", const char* desired = "") {
  return json::array({node("pi01", state, desired), node("pi02", state, desired)});
}

TEST(Power, OffOfAllSkipsProtectedNodesAndSaysSo) {
  FakeAggregator aggregator;
  json nodes = two_nodes();
  nodes[0]["protected"] = "the aggregator runs there";
  aggregator.set_power(nodes);
  const Ran ran = run_bramble(aggregator.url(), {"power", "off", "all", "--reason", "x"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.err, "bramble: pi01 is left as it is: the aggregator runs there\n");
  EXPECT_EQ(aggregator.posts().back().second["nodes"], "pi02");
  const Ran named = run_bramble(aggregator.url(), {"power", "off", "pi[01-03]", "--reason", "x"});
  EXPECT_EQ(named.status, 1);
  EXPECT_THAT(named.err, HasSubstr("nothing was switched: unknown node pi03; there are pi[01-02]; pi01 must not be "
                                   "switched off (the aggregator runs there); bramble power off pi02 would"));
  EXPECT_EQ(aggregator.posts().size(), 1U);
}

TEST(Power, OffWaitsUntilTheNodesAreOff) {
  FakeAggregator aggregator;
  aggregator.set_power(two_nodes("on", "off"));
  BrambleProcess bramble(aggregator.url(), {"power", "off", "pi[01-02]", "--reason", "x", "--wait"});
  EXPECT_TRUE(bramble.wait_for_out("pi02: wanted off, is on"));
  aggregator.set_power(two_nodes("halting", "off"));
  EXPECT_TRUE(bramble.wait_for_err("pi02: is halting"));
  aggregator.set_power(two_nodes("off", "off"));
  EXPECT_EQ(bramble.wait(), 0);
  EXPECT_THAT(bramble.err(), HasSubstr("pi01: is off\n"));
}

TEST(Power, WaitEndsInAFaultWithItsReason) {
  FakeAggregator aggregator;
  aggregator.set_power(two_nodes("starting", "on"));
  BrambleProcess bramble(aggregator.url(), {"power", "on", "pi02", "--reason", "x", "--wait"});
  EXPECT_TRUE(bramble.wait_for_out("pi02: wanted on"));
  aggregator.set_power(two_nodes("fault", "on"));
  EXPECT_EQ(bramble.wait(), 1);
  EXPECT_THAT(bramble.err(), HasSubstr("pi02: fault: the relay sticks"));
}

TEST(Power, WaitEndsInTimeAndLeavesWhatWasAskedFor) {
  FakeAggregator aggregator;
  aggregator.set_power(two_nodes("draining", "off"));
  const Ran ran = run_bramble(aggregator.url(), {"power", "off", "pi02", "--reason", "x", "--wait", "--timeout", "1s"});
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.err, HasSubstr("not there after 1s: pi02 is draining; what was asked for stands"));
}

TEST(Power, CtrlCEndsTheWaitingOnlyAndSaysSo) {
  FakeAggregator aggregator;
  aggregator.set_power(two_nodes("draining", "off"));
  BrambleProcess bramble(aggregator.url(), {"power", "off", "pi02", "--reason", "x", "--wait"});
  EXPECT_TRUE(bramble.wait_for_out("pi02: wanted off"));
  bramble.signal(SIGINT);
  EXPECT_EQ(bramble.wait(), 128 + SIGINT);
  EXPECT_THAT(bramble.err(), HasSubstr("what was asked for stands"));
  EXPECT_EQ(aggregator.posts().size(), 1U);
}

TEST(Audit, RefusesANodeThatNeitherTheClusterNorTheLogKnows) {
  FakeAggregator aggregator;
  aggregator.set_power(two_nodes());
  aggregator.set_audit(
      "pi77",
      json::array(
          {{{"at_ms", 5}, {"node", "pi77"}, {"who", "ada"}, {"action", "removed"}, {"why", "sold"}, {"result", ""}}}));
  const Ran unknown = run_bramble(aggregator.url(), {"audit", "pi03"});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.err, HasSubstr("the log has nothing of pi03: unknown node 'pi03'; did you mean 'pi01'?"));
  const Ran quiet = run_bramble(aggregator.url(), {"audit", "pi02"});
  EXPECT_EQ(quiet.status, 0) << quiet.err;
  EXPECT_EQ(run_bramble(aggregator.url(), {"audit"}).status, 0);
  const Ran removed = run_bramble(aggregator.url(), {"audit", "pi77"});
  EXPECT_EQ(removed.status, 0) << removed.err;
  EXPECT_THAT(removed.out, HasSubstr("sold"));
}

}  // namespace
}  // namespace bramble::cli::testing
