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

TEST(Query, ShowsTableCsvAndJson) {
  FakeAggregator aggregator;
  aggregator.set_query_result(json::parse(R"({"columns":["node","n"],"rows":[["pi01",2]],"truncated":true})"));
  const Ran table = run_bramble(aggregator.url(), {"query", "SELECT 1"});
  EXPECT_EQ(table.status, 0) << table.err;
  EXPECT_EQ(table.out, "node  n\npi01  2\n");
  EXPECT_THAT(table.err, HasSubstr("--max-rows"));
  EXPECT_EQ(run_bramble(aggregator.url(), {"query", "--format", "csv", "SELECT 1"}).out, "node,n\npi01,2\n");
  EXPECT_EQ(run_bramble(aggregator.url(), {"query", "--json", "SELECT 1"}).out, "[{\"n\":2,\"node\":\"pi01\"}]\n");
}

}  // namespace
}  // namespace bramble::cli::testing
