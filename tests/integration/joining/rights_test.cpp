// What a node, a stranger and a removed node may not do at the broker: a test for each right that one does not have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/identity/certificate.hpp"
#include "common/identity/join_file.hpp"
#include "integration/joining/fixture.hpp"
#include "integration/mqtt/test_client.hpp"

namespace bramble::test {
namespace {

using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// pi01 is whoever holds its certificate; pi02 is another node; the aggregator's own connection sees everything.
class Rights : public JoiningTest {
 protected:
  Rights() {
    wait_until_up();
    pi01_ = keep("pi01");
    pi02_ = keep("pi02");
  }

  std::string keep(const std::string& node) {
    const auto join = identity::parse_join_file(add(node), "f");
    EXPECT_TRUE(join) << join.error().message;
    const std::string path = dir_ / (node + ".pem");
    EXPECT_TRUE(posix::write_file_atomically(path, join->certificate_pem + join->key_pem));
    return path;
  }
  std::unique_ptr<TestClient> client(const std::string& pem, const std::string& id,
                                     std::vector<std::pair<std::string, int>> subscriptions = {}) const {
    return std::make_unique<TestClient>(broker_url(), id, std::move(subscriptions), [&](mqtt::Options& options) {
      options.tls = {authority(), pem, pem, false};
    });
  }
  // A client with the broker's own password, who may read everything.
  std::unique_ptr<TestClient> witness() const {
    const auto json = nlohmann::json::parse(posix::read_file(dir_ / "state/broker/client.json", 4096).value_or("{}"));
    std::string password = posix::read_file(dir_ / "state/broker/password", 4096).value_or("");
    password.resize(password.find('\n'));
    auto made = std::make_unique<TestClient>(json.value("url", ""), "witness",
                                             std::vector<std::pair<std::string, int>>{{"bramble/#", 1}},
                                             [&](mqtt::Options& options) {
                                               options.username = "bramble";
                                               options.password = password;
                                             });
    EXPECT_TRUE(made->connect());
    return made;
  }
  // Until this message has come. The broker delivers in the order in which one client publishes.
  static bool wait_for(TestClient& client, const std::string& payload) {
    for (size_t count = 1; client.wait_messages(count); ++count) {
      if (client.received()[count - 1].payload == payload) return true;
    }
    return false;
  }
  static std::vector<std::string> topics_of(const TestClient& client, const std::string& payload) {
    std::vector<std::string> topics;
    for (const Received& message : client.received()) {
      if (message.payload == payload) topics.push_back(message.topic);
    }
    return topics;
  }
  static std::string topic(const std::string& node, const std::string& what) {
    return "bramble/bramble/node/" + node + "/" + what;
  }

