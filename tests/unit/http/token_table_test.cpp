#include "aggregator/http/token_table.hpp"

#include <gtest/gtest.h>

#include "aggregator/http/requests.hpp"
#include "common/posix/digest.hpp"

namespace bramble::aggregator::http {
namespace {

constexpr WallTime kAdmittedAt{1000};

TokenRecord record(const std::string& name, const std::string& token, Role role) {
  return {name, role, "ada", posix::sha256_hex(token), {}, "root", {}};
}

class TokenTableTest : public testing::Test {
 protected:
  TokenTableTest() : table_("sesame") {
    TokenRecord old = record("old", "old-token", Role::operator_);
    old.expires = kAdmittedAt;
    table_.set({record("looks", "look-token", Role::viewer), record("ci", "ci-token", Role::submitter), old});
  }
  int status_of(const std::optional<std::string>& token, Role needs) const {
    const auto who = table_.admit(token, needs, kAdmittedAt);
    const auto* refused = std::get_if<Refusal>(&who);
    return refused == nullptr ? 200 : refused->http_status;
  }
  std::string sentence(const std::optional<std::string>& token, Role needs) const {
    const auto who = table_.admit(token, needs, kAdmittedAt);
    const auto* refused = std::get_if<Refusal>(&who);
    return refused == nullptr ? "admitted" : refused->sentence;
  }

  TokenTable table_;
};

TEST_F(TokenTableTest, ATokenGoesAsFarAsItsRole) {
  EXPECT_EQ(status_of("look-token", Role::viewer), 200);
  EXPECT_EQ(status_of("look-token", Role::submitter), 403);
  EXPECT_EQ(status_of("ci-token", Role::submitter), 200);
  EXPECT_EQ(status_of("ci-token", Role::operator_), 403);
  const auto who = table_.admit("ci-token", Role::submitter, kAdmittedAt);
  ASSERT_TRUE(std::holds_alternative<Caller>(who));
  EXPECT_EQ(std::get<Caller>(who).user, "ada");
  EXPECT_FALSE(std::get<Caller>(who).operator_);
}

TEST_F(TokenTableTest, TheTokenOfTheFileIsAnOperators) {
  const auto who = table_.admit("sesame", Role::operator_, kAdmittedAt);
  ASSERT_TRUE(std::holds_alternative<Caller>(who));
  EXPECT_EQ(std::get<Caller>(who).user, "operator");
  EXPECT_TRUE(std::get<Caller>(who).operator_);
}

TEST_F(TokenTableTest, WhatIsNoTokenOpensNothing) {
  for (const char* wrong : {"", "sesam", "sesame ", "ci-tokem"})
    EXPECT_EQ(status_of(wrong, Role::viewer), 401) << wrong;
  EXPECT_EQ(status_of(posix::sha256_hex("ci-token"), Role::viewer), 401) << "who has read the digest has no token";
  EXPECT_EQ(status_of(std::nullopt, Role::viewer), 401);
  const TokenTable none("");
  EXPECT_TRUE(std::holds_alternative<Refusal>(none.admit("", Role::viewer, kAdmittedAt)));
}

TEST_F(TokenTableTest, OneThatHasExpiredOrWasRemovedOpensNothing) {
  EXPECT_EQ(status_of("old-token", Role::viewer), 401);
  EXPECT_EQ(sentence("old-token", Role::viewer),
            "the token old has expired: an operator makes another one (bramble token add)");
  table_.set({});
  EXPECT_EQ(status_of("ci-token", Role::viewer), 401);
}

TEST_F(TokenTableTest, WhoIsRefusedIsToldWhatWouldHelp) {
  EXPECT_EQ(
      sentence("look-token", Role::submitter),
      "this needs a submitter, and the token looks is a viewer's: an operator makes another one (bramble token add "
      "NAME --role submitter)");
}

TEST(ParseToken, TakesNameRoleAndDigest) {
  const std::string sha(64, 'a');
  const auto token =
      parse_token(R"({"name":"ci","role":"submitter","owner":"ada","lifetime_s":60,"sha256":")" + sha + "\"}");
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(token->name, "ci");
  EXPECT_EQ(token->role, Role::submitter);
  EXPECT_EQ(token->owner, "ada");
  EXPECT_EQ(token->sha256, sha);
  EXPECT_EQ(token->lifetime_ms, 60'000);
}

TEST(ParseToken, SaysWhatIsWrong) {
  const std::string sha = R"("sha256":")" + std::string(64, 'a') + '"';
  const std::pair<std::string, const char*> bad[] = {
      {R"({"name":"c i","role":"viewer",)" + sha + "}", "name must be a name"},
      {R"({"name":"ci","role":"none",)" + sha + "}", "role must be viewer, submitter or operator"},
      {R"({"name":"ci","role":"root",)" + sha + "}", "role must be"},
      {R"({"name":"ci","role":"viewer","sha256":"AB"})", "sha256 must be"},
      {R"({"name":"ci","role":"viewer"})", "sha256"},
      {R"({"name":"ci","role":"viewer","lifetime_s":0,)" + sha + "}", "lifetime_s"},
      {R"({"name":"ci","role":"viewer","owner":"",)" + sha + "}", "owner"},
      {R"({"name":"ci","roles":"viewer",)" + sha + "}", "did you mean 'role'"},
      {"[]", "object"}};
  for (const auto& [body, complaint] : bad) {
    const auto token = parse_token(body);
    ASSERT_FALSE(token) << body;
    EXPECT_NE(token.error().message.find(complaint), std::string::npos) << token.error().message;
  }
}

}  // namespace
}  // namespace bramble::aggregator::http
