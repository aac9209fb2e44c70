// TLS with a real broker: who is let in, and what is said to who is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/identity/certificate.hpp"
#include "common/posix/files.hpp"
#include "integration/mqtt/test_client.hpp"
#include "support/mosquitto.hpp"
#include "support/temp_dir.hpp"

namespace bramble::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

constexpr WallTime kEnd{4'000'000'000'000};  // 2096

// An authority, a broker that trusts it, and certificates of anybody.
class PahoTls : public testing::Test {
 protected:
  PahoTls() {
    write("ca.crt", authority_.certificate_pem);
    write("other.crt", other_.certificate_pem);
    write("head.pem", leaf(authority_, "head", identity::Purpose::server));
    write("revoked.pem", identity::make_revocation_list(authority_, {}, 1).value());
  }

  std::string write(const std::string& name, const std::string& text) {
    EXPECT_TRUE(posix::write_file_atomically(dir_ / name, text));
    return dir_ / name;
  }
  // Certificate and key in one text.
  static std::string leaf(const identity::Authority& by, const std::string& name,
                          identity::Purpose purpose = identity::Purpose::client, WallTime end = kEnd) {
    const std::string key = identity::make_key().value();
    const std::string request = identity::make_request(key, name).value();
    return identity::sign_request(by, request, {name, purpose, {"head.test"}, end}).value() + key;
  }
  MosquittoOptions options() const {
    return {.extra_lines = {"cafile " + dir_ / "ca.crt", "certfile " + dir_ / "head.pem",
                            "keyfile " + dir_ / "head.pem", "crlfile " + dir_ / "revoked.pem",
                            "require_certificate true", "use_identity_as_username true"}};
  }
  static std::string url(const Mosquitto& broker) { return "ssl://127.0.0.1:" + std::to_string(broker.port()); }
  std::function<void(mqtt::Options&)> with(const std::string& pem, const std::string& ca = "ca.crt") {
    return [this, file = pem.empty() ? "" : write("mine.pem", pem), ca](mqtt::Options& options) {
      options.tls = {dir_ / ca, file, file, false};
    };
  }
  std::string why_refused(const Mosquitto& broker, const std::function<void(mqtt::Options&)>& adjust) {
    TestClient client(url(broker), "client", {}, adjust);
    EXPECT_FALSE(client.connect());
    return client.reasons().empty() ? "" : client.reasons().back();
  }

  TempDir dir_;
  const identity::Authority authority_ = identity::make_authority("ours", kEnd).value();
  const identity::Authority other_ = identity::make_authority("theirs", kEnd).value();
};

TEST_F(PahoTls, ANodeWithACertificateOfTheAuthorityIsLetIn) {
  const Mosquitto broker(options());
  TestClient client(url(broker), "client", {{"a", 1}}, with(leaf(authority_, "pi01")));
  ASSERT_TRUE(client.connect());
  ASSERT_TRUE(client.transport().publish({.topic = "a", .payload = "1", .qos = 1}));
  EXPECT_TRUE(client.wait_messages(1));
}

TEST_F(PahoTls, WithoutACertificateNobodyIsLetIn) {
  const Mosquitto broker(options());
  EXPECT_THAT(why_refused(broker, with("")), HasSubstr("certificate"));
}

TEST_F(PahoTls, ACertificateOfAnotherAuthorityIsRefused) {
  const Mosquitto broker(options());
  EXPECT_THAT(why_refused(broker, with(leaf(other_, "pi01"))), HasSubstr("another cluster"));
}

TEST_F(PahoTls, ACertificateThatHasEndedIsRefused) {
  const Mosquitto broker(options());
  const std::string ended = leaf(authority_, "pi01", identity::Purpose::client, {1'000'000'000'000});
  EXPECT_THAT(why_refused(broker, with(ended)), HasSubstr("bramble node add"));
}

TEST_F(PahoTls, ACertificateForServersIsNotANodes) {
  const Mosquitto broker(options());
  EXPECT_THAT(why_refused(broker, with(leaf(authority_, "pi01", identity::Purpose::server))), HasSubstr("certificate"));
}

TEST_F(PahoTls, ARevokedCertificateIsRefusedByABrokerThatReadsItsListAnew) {
  const std::string mine = leaf(authority_, "pi01");
  const Mosquitto broker(options());
  TestClient first(url(broker), "first", {}, with(mine));
  ASSERT_TRUE(first.connect());
  write("revoked.pem",
        identity::make_revocation_list(authority_, {{identity::read_certificate(mine)->serial, {1}}}, 2).value());
  ASSERT_EQ(::kill(broker.pid(), SIGHUP), 0);
  // The broker says when it has read it; until then it may let one more in.
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (broker.log().find("Reloading config") == std::string::npos && std::chrono::steady_clock::now() < give_up) {
  }
  EXPECT_THAT(why_refused(broker, with(mine)), HasSubstr("bramble node add"));
}

TEST_F(PahoTls, ABrokerOfAnotherAuthorityIsNotBelieved) {
  const Mosquitto broker(options());
  EXPECT_THAT(why_refused(broker, with(leaf(authority_, "pi01"), "other.crt")), HasSubstr("authority"));
}

TEST_F(PahoTls, ANodeThatPlaysTheBrokerIsNotBelieved) {
  write("head.pem", leaf(authority_, "pi66"));  // a certificate for clients
  const Mosquitto broker(options());
  EXPECT_THAT(why_refused(broker, with(leaf(authority_, "pi01"))), HasSubstr("authority"));
}

TEST_F(PahoTls, TheBrokersNameIsCheckedWhereThatIsAsked) {
  const Mosquitto broker(options());
  const auto checking = [this, own = with(leaf(authority_, "pi01"))](mqtt::Options& options) {
    own(options);
    options.tls.verify_host = true;
  };
  EXPECT_NE(why_refused(broker, checking), "") << "its certificate is for head.test";
}

TEST_F(PahoTls, ABrokerWithoutTlsOnThatPortIsToldSo) {
  const Mosquitto broker;
  EXPECT_THAT(why_refused(broker, with(leaf(authority_, "pi01"))), HasSubstr("speak TLS"));
}

TEST_F(PahoTls, TheWaysToABrokerAreTriedInTurn) {
  const Mosquitto broker(options());
  const int nobody = free_port();
  TestClient client("ssl://127.0.0.1:" + std::to_string(nobody) + "," + url(broker), "client", {},
                    with(leaf(authority_, "pi01")));
  EXPECT_FALSE(client.connect());
  EXPECT_TRUE(client.connect());
}

}  // namespace
}  // namespace bramble::test
