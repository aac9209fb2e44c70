#include "aggregator/cli/local_config.hpp"

#include <gtest/gtest.h>

namespace bramble::cli {
namespace {

TEST(LocalConfig, NamesNodesWithLeadingZeros) {
  EXPECT_EQ(local_node_name(1, 4), "local01");
  EXPECT_EQ(local_node_name(12, 64), "local12");
  EXPECT_EQ(local_node_name(7, 100), "local007");
}

TEST(LocalConfig, WritesTheAggregatorsFileWithItsPathsQuoted) {
  const std::string text = aggregator_toml(LocalLayout("/tmp/a \"b\""), {});
  EXPECT_TRUE(
      text.starts_with("cluster = \"local\"\nstate_dir = \"/tmp/a \\\"b\\\"/aggregator\"\n"
                       "api_socket = \"/tmp/a \\\"b\\\"/api.sock\"\n"))
      << text;
}

TEST(LocalConfig, GivesEachNodeASupplyAndAHaltLine) {
  const std::string text = aggregator_toml(LocalLayout("/d"), {"local01"});
  EXPECT_NE(text.find("recovery = true\n"), std::string::npos);
  EXPECT_TRUE(
      text.ends_with("\n[[line]]\nnode = \"local01\"\nkind = \"sim\"\nrole = \"supply\"\n"
                     "\n[[line]]\nnode = \"local01\"\nkind = \"sim\"\nrole = \"halted\"\n"))
      << text;
}

TEST(LocalConfig, WritesAnAgentsFileWithTheBrokersAccess) {
  const LocalNode node{"local01", 2, 1024, "machine", "boot"};
  EXPECT_EQ(agent_toml(LocalLayout("/d"), node, {"tcp://127.0.0.1:1", "user", "/secret"}),
            "node = \"local01\"\ncluster = \"local\"\nbroker_url = \"tcp://127.0.0.1:1\"\n"
            "state_dir = \"/d/local01/state\"\nwarden_socket = \"/d/local01/warden/warden.sock\"\nslots = 2\n"
            "memory_bytes = 1024\nmachine_id = \"machine\"\nboot_id = \"boot\"\nhalt_request = \"/d/local01/halt\"\n"
            "broker_user = \"user\"\nbroker_password_file = \"/secret\"\n");
}

TEST(LocalConfig, ReadsWhatTheBrokerTells) {
  const auto access = parse_broker_client(R"({"url":"tcp://127.0.0.1:1","username":"","password_file":""})");
  ASSERT_TRUE(access);
  EXPECT_EQ(access->url, "tcp://127.0.0.1:1");
  EXPECT_FALSE(parse_broker_client("{"));
  EXPECT_FALSE(parse_broker_client("{}"));
}

TEST(LocalConfig, NamesTheProgramThatIsMissing) {
  const auto found = find_program("bramble-no-such-program");
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().message.find("bramble-no-such-program"), std::string::npos);
  EXPECT_TRUE(find_program("sh"));
}

}  // namespace
}  // namespace bramble::cli
