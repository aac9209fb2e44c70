#include <nlohmann/json.hpp>

#include "integration/http/server_fixture.hpp"

namespace bramble::aggregator::http {
namespace {

using Json = nlohmann::json;

const std::string kWatch = "/api/v1/jobs/1/watch?since=4&wait_s=30";
const ApiReply kNews{200, R"({"version":5})", {}};

using PollsTest = ServerTest;

TEST_F(PollsTest, AreAnsweredWhenTheReactorHasNews) {
  start();
  port_.expect<WatchJobRequest>([](const WatchJobRequest& request, const Caller&) {
    EXPECT_EQ(request.job, 1U);
    EXPECT_EQ(request.since, 4U);
    EXPECT_EQ(request.wait_ms, 30'000);
    return std::optional<ApiReply>();
  });
  auto socket = raw();
  poll_in_background(socket, kWatch);
  ASSERT_EQ(port_.wait_for_held(1), 1U);
  port_.reply_held(kNews);
  const std::string reply = socket.read_until(kNews.body);
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 200")) << reply;
}

TEST_F(PollsTest, KeepNobodyElseWaiting) {
  start();
  port_.expect_and_hold<WatchJobRequest>(20);
  std::vector<test::RawSocket> sockets;
  for (int i = 0; i < 20; ++i) {
    sockets.push_back(raw());
    poll_in_background(sockets.back(), kWatch);
  }
  ASSERT_EQ(port_.wait_for_held(20), 20U);
  port_.expect<NodesRequest>(ApiReply{200, "[]", {}});
  EXPECT_EQ(get("/api/v1/nodes").status, 200);
  for (const auto& socket : sockets) {
    port_.reply_held(kNews);
    static_cast<void>(socket);
  }
  for (const auto& socket : sockets) EXPECT_NE(socket.read_until(kNews.body), "");
}

TEST_F(PollsTest, AreCounted) {
  options.limits.max_polls = 2;
  start();
  port_.expect_and_hold<WatchJobRequest>();
  port_.expect_and_hold<WatchOutputRequest>();
  auto first = raw(), second = raw();
  poll_in_background(first, kWatch);
  poll_in_background(second, "/api/v1/jobs/1/tasks/0/output/stdout?wait_s=5");
  ASSERT_EQ(port_.wait_for_held(2), 2U);
  const Response refused = get(kWatch);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("Retry-After"), "1");

  port_.expect<WatchJobRequest>(kNews);  // one that does not wait needs no place
  EXPECT_EQ(get("/api/v1/jobs/1/watch?since=4").status, 200);

  port_.reply_held(kNews);
  port_.reply_held({200, "", {}});
  first.read_until(kNews.body);
  second.read_until("X-Bramble-Final");
  port_.expect<WatchJobRequest>(kNews);
  EXPECT_EQ(get(kWatch).status, 200);
}

TEST_F(PollsTest, EndWhenTheReactorForgetsThem) {
  options.limits.port_timeout_ms = 20;
  port_.expect_and_hold<WatchJobRequest>();
  EXPECT_EQ(get("/api/v1/jobs/1/watch").status, 503);
  port_.reply_held(kNews);
}

TEST_F(PollsTest, OfAnEndedJobAreAnsweredFromTheStore) {
  jobs_.add_job(1, "ada", JobState::succeeded);
  port_.expect<WatchJobRequest>(ApiReply{410, "", {}});
  const Response response = get(kWatch);
  EXPECT_EQ(response.status, 200);
  const Json json = Json::parse(response.body);
  EXPECT_EQ(json["state"], "succeeded");
  EXPECT_GT(json["version"], 4);
}

TEST_F(PollsTest, OfAJobThatDoesNotExistAre404) {
  port_.expect<WatchJobRequest>(ApiReply{410, "", {}});
  EXPECT_EQ(get(kWatch).error(), "there is no job 1");
}

TEST_F(PollsTest, CheckTheirParameters) {
  EXPECT_EQ(get("/api/v1/jobs/1/watch?wait_s=31").status, 400);
  EXPECT_EQ(get("/api/v1/jobs/1/watch?sinse=1").error(), "unknown parameter 'sinse'; did you mean 'since'?");
}

TEST_F(PollsTest, WhoseClientLeftDoNoHarm) {
  start();
  port_.expect_and_hold<WatchJobRequest>();
  auto socket = raw();
  poll_in_background(socket, kWatch);
  ASSERT_EQ(port_.wait_for_held(1), 1U);
  socket.close();
  port_.reply_held(kNews);
  port_.expect<NodesRequest>(ApiReply{200, "[]", {}});
  EXPECT_EQ(get("/api/v1/nodes").status, 200);
}

TEST_F(PollsTest, AreAnsweredWhenTheServerEnds) {
  start();
  port_.expect_and_hold<WatchJobRequest>(3);
  std::vector<test::RawSocket> sockets;
  for (int i = 0; i < 3; ++i) {
    sockets.push_back(raw());
    poll_in_background(sockets.back(), kWatch);
  }
  ASSERT_EQ(port_.wait_for_held(3), 3U);
  stop();
  for (const auto& socket : sockets) {
    const std::string reply = socket.read_all();
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 503")) << reply;
    EXPECT_NE(reply.find("stopping"), std::string::npos) << reply;
  }
  for (int i = 0; i < 3; ++i) port_.reply_held(kNews);  // after the server: dropped
}

}  // namespace
}  // namespace bramble::aggregator::http
