// API tokens: who gives them out, what is kept of them, and what becomes of a request that is said again.
#include "aggregator/core/tokens.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {
namespace {

using ::testing::HasSubstr;

const Caller kRoot{"root", true};

class Tokens : public testing::Test {
 protected:
  nlohmann::json ask(ApiCall call, int status, const Caller& caller = kRoot) {
    cluster_.ask(std::move(call), caller);
    const ApiReply reply = cluster_.take_reply();
    EXPECT_EQ(reply.http_status, status) << reply.body;
    return nlohmann::json::parse(reply.body);
  }
  static AddTokenRequest wanted(const std::string& name, char digit, Role role = Role::submitter) {
    return {name, role, "ada", std::string(64, digit), {}};
  }
  std::vector<std::string> audited() const {
    std::vector<std::string> lines;
    for (const auto& write : cluster_.writes_of<AddAudit>()) {
      lines.push_back(write.audit.who + ": " + write.audit.action + " (" + write.audit.why + ")");
    }
    return lines;
  }

  Harness cluster_;
};

TEST_F(Tokens, AreGivenOutListedAndRemoved) {
  AddTokenRequest ci = wanted("ci", 'a');
  ci.lifetime_ms = 1000;
  const auto added = ask(ci, 201);
  EXPECT_EQ(added["owner"], "ada");
  EXPECT_EQ(added["expires_ms"], cluster_.now().wall.ms + 1000);
  auto listed = ask(TokensRequest{}, 200);
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0]["name"], "ci");
  EXPECT_EQ(listed[0]["role"], "submitter");
  EXPECT_EQ(listed[0]["created_by"], "root");
  EXPECT_EQ(listed[0]["expired"], false);
  EXPECT_EQ(listed.dump().find(ci.sha256), std::string::npos) << "the digest is nobody's business";
  cluster_.pass(1000);
  EXPECT_EQ(ask(TokensRequest{}, 200)[0]["expired"], true);
  ask(RemoveTokenRequest{"ci"}, 200);
  EXPECT_TRUE(ask(TokensRequest{}, 200).empty());
  EXPECT_EQ(cluster_.writes_of<PutToken>().size(), 1U);
  EXPECT_EQ(cluster_.writes_of<RemoveToken>().size(), 1U);
  EXPECT_THAT(audited(), ::testing::ElementsAre("root: token ci added (submitter, of ada)",
                                                "root: token ci removed (submitter, of ada)"));
}

TEST_F(Tokens, AreTheCallersUnlessAnOwnerIsNamed) {
  AddTokenRequest mine = wanted("mine", 'a');
  mine.owner.clear();
  EXPECT_EQ(ask(mine, 201)["owner"], "root");
}

TEST_F(Tokens, SaidAgainChangeNothing) {
  ask(wanted("ci", 'a'), 201);
  EXPECT_EQ(ask(wanted("ci", 'a'), 200)["name"], "ci");
  EXPECT_EQ(cluster_.writes_of<PutToken>().size(), 1U);
}

TEST_F(Tokens, HaveOneNameAndOneDigestEach) {
  ask(wanted("ci", 'a'), 201);
  EXPECT_THAT(ask(wanted("ci", 'b'), 409)["error"], HasSubstr("there is a token ci already (submitter, of ada)"));
  EXPECT_THAT(ask(wanted("ci", 'a', Role::operator_), 409)["error"], HasSubstr("already"));
  EXPECT_THAT(ask(wanted("other", 'a'), 409)["error"], HasSubstr("this is the token ci"));
}

TEST_F(Tokens, AreNotWithoutNumber) {
  for (size_t i = 0; i < kMaxTokens; ++i) {
    AddTokenRequest token = wanted("t" + std::to_string(i), 'a');
    const std::string number = std::to_string(1000 + i);
    token.sha256.replace(0, number.size(), number);
    ask(token, 201);
  }
  EXPECT_THAT(ask(wanted("more", 'b'), 409)["error"], HasSubstr("there are 256 tokens"));
  ask(RemoveTokenRequest{"t7"}, 200);
  ask(wanted("more", 'b'), 201);
}

TEST_F(Tokens, AreAnOperatorsBusiness) {
  const Caller eve{"eve", false};
  ask(wanted("ci", 'a'), 403, eve);
  ask(RemoveTokenRequest{"ci"}, 403, eve);
  ask(TokensRequest{}, 403, eve);
  EXPECT_TRUE(cluster_.writes_of<PutToken>().empty());
}

TEST_F(Tokens, OneThatIsNotThereIsToldWithTheNearest) {
  ask(wanted("grafana", 'a'), 201);
  EXPECT_EQ(ask(RemoveTokenRequest{"grafna"}, 404)["error"], "unknown token 'grafna'; did you mean 'grafana'?");
}

TEST_F(Tokens, AreThereAfterARestart) {
  LoadedState loaded;
  loaded.tokens.push_back({"ci", Role::viewer, "ada", std::string(64, 'a'), {1}, "root", {}});
  Harness again(std::move(loaded));
  again.ask(TokensRequest{}, kRoot);
  EXPECT_EQ(nlohmann::json::parse(again.take_reply().body)[0]["name"], "ci");
}

TEST_F(Tokens, OpenTheApiOnlyWithTheCommitOfTheirTransaction) {
  Effects effects;
  on_api(cluster_.state(), effects, cluster_.now(), {kRoot, wanted("ci", 'a'), [](const ApiReply&) {}});
  ASSERT_TRUE(effects.tokens) << "let out after the commit, as every effect";
  EXPECT_EQ(effects.tokens->size(), 1U);
  EXPECT_EQ(effects.writes.size(), 2U);
}

}  // namespace
}  // namespace bramble::aggregator::test
