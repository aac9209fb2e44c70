// The API over TLS: who listens beyond loopback, and what people are told whose certificates do not fit.
#include <fstream>

#include "fixture.hpp"
#include "support/certificates.hpp"

namespace bramble::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class AggregatorOverTls : public AggregatorTest {
 protected:
  void write(const std::string& name, const std::string& text) const { std::ofstream(dir_ / name) << text; }

  void write_pair(const CertifiedKey& pair) const {
    write("cert.pem", pair.certificate_pem);
    write("key.pem", pair.key_pem);
  }
  std::string tls_config(const std::string& listen) const {
    return config(dir_ / "state", "tcp://127.0.0.1:1",
                  "tcp_listen = \"" + listen + "\"\ntls_cert_file = \"" + dir_ / "cert.pem" + "\"\ntls_key_file = \"" +
                      dir_ / "key.pem" + "\"\n");
  }
  void start(const std::string& listen = "127.0.0.1:0") {
    write("ca.pem", authority_.certificate_pem());
    aggregator_.emplace(dir_.path(), tls_config(listen));
    aggregator_->start();
    aggregator_->wait_logged("reached over TCP");
    const std::string log = aggregator_->log();
    const size_t at = log.rfind(':', log.find('\n', log.find(" tcp=")));
    port_ = std::to_string(std::stoi(log.substr(at + 1)));
    write("token", bramble({"token", "add", "ci", "--role", "viewer"}).out);
  }
  // Of an aggregator that does not start.
  std::string complaint(const std::string& text) {
    AggregatorProcess aggregator(dir_ / "refused", text);
    aggregator.start();
    EXPECT_FALSE(aggregator.wait_for_end().success());
    return aggregator.log();
  }
  Ran list(const std::string& address, const std::string& ca = "ca.pem") const {
    return run_bramble(address + ":" + port_,
                       {"--ca", dir_ / ca, "--token-file", dir_ / "token", "job", "list", "--json"});
  }

  TestAuthority authority_;
  std::optional<AggregatorProcess> aggregator_;
  std::string port_;
};

TEST_F(AggregatorOverTls, TheCommandTrustsTheAuthorityThatItIsGiven) {
  write_pair(authority_.issue("DNS:localhost,IP:127.0.0.1"));
  start("0.0.0.0:0");
  const Ran listed = list("https://127.0.0.1");
  EXPECT_EQ(listed.out, "[]\n") << listed.err;
  EXPECT_EQ(list("https://localhost").out, "[]\n");
}

TEST_F(AggregatorOverTls, AForeignAuthorityIsToldWithWhatNamesTheRightOne) {
  write_pair(authority_.issue("IP:127.0.0.1"));
  start();
  write("other.pem", TestAuthority().certificate_pem());
  const Ran refused = list("https://127.0.0.1", "other.pem");
  EXPECT_EQ(refused.status, 3);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("is not to be trusted"), HasSubstr("--ca FILE")));
  const Ran without = run_bramble("https://127.0.0.1:" + port_, {"--token-file", dir_ / "token", "job", "list"});
  EXPECT_THAT(without.err, HasSubstr("is not to be trusted"));
}

TEST_F(AggregatorOverTls, AnExpiredCertificateIsToldOnBothSides) {
  write_pair(authority_.issue("IP:127.0.0.1", {-3600, -60}));
  start();
  EXPECT_THAT(list("https://127.0.0.1").err, HasSubstr("has expired"));
  EXPECT_THAT(aggregator_->log(), HasSubstr("has expired: callers over TCP will refuse it"));
}

TEST_F(AggregatorOverTls, ACertificateThatWasRenewedServesWithoutARestart) {
  write_pair(authority_.issue("DNS:head.example"));
  start();
  ASSERT_THAT(list("https://127.0.0.1").err, HasSubstr("is not for 127.0.0.1"));
  write_pair(authority_.issue("IP:127.0.0.1"));
  aggregator_->wait_logged("the API has a new certificate");
  EXPECT_EQ(list("https://127.0.0.1").out, "[]\n");
}

