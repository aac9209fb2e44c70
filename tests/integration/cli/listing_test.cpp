#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/cli/fake_aggregator.hpp"
#include "support/bramble_process.hpp"

namespace bramble::cli::testing {
namespace {

using nlohmann::json;
using test::Ran;
using test::run_bramble;
using ::testing::HasSubstr;

json two_nodes() {
  return json::array({{{"node", "pi01"}, {"state", "on"}, {"cores", 4}, {"power_w", 3.5}, {"power_measured", true}},
                      {{"node", "pi02"}, {"state", "silent"}, {"cores", 4}}});
}

TEST(Node, ListShowsATableOrAnArray) {
  FakeAggregator aggregator;
  aggregator.set_nodes(two_nodes());
  const Ran table = run_bramble(aggregator.url(), {"node", "list"});
  EXPECT_EQ(table.status, 0) << table.err;
  EXPECT_THAT(table.out, HasSubstr("pi02"));
  EXPECT_EQ(table.out.find('\x1b'), std::string::npos) << "colours, and no terminal";
  const json listed = json::parse(run_bramble(aggregator.url(), {"node", "list", "pi[02]", "--json"}).out);
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0]["node"], "pi02");
}

TEST(Node, ThatDoesNotExistIsNamedWithTheNearest) {
  FakeAggregator aggregator;
  aggregator.set_nodes(two_nodes());
  const Ran ran = run_bramble(aggregator.url(), {"node", "info", "pi03"});
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.err, HasSubstr("unknown node 'pi03'; did you mean 'pi01'?"));
}

TEST(Node, DrainPassesTheReasonOn) {
  FakeAggregator aggregator;
  const Ran ran = run_bramble(aggregator.url(), {"node", "drain", "pi01", "--reason", "new card"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.out, "draining pi01\n");
  const auto posts = aggregator.posts();
  ASSERT_EQ(posts.size(), 1U);
  EXPECT_EQ(posts[0].second, json({{"nodes", "pi01"}, {"reason", "new card"}}));
}

TEST(Node, CalibrateSaysTheWatts) {
  FakeAggregator aggregator;
  const Ran said = run_bramble(aggregator.url(), {"node", "calibrate", "pi03", "--idle-w", "2.7", "--busy-w", "6.4"});
  EXPECT_EQ(said.status, 0) << said.err;
  EXPECT_EQ(said.out, "pi03: 2.70 W at rest, 6.40 W with all cores busy\n");
  const Ran cleared = run_bramble(aggregator.url(), {"node", "calibrate", "pi03", "--clear"});
  EXPECT_EQ(cleared.out, "pi03 as the board: calibration taken back\n");
  const auto posts = aggregator.posts();
  ASSERT_EQ(posts.size(), 2U);
  EXPECT_EQ(posts[0].second, json({{"nodes", "pi03"}, {"idle_w", 2.7}, {"busy_w", 6.4}}));
  EXPECT_EQ(posts[1].second, json({{"nodes", "pi03"}, {"clear", true}}));
}

TEST(Node, CalibrateFitsTheWattsOfANodeWithAMeter) {
  FakeAggregator aggregator;
  json rows = json::array();
  for (int i = 0; i <= 20; ++i) rows.push_back({i / 20.0, 3 + 4 * (i / 20.0)});
  aggregator.set_query_result({{"columns", {"load", "power_w"}}, {"rows", rows}});
  const Ran fitted = run_bramble(aggregator.url(), {"node", "calibrate", "pi[02-04]", "--from", "pi01"});
  EXPECT_EQ(fitted.status, 0) << fitted.err;
  EXPECT_THAT(fitted.out, HasSubstr("3.00 W at rest, 7.00 W with all cores busy, fitted to 21 readings of pi01"));
  EXPECT_THAT(fitted.out, HasSubstr("(off by 0.00 W)"));
  EXPECT_NEAR(aggregator.posts().back().second["busy_w"].get<double>(), 7, 1e-9);
}

TEST(Node, CalibrateRefusesANodeWithoutAMeterAndOneThatIsNone) {
  FakeAggregator aggregator;
  aggregator.set_nodes(two_nodes());
  aggregator.set_query_result({{"columns", {"load", "power_w"}}, {"rows", json::array()}});
  const Ran ran = run_bramble(aggregator.url(), {"node", "calibrate", "pi02", "--from", "pi01"});
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.err, HasSubstr("pi01 has told no measured watts in this time: is it a node with a meter?"));
  const Ran nobody = run_bramble(aggregator.url(), {"node", "calibrate", "pi02", "--from", "pi10"});
  EXPECT_EQ(nobody.status, 1);
  EXPECT_THAT(nobody.err, HasSubstr("unknown node 'pi10'; did you mean 'pi01'?"));
}

TEST(Query, ShowsTableCsvAndJson) {
  FakeAggregator aggregator;
  aggregator.set_query_result(json::parse(R"({"columns":["node","n"],"rows":[["pi01",2]],"truncated":true})"));
  const Ran table = run_bramble(aggregator.url(), {"query", "SELECT 1"});
  EXPECT_EQ(table.status, 0) << table.err;
  EXPECT_EQ(table.out, "node  n\npi01  2\n");
  EXPECT_THAT(table.err, HasSubstr("--max-rows"));
  EXPECT_EQ(run_bramble(aggregator.url(), {"query", "--format", "csv", "SELECT 1"}).out, "node,n\npi01,2\n");
  EXPECT_EQ(run_bramble(aggregator.url(), {"query", "--json", "SELECT 1"}).out, "[{\"node\":\"pi01\",\"n\":2}]\n");
}

TEST(Query, LosesNoColumnOfTwoWithOneName) {
  FakeAggregator aggregator;
  aggregator.set_query_result(json::parse(R"({"columns":["a","a"],"rows":[[1,2]],"truncated":false})"));
  EXPECT_EQ(run_bramble(aggregator.url(), {"query", "--json", "SELECT 1"}).out, "[{\"a\":1,\"a_2\":2}]\n");
}

}  // namespace
}  // namespace bramble::cli::testing
