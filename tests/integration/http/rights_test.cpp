// Every endpoint is asked for in every role: what a role may not do is refused before anything behind the door hears
// of it.
#include <sys/stat.h>

#include "aggregator/http/refusal_log.hpp"
#include "aggregator/http/routes.hpp"
#include "common/posix/digest.hpp"
#include "common/posix/system_clock.hpp"
#include "integration/http/other_user.hpp"
#include "integration/http/server_fixture.hpp"

namespace bramble::aggregator::http {
namespace {

constexpr Role kRoles[] = {Role::none, Role::viewer, Role::submitter, Role::operator_};

class RightsTest : public ServerTest {
 protected:
  RightsTest() {
    port_.answer_the_rest({200, "{}", {}});
    jobs_.add_job(1, "ada", JobState::running);
  }

  // A request for the endpoint with numbers that there are, and a body that nothing can be done with.
  static std::string path_of(const Rule& rule) {
    std::string path(rule.path);
    for (size_t at = path.find('#'); at != std::string::npos; at = path.find('#')) path.replace(at, 1, "1");
    return path;
  }
  Response ask(const Rule& rule) { return rule.method == "GET" ? get(path_of(rule)) : post(path_of(rule), "[]"); }

  void expect_refused(const Rule& rule, const Response& response, size_t asked_before) {
    EXPECT_EQ(response.status, 403) << rule.method << ' ' << rule.path;
    EXPECT_EQ(port_.rest_answered(), asked_before) << rule.method << ' ' << rule.path << " went past the door";
    EXPECT_EQ(files_.counts().writers + files_.counts().dropped, 0U);
  }
};

class RightsOfTokens : public RightsTest {
 protected:
  RightsOfTokens() {
    options.token.clear();
    for (const Role role : kRoles) {
      if (role != Role::none) options.tokens.push_back(token_of(role));
    }
    TokenRecord old = token_of(Role::operator_);
    old.name = "old";
    old.sha256 = posix::sha256_hex("old-token");
    old.expires = WallTime{1};
    options.tokens.push_back(old);
  }

  static std::string text_of(Role role) { return std::string(to_string(role)) + "-token"; }
  static TokenRecord token_of(Role role) {
    return {std::string(to_string(role)), role, "ada", posix::sha256_hex(text_of(role)), {}, "root", {}};
  }
  static Headers with(const std::string& token) { return {{"Authorization", "Bearer " + token}}; }
  Response ask_with(const Headers& headers, const Rule& rule) {
    return rule.method == "GET" ? tcp_get(path_of(rule), headers) : tcp_post(path_of(rule), "[]", headers);
  }
  // Every endpoint, whoever asks with these headers.
  void expect_all_refused(const Headers& headers, int status) {
    for (const Rule& rule : rules()) {
      EXPECT_EQ(ask_with(headers, rule).status, status) << rule.method << ' ' << rule.path;
    }
    EXPECT_EQ(port_.rest_answered(), 0U);
  }
};

TEST_F(RightsOfTokens, EachRoleReachesWhatTheTableSaysAndNothingElse) {
  for (const Role role : {Role::viewer, Role::submitter, Role::operator_}) {
    for (const Rule& rule : rules()) {
      const size_t before = port_.rest_answered();
      const Response response = ask_with(with(text_of(role)), rule);
      if (role < rule.role) {
        expect_refused(rule, response, before);
      } else {
        EXPECT_NE(response.status, 0) << rule.method << ' ' << rule.path;
        EXPECT_NE(response.status, 401) << rule.method << ' ' << rule.path;
        EXPECT_NE(response.status, 403) << rule.method << ' ' << rule.path << ": " << response.error();
      }
    }
  }
}

TEST_F(RightsOfTokens, AStrangerReachesNothing) {
  expect_all_refused({}, 401);
  expect_all_refused(with("wrong-token"), 401);
  expect_all_refused(with(token_of(Role::operator_).sha256), 401);
}

TEST_F(RightsOfTokens, OneThatHasExpiredReachesNothing) { expect_all_refused(with("old-token"), 401); }

TEST_F(RightsOfTokens, OneThatWasRemovedReachesNothing) {
  start();
  server_->set_tokens({});
  expect_all_refused(with(text_of(Role::operator_)), 401);
}

TEST_F(RightsOfTokens, APageOfAnotherOriginReachesNothingWithAnybodysToken) {
  Headers headers = with(text_of(Role::operator_));
  headers.emplace("Origin", "http://evil.example");
  expect_all_refused(headers, 403);
  headers = with(text_of(Role::operator_));
  headers.emplace("Host", "evil.example");
  expect_all_refused(headers, 421);
}

TEST_F(RightsOfTokens, ASubmitterChangesOnlyJobsOfItsOwner) {
  jobs_.add_job(2, "bob", JobState::running);
  for (const char* path : {"/api/v1/jobs/cancel", "/api/v1/jobs/retry", "/api/v1/jobs/forget"}) {
    EXPECT_NE(tcp_post(path, R"({"jobs":"1"})", with(text_of(Role::submitter))).status, 403) << path;
    const Response others = tcp_post(path, R"({"jobs":"2"})", with(text_of(Role::submitter)));
    EXPECT_EQ(others.status, 403) << path;
    EXPECT_EQ(others.error(), "job 2 is bob's");
    EXPECT_NE(tcp_post(path, R"({"jobs":"2"})", with(text_of(Role::operator_))).status, 403) << path;
  }
}

TEST_F(RightsOfTokens, EveryKindOfRefusalIsToldForTheAuditLog) {
  Headers foreign = with(text_of(Role::operator_));
  foreign.emplace("Origin", "http://evil.example");
  Headers elsewhere = with(text_of(Role::operator_));
  elsewhere.emplace("Host", "evil.example");
  tcp_get("/api/v1/nodes", {});
  tcp_get("/api/v1/nodes", foreign);
  tcp_get("/api/v1/nodes", elsewhere);
  tcp_get("/api/v1/jobs/2", with("old-token"));
  tcp_post("/api/v1/jobs", "{}", with(text_of(Role::viewer)));
  jobs_.add_job(2, "bob", JobState::running);
  tcp_post("/api/v1/jobs/cancel", R"({"jobs":"2"})", with(text_of(Role::submitter)));
  std::vector<std::string> told;
  for (const Refused& entry : refused()) {
    EXPECT_EQ(entry.from, "127.0.0.1");
    told.push_back(entry.who + ": " + entry.what + ": " + entry.why.substr(0, 22));
  }
  EXPECT_EQ(told, (std::vector<std::string>{": GET /api/v1/nodes: a token is needed: sen",
                                            ": GET /api/v1/nodes: requests of other web ",
                                            ": GET /api/v1/nodes: this aggregator is not",
                                            "ada (token old): GET /api/v1/jobs/2: the token old has expi",
                                            "ada (token viewer): POST /api/v1/jobs: this needs a submitter",
                                            "ada: POST /api/v1/jobs/cancel: job 2 is bob's"}));
}

TEST_F(RightsOfTokens, AHundredRefusalsOfOneKindAreOneEntry) {
  for (int i = 0; i < 100; ++i) tcp_get("/api/v1/jobs/" + std::to_string(i), with("wrong"));
  EXPECT_EQ(refused().size(), 1U);
  server_->tick(posix::mono_now() + RefusalLog::kSpanMs);
  ASSERT_EQ(refused().size(), 2U);
  EXPECT_EQ(refused()[1].times, 99U);
}

class RightsOfLocalUsers : public RightsTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
    ::chmod(dir_.path().c_str(), 0755);
  }

