#include "aggregator/cli/local_config.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "support/temp_dir.hpp"

namespace bramble::cli {
namespace {

TEST(LocalConfig, NamesNodesWithLeadingZeros) {
  EXPECT_EQ(local_node_name(1, 4), "local01");
  EXPECT_EQ(local_node_name(12, 64), "local12");
  EXPECT_EQ(local_node_name(7, 100), "local007");
}

TEST(LocalConfig, WritesTheAggregatorsFileWithItsPathsQuoted) {
  const std::string text = aggregator_toml(LocalLayout("/tmp/a \"b\""), {}, {"", "[[alert]]\n"});
  EXPECT_TRUE(
      text.starts_with("cluster = \"local\"\nstate_dir = \"/tmp/a \\\"b\\\"/aggregator\"\n"
                       "api_socket = \"/tmp/a \\\"b\\\"/api.sock\"\n[[alert]]\n"))
      << text;
}

TEST(LocalConfig, GivesEachNodeASupplyAndAHaltLine) {
  const std::string text = aggregator_toml(LocalLayout("/d"), {"local01"}, {});
  EXPECT_NE(text.find("recovery = true\n"), std::string::npos);
  EXPECT_TRUE(
      text.ends_with("\n[[line]]\nnode = \"local01\"\nkind = \"sim\"\nrole = \"supply\"\n"
                     "\n[[line]]\nnode = \"local01\"\nkind = \"sim\"\nrole = \"halted\"\n"))
      << text;
}

TEST(LocalConfig, OverridesOfItsPowerOnlyTheKeysThatAPersonGives) {
  const test::TempDir dir;
  const std::string path = dir / "more.toml";
  std::ofstream(path) << "keep_jobs = 5\n[ power ]  # mine\nrecovery = false\nhold_s=2\n[[alert]]\nname = \"a\"";
  const auto keys = read_local_config(path);
  ASSERT_TRUE(keys) << keys.error().message;
  const std::string text = aggregator_toml(LocalLayout("/d"), {"local01"}, *keys);
  EXPECT_NE(text.find("[ power ]  # mine\nrecovery_s = 30\nstart_limit_s = 30\nhalt_limit_s = 30\n"
                      "recovery = false\nhold_s=2\n[[alert]]\n"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find("recovery = true"), std::string::npos) << text;
  std::ofstream(path) << "power = { recovery = false }\n";
  EXPECT_EQ(read_local_config(path).error().message, path + ": write [power] as a heading, and its keys below it");
}

TEST(LocalConfig, TellsLinesAsThoseOfThePersonsFile) {
  const test::TempDir dir;
  const std::string path = dir / "more.toml";
  std::ofstream(path) << "keep_jobs = 5\n[power]\nrecovery = false\nhold_s = 2\n";
  const auto keys = read_local_config(path);
  ASSERT_TRUE(keys) << keys.error().message;
  EXPECT_EQ(line_of_person(*keys, 3), 0U);
  EXPECT_EQ(line_of_person(*keys, 5), 2U);
  EXPECT_EQ(line_of_person(*keys, 6), 0U) << "recovery_s, which is ours";
  EXPECT_EQ(line_of_person(*keys, 9), 3U);
  EXPECT_EQ(line_of_person(*keys, 10), 4U);
  EXPECT_EQ(line_of_person(*keys, 11), 0U);
  EXPECT_EQ(said_of_person(*keys, "/d/aggregator.toml", "/d/aggregator.toml:10: hold_s must be"),
            path + ":4: hold_s must be");
  EXPECT_EQ(said_of_person(*keys, "/d/aggregator.toml", "no place"), "no place");
}

TEST(LocalConfig, TakesMoreKeysOfAPersonButNotThoseOfItsOwn) {
  const test::TempDir dir;
  const std::string path = dir / "more.toml";
  std::ofstream(path) << "home_assistant = \"homeassistant\"\n[[alert]]\nname = \"a\"\n";
  const auto taken = read_local_config(path);
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_TRUE(taken->text.starts_with("home_assistant"));
  EXPECT_FALSE(taken->power);
  std::ofstream(path) << "broker_url = \"tcp://x:1\"\n";
  EXPECT_EQ(read_local_config(path).error().message, path + ": broker_url is the local cluster's own: leave it out");
  std::ofstream(path) << "a = \n";
  EXPECT_TRUE(read_local_config(path).error().message.starts_with(path + ":1: "));
  EXPECT_FALSE(read_local_config(dir / "none"));
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
