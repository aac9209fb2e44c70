#include <sys/stat.h>
#include <unistd.h>

#include "integration/http/other_user.hpp"
#include "integration/http/server_fixture.hpp"

namespace bramble::aggregator::http {
namespace {

using AccessTest = ServerTest;

TEST_F(AccessTest, OverTheUnixSocketThePeerIsTheOwner) {
  port_.expect<SubmitRequest>([](const SubmitRequest& request, const Caller& caller) {
    EXPECT_EQ(request.spec.owner, user_name(::geteuid()));
    EXPECT_EQ(caller.user, user_name(::geteuid()));
    EXPECT_TRUE(caller.operator_);
    return ApiReply{201, R"({"job":1})", {}};
  });
  EXPECT_EQ(post("/api/v1/jobs", R"({"argv":["true"]})").status, 201);
}

TEST_F(AccessTest, AnybodyMayConnectToTheUnixSocket) {
  start();
  struct stat info {};
  ASSERT_EQ(::stat(options.unix_path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0666U);
}

TEST_F(AccessTest, AnotherUserIsNoOperator) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
  ::chmod(dir_.path().c_str(), 0755);
  options.access.submitters = {user_name(kNobody)};
  start();
  jobs_.add_job(1, "ada", JobState::running);
  port_.expect<SubmitRequest>([](const SubmitRequest& request, const Caller& caller) {
    EXPECT_EQ(request.spec.owner, user_name(kNobody));
    EXPECT_FALSE(caller.operator_);
    return ApiReply{201, R"({"job":2})", {}};
  });
  run_as(kNobody, [&] {
    EXPECT_EQ(post("/api/v1/jobs", R"({"argv":["true"]})").status, 201);
    const Response cancel = post("/api/v1/jobs/cancel", R"({"jobs":"1"})");
    EXPECT_EQ(cancel.status, 403);
    EXPECT_EQ(cancel.error(), "job 1 is ada's");
    EXPECT_EQ(post("/api/v1/nodes/drain", R"({"nodes":"all"})").status, 403);
    EXPECT_EQ(post("/api/v1/power/switch", R"({"nodes":"all","to":"on","reason":"x"})").status, 403);
    EXPECT_EQ(post("/api/v1/power/clear", R"({"nodes":"all"})").status, 403);
    EXPECT_EQ(post("/api/v1/nodes/calibrate", R"({"nodes":"all","clear":true})").status, 403);
  });
}

TEST_F(AccessTest, OverTcpATokenIsNeeded) {
  const Response none = tcp_get("/api/v1/nodes", {});
  EXPECT_EQ(none.status, 401);
  EXPECT_EQ(none.header("WWW-Authenticate"), "Bearer");
  EXPECT_NE(none.error().find("Authorization"), std::string::npos);
  EXPECT_EQ(tcp_get("/api/v1/nodes", {{"Authorization", "Bearer wrong"}}).status, 401);
  EXPECT_EQ(tcp_get("/api/v1/nodes", {{"Authorization", "Bearer sesam"}}).status, 401);
}

TEST_F(AccessTest, TheTokenMakesAnOperator) {
  port_.expect<NodesRequest>([](const NodesRequest&, const Caller& caller) {
    EXPECT_EQ(caller.user, "operator");
    EXPECT_TRUE(caller.operator_);
    return ApiReply{200, "[]", {}};
  });
  EXPECT_EQ(tcp_get("/api/v1/nodes", with_token()).status, 200);
}

TEST_F(AccessTest, AForeignHostOrOriginIsRefusedWithTheTokenToo) {
  Headers headers = with_token();
  headers.emplace("Host", "evil.example");
  EXPECT_EQ(tcp_get("/api/v1/nodes", headers).status, 421);
  headers = with_token();
  headers.emplace("Origin", "http://evil.example");
  EXPECT_EQ(tcp_get("/api/v1/nodes", headers).status, 403);
}

TEST_F(AccessTest, NamesFromTheConfigurationAreTaken) {
  options.allowed_hosts = {"head.example"};
  port_.expect<NodesRequest>(ApiReply{200, "[]", {}});
  Headers headers = with_token();
  headers.emplace("Host", "head.example:8737");
  headers.emplace("Origin", "http://head.example:8737");
  EXPECT_EQ(tcp_get("/api/v1/nodes", headers).status, 200);
}

TEST_F(AccessTest, NoReplyInvitesOtherSites) {
  port_.expect<NodesRequest>(ApiReply{200, "[]", {}});
  Headers headers = with_token();
  headers.emplace("Origin", "http://127.0.0.1");
  for (const Response& response :
       {get("/api/v1/nodes"), tcp_get("/api/v1/nodes", headers), send("OPTIONS", "/api/v1/jobs")}) {
    for (const auto& [name, value] : response.headers) {
      EXPECT_FALSE(name.starts_with("Access-Control")) << name << ": " << value;
    }
    EXPECT_EQ(response.header("Cache-Control"), "no-store");
    EXPECT_EQ(response.header("X-Content-Type-Options"), "nosniff");
  }
}

TEST_F(AccessTest, AWrongTokenIsToldBeforeTheBodyIsSent) {
  start();
  const auto socket = raw_tcp();
  socket.send(
      "POST /api/v1/blobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n");
  const std::string reply = socket.read_until("\r\n");
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 401")) << reply;
}

}  // namespace
}  // namespace bramble::aggregator::http