  // From here on another user has this role.
  void start_for(Role role) {
    stop();
    const std::vector<std::string> other = {user_name(kNobody)}, nobody = {};
    options.access.viewers = role == Role::viewer ? other : nobody;
    options.access.submitters = role == Role::submitter ? other : nobody;
    options.access.operators = role == Role::operator_ ? other : nobody;
    start();
  }
};

TEST_F(RightsOfLocalUsers, EachRoleReachesWhatTheTableSaysAndNothingElse) {
  for (const Role role : kRoles) {
    SCOPED_TRACE(to_string(role));
    start_for(role);
    for (const Rule& rule : rules()) {
      run_as(kNobody, [&] {
        const size_t before = port_.rest_answered();
        const Response response = ask(rule);
        if (role < rule.role) return expect_refused(rule, response, before);
        EXPECT_NE(response.status, 0) << rule.method << ' ' << rule.path;
        EXPECT_NE(response.status, 403) << rule.method << ' ' << rule.path << ": " << response.error();
      });
    }
  }
}

TEST_F(RightsOfLocalUsers, AStrangerIsNotEvenToldWhatThereIs) {
  start_for(Role::none);
  run_as(kNobody, [&] { EXPECT_EQ(get("/api/v1/nothing").status, 403); });
}

TEST_F(RightsOfLocalUsers, WhoIsRefusedIsToldTheGroupAndTheKeyThatWouldHelp) {
  options.access = {};
  start();
  const std::string name = user_name(kNobody);
  run_as(kNobody, [&] {
    const Response submit = post("/api/v1/jobs", R"({"argv":["true"]})");
    EXPECT_EQ(submit.status, 403);
    EXPECT_EQ(submit.error(), "this needs a submitter, and " + name +
                                  " is a viewer here: an administrator runs 'adduser " + name + " bramble', or adds " +
                                  name + " to submitters in [access] of aggregator.toml");
    EXPECT_EQ(post("/api/v1/nodes/drain", R"({"nodes":"all"})").error(),
              "this needs an operator, and " + name + " is a viewer here: use sudo, or an administrator adds " + name +
                  " to operators in [access] of aggregator.toml");
  });
}

TEST_F(RightsOfLocalUsers, ASubmitterChangesOnlyJobsOfItsOwn) {
  jobs_.add_job(2, user_name(kNobody), JobState::running);
  start_for(Role::submitter);
  run_as(kNobody, [&] {
    for (const char* path : {"/api/v1/jobs/cancel", "/api/v1/jobs/retry", "/api/v1/jobs/forget"}) {
      EXPECT_EQ(post(path, R"({"jobs":"1"})").status, 403) << path;
      EXPECT_NE(post(path, R"({"jobs":"2"})").status, 403) << path;
    }
  });
}

}  // namespace
}  // namespace bramble::aggregator::http
