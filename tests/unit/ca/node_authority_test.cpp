// The cluster's authority on a real directory.
#include "aggregator/ca/node_authority.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/base/duration.hpp"
#include "common/posix/files.hpp"
#include "support/temp_dir.hpp"

namespace bramble::aggregator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr WallTime kNow{1'800'000'000'000};  // 2027

class NodeAuthorityTest : public testing::Test {
 protected:
  NodeAuthority open(WallTime now = kNow) {
    auto authority = NodeAuthority::open(dir(), {"home", {"head", "head.local"}, 300 * kDayMs}, now);
    EXPECT_TRUE(authority) << authority.error().message;
    return std::move(*authority);
  }
  std::string dir() const { return temp_.path() + "/ca"; }
  std::string read(const char* name) const { return posix::read_file(dir() + "/" + name, 1 << 20).value_or(""); }
  std::string request(const std::string& node) {
    return identity::make_request(identity::make_key().value(), node).value();
  }

  test::TempDir temp_;
};

TEST_F(NodeAuthorityTest, GivesANodeAnIdentityThatItsAuthoritySigned) {
  NodeAuthority authority = open();
  const auto made = authority.add("pi01", false, kNow);
  ASSERT_TRUE(made);
  EXPECT_TRUE(identity::check_key(made->certificate_pem, made->key_pem));
  EXPECT_TRUE(identity::check_node_certificate(made->certificate_pem, made->ca_pem));
  EXPECT_EQ(identity::read_certificate(made->certificate_pem)->name, "pi01");
  EXPECT_EQ(made->not_after.ms, kNow.ms + 300 * kDayMs);
  EXPECT_THAT(read("acl"), HasSubstr("user pi01"));
}

TEST_F(NodeAuthorityTest, IsTheSameAfterARestart) {
  const auto made = open().add("pi01", false, kNow);
  const std::string ca = read("ca.crt");
  NodeAuthority again = open();
  EXPECT_EQ(read("ca.crt"), ca);
  EXPECT_THAT(again.nodes(), ElementsAre("pi01"));
  EXPECT_TRUE(identity::check_node_certificate(again.add("pi02", false, kNow)->certificate_pem, made->ca_pem));
}

TEST_F(NodeAuthorityTest, KeepsItsKeysToItself) {
  open();
  for (const char* const name : {"ca.key", "head.key", "issued.json", "acl"}) {
    struct stat info {};
    ASSERT_EQ(::stat((dir() + "/" + name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777, 0600U) << name;
  }
  struct stat info {};
  ASSERT_EQ(::stat(dir().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
}

TEST_F(NodeAuthorityTest, DoesNotReplaceAnIdentityUnasked) {
  NodeAuthority authority = open();
  const auto first = authority.add("pi01", false, kNow);
  const auto second = authority.add("pi01", false, kNow);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  EXPECT_THAT(second.error().message, HasSubstr("--replace"));
  EXPECT_THAT(read("issued.json"), Not(HasSubstr("revoked_ms")));
  ASSERT_TRUE(authority.add("pi01", true, kNow));
  EXPECT_THAT(read("issued.json"), HasSubstr("revoked_ms"));
}

TEST_F(NodeAuthorityTest, RevokesARemovedNodeForGood) {
  NodeAuthority authority = open();
  ASSERT_TRUE(authority.add("pi01", false, kNow));
  ASSERT_TRUE(authority.renew("pi01", request("pi01"), kNow));
  const std::string before = read("revoked.pem");
  EXPECT_EQ(authority.remove("pi01", kNow), true);
  EXPECT_NE(read("revoked.pem"), before);
  EXPECT_THAT(read("acl"), Not(HasSubstr("pi01")));
  EXPECT_THAT(authority.nodes(), IsEmpty());
  EXPECT_EQ(authority.remove("pi01", kNow), false);
  EXPECT_EQ(authority.renew("pi01", request("pi01"), kNow).error().code, ErrorCode::not_found);
  EXPECT_THAT(open().nodes(), IsEmpty());
}

TEST_F(NodeAuthorityTest, RenewsForTheNodesOwnNameOnly) {
  NodeAuthority authority = open();
  ASSERT_TRUE(authority.add("pi01", false, kNow));
  const auto renewed = authority.renew("pi01", request("pi01"), {kNow.ms + 200 * kDayMs});
  ASSERT_TRUE(renewed);
  EXPECT_EQ(renewed->not_after.ms, kNow.ms + 500 * kDayMs);
  EXPECT_THAT(renewed->key_pem, IsEmpty());
  EXPECT_EQ(authority.renew("pi01", request("pi02"), kNow).error().code, ErrorCode::denied);
}

TEST_F(NodeAuthorityTest, BoundsTheCertificatesOfANode) {
  NodeAuthority authority = open();
  ASSERT_TRUE(authority.add("pi01", false, kNow));
  for (size_t i = 1; i < kMaxCertificatesOfNode; ++i) ASSERT_TRUE(authority.renew("pi01", request("pi01"), kNow));
  EXPECT_EQ(authority.renew("pi01", request("pi01"), kNow).error().code, ErrorCode::limit);
  EXPECT_TRUE(authority.renew("pi01", request("pi01"), {kNow.ms + 400 * kDayMs}).error().code == ErrorCode::not_found)
      << "all have ended by then";
}

TEST_F(NodeAuthorityTest, IssuesNothingThatHasEndedWhenAnUnsetClockIsSet) {
  NodeAuthority authority = open({0});
  const auto made = authority.add("pi01", false, {0});
  ASSERT_TRUE(made);
  EXPECT_GT(made->not_after.ms, 1'793'491'200'000);
}

TEST_F(NodeAuthorityTest, RenewsTheBrokersCertificateWhenAThirdOfItsLifeIsLeftOrItsNamesChange) {
  NodeAuthority authority = open();
  EXPECT_EQ(authority.keep_head_certificate(kNow), false);
  EXPECT_EQ(authority.keep_head_certificate({kNow.ms + 199 * kDayMs}), false);
  EXPECT_EQ(authority.keep_head_certificate({kNow.ms + 201 * kDayMs}), true);
  const std::string before = read("head.crt");
  auto moved = NodeAuthority::open(dir(), {"home", {"head", "192.168.1.9"}, 300 * kDayMs}, kNow);
  ASSERT_TRUE(moved);
  EXPECT_NE(read("head.crt"), before);
}

TEST_F(NodeAuthorityTest, DoesNotBecomeAnotherAuthorityInSilence) {
  open();
  ASSERT_TRUE(posix::write_file_atomically(dir() + "/ca.key", identity::make_key().value()));
  const auto opened = NodeAuthority::open(dir(), {"home", {}, kDayMs}, kNow);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::corrupt);
  EXPECT_THAT(opened.error().message, HasSubstr("restore"));
}

TEST_F(NodeAuthorityTest, SaysThatItsIndexIsDamaged) {
  open();
  ASSERT_TRUE(posix::write_file_atomically(dir() + "/issued.json", "{"));
  const auto opened = NodeAuthority::open(dir(), {"home", {}, kDayMs}, kNow);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::corrupt);
}

}  // namespace
}  // namespace bramble::aggregator