  std::string pi01_;
  std::string pi02_;
};

// The topics of PROTOCOL.md, and who has them, said a second time.
const std::vector<std::string> kWritten = {"status",
                                           "beat",
                                           "telemetry",
                                           "events",
                                           "inventory",
                                           "checkup",
                                           "certificate/request",
                                           "blob/get",
                                           "blob/have",
                                           "blob/up/1.0.1.stdout/11111111-2222-4333-8444-555555555555/0"};
const std::vector<std::string> kRead = {"tasks", "control", "certificate", "blob/want",
                                        "blob/down/" + std::string(64, 'a') + "/0"};
const std::vector<std::string> kOfTheHead = {"bramble/bramble/aggregator/ping",
                                             "bramble/bramble/alert/hot/pi01",
                                             "bramble/bramble/alert/hot",
                                             "bramble/other/node/pi01/status",
                                             "bramble/other/blob/" + std::string(64, 'a') + "/0",
                                             "homeassistant/device/x/config"};

// Chunks that several nodes asked for: read by all, written by the head alone.
const std::string kShared = "bramble/bramble/blob/" + std::string(64, 'a');

TEST_F(Rights, ANodePublishesUnderItsOwnNameOnly) {
  std::vector<std::string> forbidden = kOfTheHead;
  forbidden.insert(forbidden.end(), {"bramble/bramble/aggregator/status", kShared + "/0", "$SYS/x"});
  for (const std::string& each : kRead) forbidden.insert(forbidden.end(), {topic("pi01", each), topic("pi02", each)});
  for (const std::string& each : kWritten) forbidden.push_back(topic("pi02", each));
  const auto seen = witness();
  const auto node = client(pi01_, "node");
  ASSERT_TRUE(node->connect());
  for (const std::string& each : forbidden) {
    ASSERT_TRUE(node->transport().publish({.topic = each, .payload = "forbidden", .qos = 1})) << each;
  }
  for (const std::string& each : kWritten) {
    ASSERT_TRUE(node->transport().publish({.topic = topic("pi01", each), .payload = "allowed", .qos = 1})) << each;
  }
  ASSERT_TRUE(node->transport().publish({.topic = topic("pi01", "checkup"), .payload = "the end", .qos = 1}));
  ASSERT_TRUE(wait_for(*seen, "the end"));
  EXPECT_THAT(topics_of(*seen, "forbidden"), IsEmpty());
  EXPECT_EQ(topics_of(*seen, "allowed").size(), kWritten.size());
}

// A broker may refuse a filter, or grant it and deliver nothing of it: both are good.
TEST_F(Rights, ANodeReadsItsOwnOrdersOnly) {
  const auto head = witness();
  ASSERT_TRUE(
      head->transport().publish({.topic = topic("pi02", "status"), .payload = "secret", .qos = 1, .retained = true}));
  std::vector<std::pair<std::string, int>> own{{kShared + "/#", 0}}, others{{topic("pi01", "control"), 1}};
  for (const std::string& each : kRead) own.emplace_back(topic("pi01", each), 1);
  for (const std::string& each : kRead) others.emplace_back(topic("pi02", each), 1);
  for (const std::string& each : kWritten) others.emplace_back(topic("pi02", each), 1);
  for (const std::string& each : kOfTheHead) others.emplace_back(each, 1);
  const auto node = client(pi01_, "node", own);
  ASSERT_TRUE(node->connect());
  std::vector<std::unique_ptr<TestClient>> spies;
  using Filters = std::vector<std::pair<std::string, int>>;
  for (const Filters& filters :
       {others, Filters{{"#", 1}}, Filters{{"bramble/bramble/node/+/#", 1}}, Filters{{"$share/spies/bramble/#", 1}}}) {
    spies.push_back(client(pi01_, "spy " + std::to_string(spies.size()), filters));
    spies.back()->connect();
  }
  std::vector<std::string> secrets = kOfTheHead;
  for (const std::string& each : kRead) secrets.push_back(topic("pi02", each));
  for (const std::string& each : kWritten) secrets.push_back(topic("pi02", each));
  for (const std::string& each : secrets) {
    ASSERT_TRUE(head->transport().publish({.topic = each, .payload = "secret", .qos = 1})) << each;
  }
  for (const std::string& each : kRead) {
    ASSERT_TRUE(head->transport().publish({.topic = topic("pi01", each), .payload = "mine", .qos = 1})) << each;
  }
  ASSERT_TRUE(head->transport().publish({.topic = kShared + "/0/zstd", .payload = "mine", .qos = 0}));
  ASSERT_TRUE(head->transport().publish({.topic = topic("pi01", "control"), .payload = "the end", .qos = 1}));
  ASSERT_TRUE(wait_for(*node, "the end"));
  EXPECT_EQ(topics_of(*node, "mine").size(), kRead.size() + 1);
  for (const auto& spy : spies) {
    if (spy->transport().connected()) wait_for(*spy, "the end");
    EXPECT_THAT(topics_of(*spy, "secret"), IsEmpty());
  }
}

// What the broker says in a node's name when its connection is gone.
TEST_F(Rights, ANodesWillIsUnderItsOwnNameOnly) {
  const auto seen = witness();
  const auto liar = client(pi01_, "liar");
  const auto honest = client(pi01_, "honest");
  liar->connect(mqtt::Message{.topic = topic("pi02", "status"), .payload = "forbidden", .qos = 1});
  ASSERT_TRUE(honest->connect(mqtt::Message{.topic = topic("pi01", "status"), .payload = "the end", .qos = 1}));
  for (const char* id : {"liar", "honest"}) ASSERT_TRUE(client(pi01_, id)->connect()) << "who takes its place ends it";
  ASSERT_TRUE(wait_for(*seen, "the end"));
  EXPECT_THAT(topics_of(*seen, "forbidden"), IsEmpty());
}

TEST_F(Rights, AStrangerIsNotLetIn) {
  const auto other = identity::make_authority("bramble bramble", {4'000'000'000'000}).value();
  const std::string key = identity::make_key().value();
  const std::string request = identity::make_request(key, "pi01").value();
  const std::string forged = dir_ / "forged.pem";
  ASSERT_TRUE(posix::write_file_atomically(
      forged,
      identity::sign_request(other, request, {"pi01", identity::Purpose::client, {}, {4'000'000'000'000}}).value() +
          key));
  EXPECT_FALSE(client(forged, "forger")->connect());
  EXPECT_FALSE(client("", "nobody")->connect());
  TestClient plain("tcp://127.0.0.1:" + std::to_string(port_), "plain");
  EXPECT_FALSE(plain.connect()) << "no word without TLS";
}

TEST_F(Rights, APasswordIsNoWayInForNodes) {
  TestClient guest(broker_url(), "guest", {}, [&](mqtt::Options& options) {
    options.tls = {authority(), "", "", false};
    options.username = "bramble";
    options.password = posix::read_file(dir_ / "state/broker/password", 4096).value_or("");
  });
  EXPECT_FALSE(guest.connect());
}

TEST_F(Rights, ARemovedNodeIsNotLetInAndOneThatIsConnectedIsNotHeard) {
  const auto node = client(pi01_, "node");
  ASSERT_TRUE(node->connect());
  ASSERT_EQ(bramble({"node", "remove", "pi01"}).status, 0);
  const auto seen = witness();
  const auto again = client(pi01_, "again");
  // The broker reads its lists at its own time.
  for (int i = 0; i < 100 && again->connect(); ++i) again->transport().disconnect(0);
  EXPECT_FALSE(again->transport().connected());
  ASSERT_TRUE(node->transport().publish({.topic = topic("pi01", "checkup"), .payload = "still here", .qos = 1}));
  const auto neighbour = client(pi02_, "neighbour");
  // While it reads them it may hang up on anybody, who comes again then.
  for (int i = 0; i < 100 && !neighbour->connect(); ++i) continue;
  ASSERT_TRUE(neighbour->transport().connected()) << neighbour->reasons().back();
  ASSERT_TRUE(neighbour->transport().publish({.topic = topic("pi02", "checkup"), .payload = "and I", .qos = 1}));
  for (size_t count = 1; seen->wait_messages(count); ++count) {
    if (seen->received().back().payload == "and I") break;
  }
  EXPECT_THAT(seen->received(), Not(Contains(Field(&Received::payload, "still here"))));
}

TEST_F(Rights, NothingButTheListenerOfNodesIsReachedFromOutside) {
  const std::string text = posix::read_file(dir_ / "state/broker/mosquitto.conf", 1 << 20).value_or("");
  size_t listeners = 0;
  for (size_t at = text.find("\nlistener "); at != std::string::npos; at = text.find("\nlistener ", at + 1)) {
    const std::string line = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
    EXPECT_THAT(line, HasSubstr(" 127.0.0.1"));
    ++listeners;
  }
  EXPECT_EQ(listeners, 2U);
  EXPECT_THAT(text, Not(HasSubstr("allow_anonymous true")));
}

}  // namespace
}  // namespace bramble::test
