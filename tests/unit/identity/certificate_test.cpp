// Keys, certificates and the authority; OpenSSL's own verification is the judge of what comes out.
#include "common/identity/certificate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

namespace bramble::identity {
namespace {

using testing::HasSubstr;

constexpr int64_t kYearMs = 365LL * 24 * 3600 * 1000;
constexpr WallTime kNow{1'800'000'000'000};          // 2027
constexpr WallTime kEnd{kNow.ms + kYearMs};          // of certificates
constexpr WallTime kFarEnd{kNow.ms + 30 * kYearMs};  // of the authority: after 2038

const Authority& authority() {
  static const Authority made = make_authority("bramble test", kFarEnd).value();
  return made;
}

struct Leaf {
  std::string key_pem;
  std::string certificate_pem;
};

Leaf make_leaf(const Authority& by, const std::string& name, Purpose purpose = Purpose::client,
               std::vector<std::string> hosts = {}) {
  Leaf leaf;
  leaf.key_pem = make_key().value();
  leaf.certificate_pem =
      sign_request(by, make_request(leaf.key_pem, name).value(), {name, purpose, std::move(hosts), kEnd}).value();
  return leaf;
}

template <typename Object, typename Read>
std::shared_ptr<Object> read_pem(const std::string& pem, Read read, void (*free)(Object*)) {
  BIO* const bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  std::shared_ptr<Object> object(read(bio, nullptr, nullptr, nullptr), free);
  BIO_free(bio);
  return object;
}

struct Check {
  WallTime at = kNow;
  int purpose = X509_PURPOSE_SSL_CLIENT;
  std::string revocation_list = {};
};

// OpenSSL's verdict: X509_V_OK or an X509_V_ERR_...
int verify(const std::string& certificate_pem, const Authority& by, const Check& check = {}) {
  const auto certificate = read_pem<X509>(certificate_pem, PEM_read_bio_X509, X509_free);
  const auto ca = read_pem<X509>(by.certificate_pem, PEM_read_bio_X509, X509_free);
  const std::shared_ptr<X509_STORE> store(X509_STORE_new(), X509_STORE_free);
  const std::shared_ptr<X509_STORE_CTX> context(X509_STORE_CTX_new(), X509_STORE_CTX_free);
  X509_STORE_add_cert(store.get(), ca.get());
  if (!check.revocation_list.empty()) {
    const auto list = read_pem<X509_CRL>(check.revocation_list, PEM_read_bio_X509_CRL, X509_CRL_free);
    X509_STORE_add_crl(store.get(), list.get());
    X509_STORE_set_flags(store.get(), X509_V_FLAG_CRL_CHECK);
  }
  X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr);
  X509_STORE_CTX_set_purpose(context.get(), check.purpose);
  X509_STORE_CTX_set_time(context.get(), 0, static_cast<time_t>(check.at.ms / 1000));
  X509_verify_cert(context.get());
  return X509_STORE_CTX_get_error(context.get());
}

TEST(Certificate, OfANodeIsTakenForAClientAndNotForAServer) {
  const Leaf leaf = make_leaf(authority(), "pi01");
  EXPECT_EQ(verify(leaf.certificate_pem, authority()), X509_V_OK);
  EXPECT_NE(verify(leaf.certificate_pem, authority(), {.purpose = X509_PURPOSE_SSL_SERVER}), X509_V_OK);
  EXPECT_TRUE(check_node_certificate(leaf.certificate_pem, authority().certificate_pem));
}

TEST(Certificate, OfTheHeadIsTakenForAServerOfItsNamesAndNotForANode) {
  const Leaf leaf =
      make_leaf(authority(), "bramble:head", Purpose::server, {"head.local", "192.168.1.10", "::1", "b\nad,name"});
  EXPECT_EQ(verify(leaf.certificate_pem, authority(), {.purpose = X509_PURPOSE_SSL_SERVER}), X509_V_OK);
  const auto certificate = read_pem<X509>(leaf.certificate_pem, PEM_read_bio_X509, X509_free);
  EXPECT_EQ(X509_check_host(certificate.get(), "head.local", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "192.168.1.10", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "::1", 0), 1);
  EXPECT_EQ(X509_check_host(certificate.get(), "other.local", 0, 0, nullptr), 0);
  EXPECT_FALSE(check_node_certificate(leaf.certificate_pem, authority().certificate_pem));
}

TEST(Certificate, HoldsOnAMachineWhoseClockWasNeverSet) {
  const Leaf leaf = make_leaf(authority(), "pi01");
  EXPECT_EQ(verify(leaf.certificate_pem, authority(), {.at = {60'000}}), X509_V_OK);  // 1970-01-01 00:01
  const auto list = make_revocation_list(authority(), {}, 1);
  ASSERT_TRUE(list);
  EXPECT_EQ(verify(leaf.certificate_pem, authority(), {.at = {60'000}, .revocation_list = *list}), X509_V_OK);
}

TEST(Certificate, EndsWhenItWasOrderedTo) {
  const Leaf leaf = make_leaf(authority(), "pi01");
  EXPECT_EQ(verify(leaf.certificate_pem, authority(), {.at = {kEnd.ms - 1000}}), X509_V_OK);
  EXPECT_EQ(verify(leaf.certificate_pem, authority(), {.at = {kEnd.ms + 1000}}), X509_V_ERR_CERT_HAS_EXPIRED);
}

TEST(Certificate, OfAnotherAuthorityOfTheSameNameIsRefused) {
  const Authority other = make_authority("bramble test", kFarEnd).value();
  const Leaf leaf = make_leaf(other, "pi01");
  EXPECT_NE(verify(leaf.certificate_pem, authority()), X509_V_OK);
  EXPECT_FALSE(check_node_certificate(leaf.certificate_pem, authority().certificate_pem));
}

TEST(Certificate, TellsItsFacts) {
  const Leaf leaf = make_leaf(authority(), "pi01");
  const auto facts = read_certificate(leaf.certificate_pem);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->name, "pi01");
  EXPECT_EQ(facts->issuer, "bramble test");
  EXPECT_EQ(facts->serial.size(), 32U);
  EXPECT_EQ(facts->not_before, WallTime{0});
  EXPECT_EQ(facts->not_after, kEnd);
  EXPECT_EQ(read_certificate(authority().certificate_pem)->not_after, kFarEnd);
}

TEST(Certificate, IsNotMadeForARequestOfAnotherName) {
  const auto request = make_request(make_key().value(), "pi02");
  const auto signed_ = sign_request(authority(), *request, {"pi01", Purpose::client, {}, kEnd});
  ASSERT_FALSE(signed_);
  EXPECT_EQ(signed_.error().code, ErrorCode::denied);
  EXPECT_THAT(signed_.error().message, HasSubstr("'pi02', which is not 'pi01'"));
}

TEST(Certificate, IsNotMadeForWhatIsNoRequest) {
  for (const std::string& text :
       {std::string(), std::string("hello"), make_key().value(), std::string(kMaxPemBytes + 1, 'x')}) {
    EXPECT_FALSE(sign_request(authority(), text, {"pi01", Purpose::client, {}, kEnd}));
  }
}

TEST(Certificate, FitsItsOwnKeyOnly) {
  const Leaf leaf = make_leaf(authority(), "pi01");
  EXPECT_TRUE(check_key(leaf.certificate_pem, leaf.key_pem));
  EXPECT_FALSE(check_key(leaf.certificate_pem, make_key().value()));
  EXPECT_FALSE(check_key(leaf.certificate_pem, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
}

TEST(RevocationList, ShutsOutTheSerialsThatItNames) {
  const Leaf good = make_leaf(authority(), "pi01");
  const Leaf bad = make_leaf(authority(), "pi02");
  const auto list = make_revocation_list(authority(), {{read_certificate(bad.certificate_pem)->serial, kNow}}, 7);
  ASSERT_TRUE(list);
  EXPECT_EQ(verify(good.certificate_pem, authority(), {.revocation_list = *list}), X509_V_OK);
  EXPECT_EQ(verify(bad.certificate_pem, authority(), {.revocation_list = *list}), X509_V_ERR_CERT_REVOKED);
}

TEST(RevocationList, IsNotOverdueWhileTheAuthorityLives) {
  if (sizeof(time_t) < sizeof(int64_t)) GTEST_SKIP() << "this machine's time ends in 2038, before such an authority";
  const Authority long_lived = make_authority("a", kFarEnd).value();
  Leaf leaf;
  leaf.key_pem = make_key().value();
  leaf.certificate_pem =
      sign_request(long_lived, make_request(leaf.key_pem, "pi01").value(), {"pi01", Purpose::client, {}, kFarEnd})
          .value();
  const auto list = make_revocation_list(long_lived, {}, 1);
  EXPECT_EQ(verify(leaf.certificate_pem, long_lived, {.at = {kFarEnd.ms - 1000}, .revocation_list = *list}), X509_V_OK);
}

TEST(RevocationList, RefusesASerialThatIsNone) {
  EXPECT_FALSE(make_revocation_list(authority(), {{"not hex", kNow}}, 1));
}

}  // namespace
}  // namespace bramble::identity