TEST_F(AggregatorOverTls, APairThatDoesNotFitIsNotTakenInPlaceOfOneThatServes) {
  write_pair(authority_.issue("IP:127.0.0.1"));
  start();
  write("key.pem", authority_.issue("IP:127.0.0.1").key_pem);
  aggregator_->wait_logged("goes on with its old certificate");
  EXPECT_EQ(list("https://127.0.0.1").out, "[]\n");
}

TEST_F(AggregatorOverTls, ACertificateThatIsNotValidYetAsksForTheClock) {
  write_pair(authority_.issue("IP:127.0.0.1", {1800, 3600}));
  start();
  EXPECT_THAT(list("https://127.0.0.1").err, AllOf(HasSubstr("is not valid yet"), HasSubstr("clock")));
}

TEST_F(AggregatorOverTls, ACertificateOfAnotherMachineIsToldWithTheNameThatWasAsked) {
  write_pair(authority_.issue("DNS:head.example"));
  start();
  EXPECT_THAT(list("https://127.0.0.1").err, HasSubstr("is not for 127.0.0.1"));
}

TEST_F(AggregatorOverTls, PlainHttpToItIsToldToTryTls) {
  write_pair(authority_.issue("IP:127.0.0.1"));
  start();
  const Ran refused = list("http://127.0.0.1");
  EXPECT_EQ(refused.status, 3);
  EXPECT_THAT(refused.err, HasSubstr("perhaps it is https:// there"));
}

TEST_F(AggregatorOverTls, TlsToPlainHttpIsToldSo) {
  write("ca.pem", authority_.certificate_pem());
  write("token", "x");
  aggregator_.emplace(dir_.path(), config(dir_ / "state", "tcp://127.0.0.1:1", "tcp_listen = \"127.0.0.1:0\"\n"));
  aggregator_->start();
  aggregator_->wait_logged("reached over TCP");
  const std::string log = aggregator_->log();
  port_ = std::to_string(std::stoi(log.substr(log.find("tcp=127.0.0.1:") + 14)));
  const Ran refused = list("https://127.0.0.1");
  EXPECT_EQ(refused.status, 3);
  EXPECT_THAT(refused.err, HasSubstr("nothing speaks TLS at"));
}

TEST_F(AggregatorOverTls, NothingListensBeyondLoopbackWithoutIt) {
  const std::string said = complaint(config(dir_ / "state", "tcp://127.0.0.1:1", "tcp_listen = \"0.0.0.0:0\"\n"));
  EXPECT_THAT(said, AllOf(HasSubstr("without TLS"), HasSubstr("tls_cert_file"), HasSubstr("ssh -L")));
}

TEST_F(AggregatorOverTls, APairThatCouldNeverServeIsRefusedAtTheStart) {
  const CertifiedKey one = authority_.issue("IP:127.0.0.1");
  write_pair({one.certificate_pem, authority_.issue("IP:127.0.0.1").key_pem});
  EXPECT_THAT(complaint(tls_config("127.0.0.1:0")), HasSubstr("does not belong to the certificate"));
  write_pair({"nothing", one.key_pem});
  EXPECT_THAT(complaint(tls_config("127.0.0.1:0")), HasSubstr("holds no certificate in PEM"));
  write_pair({one.certificate_pem, "nothing"});
  EXPECT_THAT(complaint(tls_config("127.0.0.1:0")), HasSubstr("holds no private key"));
  EXPECT_THAT(
      complaint(config(dir_ / "state", "tcp://127.0.0.1:1", "tcp_listen = \"127.0.0.1:0\"\ntls_cert_file = \"/x\"\n")),
      HasSubstr("go together"));
}

}  // namespace
}  // namespace bramble::test
