#include "integration/http/server_fixture.hpp"

namespace bramble::aggregator::http {
namespace {

const std::string kOutputPath = "/api/v1/jobs/1/tasks/5/output/stdout";
constexpr auto kOut = wire::Stream::stdout_;

class OutputTest : public ServerTest {
 protected:
  void expect_place(OutputPlace place, int status = 200) {
    ApiReply reply;
    reply.http_status = status;
    reply.output = place;
    port_.expect<WatchOutputRequest>(reply);
  }

  static std::string headers_of(const Response& response) {
    return response.header("X-Bramble-Attempt") + " " + response.header("X-Bramble-Offset") + " " +
           response.header("X-Bramble-Size") + " " + response.header("X-Bramble-Final");
  }
};

TEST_F(OutputTest, AsksTheReactorWhatTheRequestSays) {
  port_.expect<WatchOutputRequest>([](const WatchOutputRequest& request, const Caller&) {
    EXPECT_EQ(request.task, (TaskKey{1, 5}));
    EXPECT_EQ(request.stream, wire::Stream::stderr_);
    EXPECT_EQ(request.attempt, 2U);
    EXPECT_EQ(request.offset, 100U);
    EXPECT_TRUE(request.only_final);
    EXPECT_EQ(request.wait_ms, 3000);
    return ApiReply{};
  });
  const Response response = get("/api/v1/jobs/1/tasks/5/output/stderr?attempt=2&offset=100&final=1&wait_s=3");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("Content-Type"), "application/octet-stream");
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(headers_of(response), "0 0 0 0");
}

TEST_F(OutputTest, ReadsARunningAttemptsFile) {
  files_.add_output({1, 5, 2}, kOut, "0123456789");
  expect_place({2, 10, false});
  const Response response = get(kOutputPath + "?offset=4&attempt=2");
  EXPECT_EQ(response.body, "456789");
  EXPECT_EQ(headers_of(response), "2 4 10 0");
}

TEST_F(OutputTest, ShowsNoMoreThanTheReactorVouchesFor) {
  files_.add_output({1, 5, 2}, kOut, "0123456789");
  expect_place({2, 6, false});
  EXPECT_EQ(get(kOutputPath + "?offset=4").body, "45");
}

TEST_F(OutputTest, AnotherAttemptBeginsAtItsStart) {
  files_.add_output({1, 5, 2}, kOut, "0123456789");
  expect_place({2, 10, false});
  const Response response = get(kOutputPath + "?offset=4&attempt=1");
  EXPECT_EQ(response.body, "0123456789");
  EXPECT_EQ(headers_of(response), "2 0 10 0");
}

TEST_F(OutputTest, AFileThatWentAwayMeansComeAgain) {
  expect_place({2, 10, false});
  EXPECT_EQ(get(kOutputPath).status, 503);
}

TEST_F(OutputTest, ReadsCommittedOutputFromTheStore) {
  jobs_.add_output({1, 5}, kOut, {3, 5, 0, false, "hello"});
  expect_place({0, 0, true});
  const Response response = get(kOutputPath + "?offset=2&attempt=3");
  EXPECT_EQ(response.body, "llo");
  EXPECT_EQ(headers_of(response), "3 2 5 1");
}

TEST_F(OutputTest, ReadsAnEndedJobsOutputFromItsFile) {
  jobs_.add_output({1, 5}, kOut, {3, 10, 0, true, ""});
  files_.add_output({1, 5, 3}, kOut, "0123456789");
  expect_place({}, 410);
  const Response response = get(kOutputPath + "?offset=7");
  EXPECT_EQ(response.body, "789");
  EXPECT_EQ(headers_of(response), "3 7 10 1");
}

TEST_F(OutputTest, TellsWhatWasWrittenAboveTheLimit) {
  jobs_.add_output({1, 5}, kOut, {3, 5, 7, false, "hello"});
  expect_place({0, 0, true});
  EXPECT_EQ(get(kOutputPath).headers.find("X-Bramble-Dropped")->second, "7");
  jobs_.add_output({1, 5}, kOut, {3, 5, 0, false, "hello"});
  expect_place({0, 0, true});
  EXPECT_FALSE(get(kOutputPath).headers.contains("X-Bramble-Dropped"));
}

TEST_F(OutputTest, GivesAtMostOneMebibyteARequest) {
  jobs_.add_output({1, 5}, kOut, {3, 3 << 20, 0, true, ""});
  files_.add_output({1, 5, 3}, kOut, std::string(3 << 20, 'x'));
  expect_place({}, 410);
  const Response response = get(kOutputPath + "?offset=7");
  EXPECT_EQ(response.body.size(), size_t{1} << 20);
  EXPECT_EQ(headers_of(response), "3 7 3145728 1");
}

TEST_F(OutputTest, GivesNoMoreThanItIsAskedFor) {
  jobs_.add_output({1, 5}, kOut, {3, 5, 0, false, "hello"});
  expect_place({}, 410);
  EXPECT_EQ(get(kOutputPath + "?offset=1&limit=2").body, "el");
  EXPECT_EQ(get(kOutputPath + "?limit=0").status, 400);
  EXPECT_EQ(get(kOutputPath + "?limit=1048577").status, 400);
}

TEST_F(OutputTest, GivesACheckpointInPartsThatNameTheirBlob) {
  const std::string name(64, 'c');
  jobs_.add_job(1, "ada", JobState::running);
  EXPECT_EQ(get("/api/v1/jobs/1/checkpoint").status, 404) << "it has none";
  EXPECT_EQ(get("/api/v1/jobs/2/checkpoint").status, 404);
  jobs_.keep_checkpoint(1, {name, (1 << 20) + 5});
  EXPECT_EQ(get("/api/v1/jobs/1/checkpoint").status, 503) << "another one took its place";
  files_.add_blob(name, std::string(1 << 20, 'x') + "tail!");
  Response response = get("/api/v1/jobs/1/checkpoint");
  EXPECT_EQ(response.body.size(), size_t{1} << 20);
  EXPECT_EQ(response.header("X-Bramble-Blob"), name);
  EXPECT_EQ(response.header("X-Bramble-Size"), "1048581");
  response = get("/api/v1/jobs/1/checkpoint?offset=1048578");
  EXPECT_EQ(response.body, "il!");
  EXPECT_EQ(get("/api/v1/jobs/1/checkpoint?offset=9999999").body, "");
  EXPECT_EQ(get("/api/v1/jobs/1/checkpoint?from=1").status, 400);
}

TEST_F(OutputTest, PastTheEndThereIsNothing) {
  jobs_.add_output({1, 5}, kOut, {3, 5, 0, false, "hello"});
  expect_place({}, 410);
  const Response response = get(kOutputPath + "?offset=99&attempt=3");
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(response.header("X-Bramble-Final"), "1");
}

TEST_F(OutputTest, ATaskThatEndedWithoutOutputIsFinalAndEmpty) {
  jobs_.add_job(1, "ada", JobState::cancelled, {0, 9, 1});
  expect_place({}, 410);
  const Response response = get(kOutputPath);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(headers_of(response), "0 0 0 1");
}

TEST_F(OutputTest, WhatDoesNotExistIs404) {
  expect_place({}, 410);
  EXPECT_EQ(get(kOutputPath).status, 404);
  jobs_.add_job(1, "ada", JobState::succeeded, {0, 4, 1});
  expect_place({}, 410);
  EXPECT_EQ(get(kOutputPath).error(), "job 1 has no task 5");
  port_.expect<WatchOutputRequest>(ApiReply{404, R"({"error":"job 1 has no task 5"})", {}});
  EXPECT_EQ(get(kOutputPath).status, 404);
}

TEST_F(OutputTest, ChecksItsParameters) {
  EXPECT_EQ(get(kOutputPath + "?offset=-1").status, 400);
  EXPECT_EQ(get(kOutputPath + "?final=2").status, 400);
  EXPECT_EQ(get(kOutputPath + "?wait_s=31").status, 400);
  EXPECT_EQ(get(kOutputPath + "?attempt=5000000000").status, 400);
}

}  // namespace
}  // namespace bramble::aggregator::http
