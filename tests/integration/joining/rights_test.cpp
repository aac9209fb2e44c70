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
  static std::string topic(const std::string& node, const std::string& what) {
    return "bramble/bramble/node/" + node + "/" + what;
  }

  std::string pi01_;
  std::string pi02_;
};

TEST_F(Rights, ANodePublishesUnderItsOwnNameOnly) {
  const auto seen = witness();
  const auto node = client(pi01_, "node");
  ASSERT_TRUE(node->connect());
  const std::vector<std::string> forbidden = {topic("pi02", "status"),
                                              topic("pi02", "beat"),
                                              topic("pi02", "telemetry"),
                                              topic("pi02", "events"),
                                              topic("pi02", "inventory"),
                                              topic("pi02", "blob/get"),
                                              topic("pi01", "tasks"),
                                              topic("pi01", "control"),
                                              topic("pi01", "blob/want"),
                                              topic("pi01", "certificate"),
                                              topic("pi02", "tasks"),
                                              topic("pi02", "certificate/request"),
                                              "bramble/bramble/aggregator/status",
                                              "bramble/bramble/aggregator/ping",
                                              "bramble/bramble/alert/x",
                                              "bramble/other/node/pi01/status",
                                              "homeassistant/device/x/config",
                                              "$SYS/x"};
  for (const std::string& each : forbidden) {
    ASSERT_TRUE(node->transport().publish({.topic = each, .payload = "forbidden", .qos = 1}));
  }
  // The last one is allowed, and comes after all others.
  ASSERT_TRUE(node->transport().publish({.topic = topic("pi01", "checkup"), .payload = "allowed", .qos = 1}));
  const auto arrived = [&] {
    for (const Received& message : seen->received()) {
      if (message.payload == "allowed") return true;
    }
    return false;
  };
  for (size_t count = 1; !arrived() && seen->wait_messages(count); ++count) {
  }
  EXPECT_TRUE(arrived());
  EXPECT_THAT(seen->received(), Not(Contains(Field(&Received::payload, "forbidden"))));
}

TEST_F(Rights, ANodeReadsItsOwnOrdersOnly) {
  const auto other =
      client(pi01_, "spy",
             {{topic("pi02", "tasks"), 1}, {"bramble/#", 1}, {topic("+", "tasks"), 1}, {topic("pi01", "control"), 1}});
  const auto own = client(pi01_, "own", {{topic("pi01", "control"), 1}});
  ASSERT_TRUE(own->connect());
  // The broker refuses a filter, or grants it and delivers nothing of it: both are good.
  other->connect();
  const auto head = witness();
  ASSERT_TRUE(head->transport().publish({.topic = topic("pi02", "tasks"), .payload = "secret", .qos = 1}));
  ASSERT_TRUE(head->transport().publish({.topic = topic("pi02", "blob/down/x/0"), .payload = "secret", .qos = 1}));
  ASSERT_TRUE(head->transport().publish({.topic = topic("pi01", "control"), .payload = "mine", .qos = 1}));
  ASSERT_TRUE(head->wait_messages(3));
  ASSERT_TRUE(own->wait_messages(1));
  EXPECT_EQ(own->received()[0].payload, "mine");
  if (other->transport().connected()) {
    for (size_t count = 1; other->wait_messages(count); ++count) {
      if (other->received().back().payload == "mine") break;
    }
  }
  EXPECT_THAT(other->received(), Not(Contains(Field(&Received::payload, "secret"))));
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
  ASSERT_TRUE(neighbour->connect()) << neighbour->reasons().back();
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
