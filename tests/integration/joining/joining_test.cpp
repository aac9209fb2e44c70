// From nothing to a node that works, renews its certificate, and is removed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <regex>

#include "common/identity/certificate.hpp"
#include "common/identity/join_file.hpp"
#include "integration/joining/fixture.hpp"

namespace bramble::test {
namespace {

using testing::HasSubstr;

using Joining = JoiningTest;

TEST_F(Joining, ANodeThatWasAddedJoinsOverTlsAndWorks) {
  wait_until_up();
  const auto node = join("pi07");
  const Ran ran = bramble({"run", "--", "echo", "hello"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.out, "hello\n");
  struct stat info {};
  ASSERT_EQ(::stat((node->identity() + "/node.pem").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(Joining, AnAgentThatIsNotJoinedWaitsAndSaysWhatToDo) {
  wait_until_up();
  JoiningNode node(dir_ / "pi07", "pi07");
  node.agent.start();
  node.agent.wait_logged("bramble node add");
  ASSERT_EQ(node.take(add("pi07")).status, 0);
  wait_for_node("pi07", "on");
}

TEST_F(Joining, ARemovedNodeIsForgottenAndNotLetInAgainUntilItIsAddedAnew) {
  wait_until_up();
  const auto node = join("pi07");
  const Ran removed = bramble({"node", "remove", "pi07", "--reason", "sold"});
  EXPECT_EQ(removed.status, 0) << removed.err;
  EXPECT_EQ(nlohmann::json::parse(bramble({"node", "list", "--json"}).out), nlohmann::json::array());
  node->agent.stop();
  node->agent.start();
  node->agent.wait_logged("bramble node add' makes a new one");
  EXPECT_EQ(nlohmann::json::parse(bramble({"node", "list", "--json"}).out), nlohmann::json::array());
  EXPECT_THAT(bramble({"audit"}).out, HasSubstr("sold"));

  ASSERT_EQ(node->take(add("pi07")).status, 0);
  node->agent.stop();
  node->agent.start();
  wait_for_node("pi07", "on");
}

TEST_F(Joining, ACertificateIsRenewedWhileItHolds) {
  wait_until_up();
  JoiningNode node(dir_ / "pi07", "pi07");
  const std::string due = std::regex_replace(add("pi07"), std::regex("renew_after_ms = [0-9]+"), "renew_after_ms = 0");
  ASSERT_EQ(node.take(due).status, 0);
  const std::string old = posix::read_file(node.identity() + "/node.pem", 1 << 20).value_or("");
  node.agent.start();
  node.agent.wait_logged("certificate is renewed");
  const std::string fresh = posix::read_file(node.identity() + "/node.pem", 1 << 20).value_or("");
  EXPECT_NE(identity::read_certificate(fresh)->serial, identity::read_certificate(old)->serial);
  EXPECT_TRUE(identity::check_key(fresh, fresh));
  node.agent.stop();
  node.agent.start();
  wait_for_node("pi07", "on");
  EXPECT_THAT(bramble({"audit"}).out, HasSubstr("certificate renewed"));
}

TEST_F(Joining, ARestartOfTheAggregatorKeepsNodesJoined) {
  wait_until_up();
  const auto node = join("pi07");
  aggregator_.stop();
  aggregator_.start();
  aggregator_.wait_logged("connected to the broker", 2);
  wait_for_node("pi07", "on");
  EXPECT_EQ(bramble({"run", "--", "true"}).status, 0);
}

TEST_F(Joining, TwoNodesWithOneIdentityAreToldApart) {
  wait_until_up();
  const auto node = join("pi07");
  JoiningNode clone(dir_ / "clone", "clone");
  const std::string text = posix::read_file(dir_ / "pi07/node.join", 1 << 20).value_or("");
  ASSERT_EQ(clone.take(text).status, 0);
  clone.agent.start();
  aggregator_.wait_logged("refused a second agent");
  clone.agent.wait_logged("give one of them another name");
  EXPECT_EQ(bramble({"run", "--", "true"}).status, 0) << "the first one stays";
}

TEST_F(Joining, ANodeThatIsCalledOtherwiseInItsConfigurationSaysBothNames) {
  wait_until_up();
  JoiningNode node(dir_ / "pi08", "pi08", "node = \"pi08\"\n");
  const Ran taken = node.take(add("pi07"));
  EXPECT_EQ(taken.status, 1);
  EXPECT_THAT(taken.out, HasSubstr("node is 'pi08', but this node was joined as 'pi07'"));
}

TEST_F(Joining, WhatIsNoJoinFileIsRefusedAndChangesNothing) {
  wait_until_up();
  const auto node = join("pi07");
  const std::string before = posix::read_file(node->identity() + "/joined.toml", 1 << 20).value_or("");
  const std::string whole = add("pi08");
  for (const std::string& text : {std::string(), std::string("hello"), whole.substr(0, whole.size() / 2)}) {
    const Ran taken = node->take(text);
    EXPECT_EQ(taken.status, 1);
    EXPECT_THAT(taken.out, HasSubstr("bramble node add"));
  }
  EXPECT_EQ(posix::read_file(node->identity() + "/joined.toml", 1 << 20).value_or(""), before);
}

TEST_F(Joining, WhatIsOddAboutAJoinFileIsSaid) {
  wait_until_up();
  const auto authority = identity::make_authority("another", {1'900'000'000'000});
  const auto key = identity::make_key();
  ASSERT_TRUE(authority && key);
  const auto certificate = identity::sign_request(*authority, identity::make_request(*key, "pi07").value(),
                                                  {"pi07", identity::Purpose::client, {}, {1'700'000'000'000}});
  ASSERT_TRUE(certificate);
  JoiningNode node(dir_ / "pi07", "pi07");
  ASSERT_EQ(node.take(add("pi07")).status, 0);
  auto join = identity::parse_join_file(add("pi08"), "f").value();
  join.node = "pi07";
  join.ca_pem = authority->certificate_pem;
  join.certificate_pem = *certificate;
  join.key_pem = *key;
  const Ran taken = node.take(identity::format_join_file(join));
  EXPECT_EQ(taken.status, 0) << taken.out;
  EXPECT_THAT(taken.out, HasSubstr("its certificate has ended"));
  EXPECT_THAT(taken.out, HasSubstr("it was joined to another cluster, as pi07"));
}

TEST_F(Joining, SeveralNodesAreAddedIntoAFolder) {
  wait_until_up();
  EXPECT_EQ(bramble({"node", "add", "pi[01-03]"}).status, 2);
  EXPECT_EQ(bramble({"node", "add", "pi[01-03]", "--output", dir_ / "joins"}).status, 0);
  for (const char* const name : {"pi01", "pi02", "pi03"}) {
    const std::string text = posix::read_file(dir_ / "joins" + "/" + name + ".join", 1 << 20).value_or("");
    const auto join = identity::parse_join_file(text, "f");
    ASSERT_TRUE(join) << join.error().message;
    EXPECT_EQ(join->node, name);
    EXPECT_EQ(join->broker_url, broker_url());
  }
  const Ran again = bramble({"node", "add", "pi02", "--output", dir_ / "x.join"});
  EXPECT_EQ(again.status, 1);
  EXPECT_THAT(again.err, HasSubstr("--replace"));
}

}  // namespace
}  // namespace bramble::test
