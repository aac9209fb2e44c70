#include <gmock/gmock.h>

#include <thread>

#include <nlohmann/json.hpp>

#include "common/posix/system_clock.hpp"
#include "integration/http/server_fixture.hpp"

namespace bramble::aggregator::http {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;

using EndpointsTest = ServerTest;

const std::string kNodes = R"([{"node":"pi1"},{"node":"pi2"},{"node":"head"}])";

std::string input(uint64_t size_bytes) {
  return R"({"blob":")" + FakeFiles::name_of(size_bytes) + R"(","size_bytes":)" + std::to_string(size_bytes) + "}";
}

TEST_F(EndpointsTest, HealthIsTheReactorsWord) {
  port_.expect<HealthRequest>(ApiReply{200, R"({"store_ok":true,"term":3})", {}});
  const Response response = get("/api/v1/health");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("Content-Type"), "application/json");
  EXPECT_EQ(Json::parse(response.body)["term"], 3);
}

TEST_F(EndpointsTest, HealthSaysSoWhenTheReactorIsStuck) {
  options.limits.health_timeout_ms = 20;
  port_.expect<HealthRequest>(ApiReply{200, R"({"store_ok":true,"term":3})", {}});
  EXPECT_EQ(get("/api/v1/health").status, 200);
  port_.expect_and_hold<HealthRequest>();
  const Response response = get("/api/v1/health");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(Json::parse(response.body), (Json{{"store_ok", false}, {"term", 3}}));
  port_.reply_held({200, "{}", {}});
}

TEST_F(EndpointsTest, SubmitIsCheckedAndHandedOver) {
  port_.expect<SubmitRequest>([](const SubmitRequest& request, const Caller&) {
    EXPECT_EQ(request.spec.task.argv, (std::vector<std::string>{"echo", "hi"}));
    EXPECT_EQ(request.range, (TaskRange{1, 10, 1}));
    return ApiReply{201, R"({"job":12})", {}};
  });
  const Response response = post("/api/v1/jobs", R"({"argv":["echo","hi"],"array":{"first":1,"last":10}})");
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, R"({"job":12})");
}

TEST_F(EndpointsTest, ABadSubmissionChangesNothing) {
  const Response response = post("/api/v1/jobs", R"({"argv":["echo"],"cpu":2})");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.error(), "unknown key 'cpu'; did you mean 'cpus'?");
}

TEST_F(EndpointsTest, ADryRunIsHandedOverAsOne) {
  port_.expect<SubmitRequest>([](const SubmitRequest& request, const Caller&) {
    EXPECT_TRUE(request.dry_run);
    return ApiReply{200, R"({"job":null,"tasks":10})", {}};
  });
  const Response array = post("/api/v1/jobs", R"({"argv":["x"],"array":{"first":1,"last":10},"dry_run":true})");
  EXPECT_EQ(array.status, 200);
  EXPECT_EQ(array.body, R"({"job":null,"tasks":10})");
}

TEST_F(EndpointsTest, AppendIsHandedOver) {
  port_.expect<AppendRequest>([](const AppendRequest& request, const Caller&) {
    EXPECT_EQ(request.job, 4U);
    EXPECT_EQ(request.first, 2U);
    EXPECT_EQ(request.tasks.size(), 1U);
    return ApiReply{200, R"({"tasks":3})", {}};
  });
  const Response response = post("/api/v1/jobs/4/tasks", R"({"first":2,"tasks":[{"stdin":)" + input(7) + "}]}");
  EXPECT_EQ(response.body, R"({"tasks":3})");
}

TEST_F(EndpointsTest, CloseIsHandedOver) {
  port_.expect<CloseRequest>([](const CloseRequest& request, const Caller&) {
    EXPECT_EQ(request.job, 4U);
    return ApiReply{200, R"({"tasks":3})", {}};
  });
  EXPECT_EQ(post("/api/v1/jobs/4/close", "{}").status, 200);
  EXPECT_EQ(post("/api/v1/jobs/4/close", "{\"x\":1}").status, 400);
}

TEST_F(EndpointsTest, CancelFindsTheJobsThatAreMeant) {
  jobs_.add_job(1, "ada", JobState::failed);
  jobs_.add_job(2, "ada", JobState::running);
  jobs_.add_job(3, "ada", JobState::running);
  port_.expect<CancelRequest>([](const CancelRequest& request, const Caller&) {
    EXPECT_EQ(request.jobs, (std::vector<JobId>{2, 3}));
    return ApiReply{200, R"({"cancelled":[2,3]})", {}};
  });
  EXPECT_EQ(post("/api/v1/jobs/cancel", R"({"jobs":"1-3"})").body, R"({"cancelled":[2,3]})");
  const Response none = post("/api/v1/jobs/cancel", R"({"jobs":"9"})");
  EXPECT_EQ(none.status, 404);
  EXPECT_EQ(none.error(), "there is no job 9: the last one is 3");
}

TEST_F(EndpointsTest, ForgetAndRetryFindTheJobsThatAreMeant) {
  jobs_.add_job(1, "ada", JobState::failed, {0, 1, 1});
  TaskRow failed;
  failed.record = {{1, 1}, TaskState::failed, 3, 1, {}};
  jobs_.add_task(failed);
  port_.expect<ForgetRequest>([](const ForgetRequest& request, const Caller&) {
    EXPECT_EQ(request.jobs, std::vector<JobId>{1});
    return ApiReply{200, R"({"forgotten":[1]})", {}};
  });
  EXPECT_EQ(post("/api/v1/jobs/forget", R"({"jobs":"1"})").body, R"({"forgotten":[1]})");
  port_.expect<RetryRequest>([](const RetryRequest& request, const Caller&) {
    EXPECT_EQ(request.plans.size(), 1U);
    EXPECT_EQ(request.plans.at(0).tasks.at(0).attempts, 3U);
    return ApiReply{200, R"({"retried":[]})", {}};
  });
  EXPECT_EQ(post("/api/v1/jobs/retry", R"({"jobs":"1"})").status, 200);
  EXPECT_EQ(post("/api/v1/jobs/retry", R"({"jobs":"9"})").status, 404);
}

TEST_F(EndpointsTest, ExplainsFromTheReactorAndOfWhatEndedFromTheStore) {
  jobs_.add_job(1, "ada", JobState::cancelled, {0, 9, 1});
  port_.expect<ExplainRequest>([](const ExplainRequest& request, const Caller&) {
    EXPECT_EQ(request.task, TaskIndex{3});
    return ApiReply{200, R"({"reasons":[]})", {}};
  });
  EXPECT_EQ(get("/api/v1/jobs/1/explain?task=3").body, R"({"reasons":[]})");
  for (int i = 0; i < 3; ++i) port_.expect<ExplainRequest>(ApiReply{410, "", {}});
  const Response never = get("/api/v1/jobs/1/explain?task=3");
  EXPECT_EQ(Json::parse(never.body)["reasons"][0]["text"], "cancelled before it was started");
  EXPECT_EQ(get("/api/v1/jobs/1/explain?task=10").status, 404);
  EXPECT_EQ(get("/api/v1/jobs/2/explain").status, 404);
  EXPECT_EQ(get("/api/v1/jobs/1/explain?task=x").status, 400);
}

TEST_F(EndpointsTest, ListsJobs) {
  jobs_.add_job(1, "ada", JobState::failed);
  jobs_.add_job(2, "bob", JobState::running);
  EXPECT_EQ(Json::parse(get("/api/v1/jobs").body).size(), 2U);
  const Json last = Json::parse(get("/api/v1/jobs?select=last").body);
  ASSERT_EQ(last.size(), 1U);
  EXPECT_EQ(last[0]["job"], 2);
  EXPECT_EQ(Json::parse(get("/api/v1/jobs?owner=ada").body)[0]["job"], 1);
  EXPECT_EQ(Json::parse(get("/api/v1/jobs?limit=1").body)[0]["job"], 2);
  EXPECT_EQ(Json::parse(get("/api/v1/jobs?select=1%2C2").body).size(), 2U);
  EXPECT_EQ(get("/api/v1/jobs?select=x").status, 400);
  EXPECT_EQ(get("/api/v1/jobs?limit=0").status, 400);
  EXPECT_EQ(get("/api/v1/jobs?selekt=1").error(), "unknown parameter 'selekt'; did you mean 'select'?");
}

TEST_F(EndpointsTest, ShowsAJobAndItsTasks) {
  jobs_.add_job(1, "ada", JobState::running, {0, 9, 1});
  for (TaskIndex index = 0; index < 3; ++index) {
    TaskRow row;
    row.record.key = {1, index};
    jobs_.add_task(row);
  }
  EXPECT_EQ(Json::parse(get("/api/v1/jobs/1").body)["spec"]["argv"][0], "true");
  EXPECT_EQ(get("/api/v1/jobs/2").status, 404);
  EXPECT_EQ(Json::parse(get("/api/v1/jobs/1/tasks").body).size(), 3U);
  const Json second = Json::parse(get("/api/v1/jobs/1/tasks?first=1&limit=1").body);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0]["task"], 1);
  EXPECT_EQ(get("/api/v1/jobs/2/tasks").error(), "there is no job 2: the last one is 1");
}

TEST_F(EndpointsTest, TellsForHowLongTheClientOfAnOpenJobIsSilent) {
  jobs_.add_job(1, "ada", JobState::running);
  jobs_.set_open(1);
  const auto silent_ms = [&] { return Json::parse(get("/api/v1/jobs/1").body)["client_silent_ms"].get<int64_t>(); };
  start();
  while (silent_ms() < 20) std::this_thread::yield();
  port_.expect<AppendRequest>([](const AppendRequest&, const Caller&) { return ApiReply{200, R"({"tasks":3})", {}}; });
  const int64_t before_ms = posix::mono_now().ms;
  post("/api/v1/jobs/1/tasks", R"({"first":2,"tasks":[{"stdin":)" + input(7) + "}]}");
  const int64_t silent = silent_ms();
  EXPECT_LE(silent, posix::mono_now().ms - before_ms);
  EXPECT_TRUE(Json::parse(get("/api/v1/jobs").body)[0]["client_silent_ms"].is_number());
}

TEST_F(EndpointsTest, ListsNodesAsTheReactorTellsThem) {
  port_.expect<NodesRequest>(ApiReply{200, kNodes, {}});
  EXPECT_EQ(get("/api/v1/nodes").body, kNodes);
}

TEST_F(EndpointsTest, DrainsAndResumesWhatASetNames) {
  port_.expect<NodesRequest>(ApiReply{200, kNodes, {}});
  port_.expect<DrainRequest>([](const DrainRequest& request, const Caller&) {
    EXPECT_EQ(request.nodes, (std::vector<std::string>{"pi1", "pi2"}));
    EXPECT_TRUE(request.drain);
    EXPECT_EQ(request.reason, "new cards");
    return ApiReply{200, R"({"nodes":["pi1","pi2"]})", {}};
  });
  EXPECT_EQ(post("/api/v1/nodes/drain", R"({"nodes":"pi[1-2]","reason":"new cards"})").status, 200);
  port_.expect<NodesRequest>(ApiReply{200, kNodes, {}});
  port_.expect<DrainRequest>([](const DrainRequest& request, const Caller&) {
    EXPECT_EQ(request.nodes.size(), 3U);
    EXPECT_FALSE(request.drain);
    return ApiReply{200, "{}", {}};
  });
  EXPECT_EQ(post("/api/v1/nodes/resume", R"({"nodes":"all"})").status, 200);
}

TEST_F(EndpointsTest, CalibratesWhatASetNames) {
  port_.expect<NodesRequest>(ApiReply{200, kNodes, {}});
  port_.expect<CalibrateRequest>([](const CalibrateRequest& request, const Caller&) {
    EXPECT_EQ(request.nodes, (std::vector<std::string>{"pi1", "pi2"}));
    EXPECT_EQ(request.power, (wire::PowerModel{2.7, 6.4}));
    return ApiReply{200, R"({"nodes":["pi1","pi2"]})", {}};
  });
  EXPECT_EQ(post("/api/v1/nodes/calibrate", R"({"nodes":"pi[1-2]","idle_w":2.7,"busy_w":6.4})").status, 200);
}

TEST_F(EndpointsTest, DrainNamesTheNearestNode) {
  port_.expect<NodesRequest>(ApiReply{200, kNodes, {}});
  const Response response = post("/api/v1/nodes/drain", R"({"nodes":"hed"})");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.error(), "unknown node 'hed'; did you mean 'head'?");
}

constexpr const char* kPower =
    R"({"nodes":[{"node":"head","lines":[]},{"node":"pi1","lines":[{}]},{"node":"pi9","lines":[{}]}]})";

TEST_F(EndpointsTest, SwitchesAllNodesThatHangOnLines) {
  port_.expect<PowerStatusRequest>(ApiReply{200, kPower, {}});
  port_.expect<PowerRequest>([](const PowerRequest& request, const Caller&) {
    EXPECT_EQ(request.nodes, (std::vector<std::string>{"pi1", "pi9"}));
    EXPECT_EQ(request.act, PowerRequest::Act::cycle);
    EXPECT_EQ(request.how, PowerHow::force);
    EXPECT_EQ(request.reason, "it hangs");
    return ApiReply{200, R"({"nodes":[]})", {}};
  });
  const std::string body = R"({"nodes":"all","to":"cycle","how":"force","reason":"it hangs"})";
  EXPECT_EQ(post("/api/v1/power/switch", body).status, 200);
}

// The reactor says why it cannot be switched.
TEST_F(EndpointsTest, ANodeWithoutALineIsAskedForByItsName) {
  port_.expect<PowerStatusRequest>(ApiReply{200, kPower, {}});
  port_.expect<PowerRequest>(ApiReply{409, R"({"error":"node head hangs on no line"})", {}});
  const Response response = post("/api/v1/power/switch", R"({"nodes":"head","to":"on","reason":"x"})");
  EXPECT_EQ(response.status, 409);
  EXPECT_EQ(response.error(), "node head hangs on no line");
}

TEST_F(EndpointsTest, TellsOfThePowerOfNamedNodes) {
  port_.expect<PowerStatusRequest>(ApiReply{200, kPower, {}});
  port_.expect<PowerStatusRequest>([](const PowerStatusRequest& request, const Caller&) {
    EXPECT_EQ(request.nodes, (std::vector<std::string>{"pi9"}));
    return ApiReply{200, "{}", {}};
  });
  EXPECT_EQ(get("/api/v1/power?nodes=pi9").status, 200);
}

TEST_F(EndpointsTest, PausesPowerAndClearsFaults) {
  port_.expect<PowerPauseRequest>([](const PowerPauseRequest& request, const Caller&) {
    EXPECT_TRUE(request.pause);
    EXPECT_EQ(request.reason, "work on the shelf");
    return ApiReply{200, "{}", {}};
  });
  EXPECT_EQ(post("/api/v1/power/pause", R"({"reason":"work on the shelf"})").status, 200);
  port_.expect<PowerPauseRequest>([](const PowerPauseRequest& request, const Caller&) {
    EXPECT_FALSE(request.pause);
    return ApiReply{200, "{}", {}};
  });
  EXPECT_EQ(post("/api/v1/power/resume", "").status, 200);
  port_.expect<PowerStatusRequest>(ApiReply{200, kPower, {}});
  port_.expect<ClearFaultRequest>([](const ClearFaultRequest& request, const Caller&) {
    EXPECT_EQ(request.nodes, (std::vector<std::string>{"pi1"}));
    return ApiReply{200, R"({"nodes":["pi1"]})", {}};
  });
  EXPECT_EQ(post("/api/v1/power/clear", R"({"nodes":"pi1","reason":"relay replaced"})").status, 200);
}

TEST_F(EndpointsTest, ShowsTheAuditLog) {
  jobs_.audit_rows = {{7, {WallTime{5}, "ada", "pi1", "asked: off", "new card", ""}}};
  const Response response = get("/api/v1/audit?nodes=pi1&limit=10");
  EXPECT_EQ(response.body,
            R"([{"id":7,"at_ms":5,"who":"ada","node":"pi1","action":"asked: off","why":"new card","result":""}])");
  EXPECT_EQ(get("/api/v1/audit?limit=0").status, 400);
}

TEST_F(EndpointsTest, AnswersSql) {
  sql_.answer = SqlTable{{"n"}, {{{SqlValue::Kind::integer, "7"}}}, false};
  const Response response = post("/api/v1/query", R"({"sql":"SELECT 7 AS n"})");
  EXPECT_EQ(response.body, R"({"columns":["n"],"rows":[[7]],"truncated":false})");
  EXPECT_EQ(sql_.last_sql(), "SELECT 7 AS n");
  sql_.answer = fail("no such table: nodez");
  EXPECT_EQ(post("/api/v1/query", R"({"sql":"SELECT 1"})").error(), "no such table: nodez");
  sql_.answer = fail(ErrorCode::limit, "the query took longer than 10 s");
  EXPECT_EQ(post("/api/v1/query", R"({"sql":"SELECT 1"})").status, 422);
}

TEST_F(EndpointsTest, AnswersQuestionsAboutMetrics) {
  telemetry_.metric_answer = MetricAnswer{"minute", 0, 60'000, 1, {{"pi1", "load1", Aggregate::max, {1.5}, {}}}};
  const Response response = get("/api/v1/telemetry?metric=load1&nodes=pi1&agg=max&since_ms=1000&until_ms=2000");
  EXPECT_EQ(Json::parse(response.body)["series"][0]["points"], Json::parse("[1.5]"));
  EXPECT_THAT(telemetry_.last_metrics().nodes, testing::ElementsAre("pi1"));
  EXPECT_EQ(get("/api/v1/telemetry").status, 400);
  telemetry_.metric_answer = fail("unknown metric 'lod1'");
  EXPECT_EQ(get("/api/v1/telemetry?metric=lod1").error(), "unknown metric 'lod1'");
  telemetry_.metric_answer = fail(ErrorCode::limit, "the question took longer than 10 ms");
  EXPECT_EQ(get("/api/v1/telemetry?metric=load1").status, 422);
}

TEST_F(EndpointsTest, AnswersQuestionsAboutEnergyOfChosenJobs) {
  jobs_.add_job(3, "ann", JobState::running);
  jobs_.add_job(4, "ann", JobState::running);
  telemetry_.energy_answer = EnergyAnswer{};
  EXPECT_EQ(get("/api/v1/energy?jobs=4&by=owner").status, 200);
  EXPECT_EQ(telemetry_.last_energy().by, EnergyQuestion::By::owner);
  EXPECT_THAT(telemetry_.last_energy().jobs, testing::ElementsAre(std::pair<JobId, JobId>{4, 4}));
  EXPECT_EQ(get("/api/v1/energy?jobs=9").status, 404);
  EXPECT_EQ(get("/api/v1/energy?by=moon").status, 400);
}

TEST_F(EndpointsTest, CancelsAQuestionThatRuns) {
  const std::string id = "0a1b2c3d-0001-4000-8000-00000000000a";
  sql_.gate.shut();
  std::thread asker([&] {
    const Response response = post("/api/v1/query", R"({"sql":"SELECT 1","query_id":")" + id + R"("})");
    EXPECT_EQ(response.error(), "the question was cancelled");
  });
  ASSERT_TRUE(sql_.gate.wait_for_waiting(1));
  EXPECT_EQ(post("/api/v1/query/cancel", R"({"query_id":")" + id + R"("})").body, R"({"cancelled":true})");
  sql_.gate.open();
  asker.join();
  EXPECT_EQ(post("/api/v1/query/cancel", R"({"query_id":")" + id + R"("})").body, R"({"cancelled":false})");
  EXPECT_EQ(post("/api/v1/query/cancel", R"({"query_id":"x"})").status, 400);
}

TEST_F(EndpointsTest, WhatIsNotThereIs404AndAWrongMethod405) {
  EXPECT_EQ(get("/").status, 404);
  EXPECT_EQ(get("/api/v1/jbos").status, 404);
  EXPECT_THAT(get("/api/v1/jbos").error(), HasSubstr("/api/v1/jbos"));
  const Response response = send("DELETE", "/api/v1/jobs/1");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.header("Allow"), "GET");
  EXPECT_EQ(post("/api/v1/health", "{}").status, 405);
}

TEST_F(EndpointsTest, AFullQueueMeansComeAgain) {
  port_.set_full(true);
  const Response response = post("/api/v1/jobs", R"({"argv":["x"]})");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.header("Retry-After"), "1");
  EXPECT_EQ(get("/api/v1/nodes").status, 503);
  EXPECT_EQ(Json::parse(get("/api/v1/health").body)["store_ok"], false);
}

TEST_F(EndpointsTest, AReactorThatDoesNotAnswerInTimeMeansComeAgain) {
  options.limits.port_timeout_ms = 20;
  port_.expect_and_hold<SubmitRequest>();
  const Response response = post("/api/v1/jobs", R"({"argv":["x"]})");
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.error(), HasSubstr("disk"));
  port_.reply_held({201, R"({"job":1})", {}});  // too late: dropped
}

TEST_F(EndpointsTest, ADamagedStoreIsAnError500) {
  jobs_.break_it();
  const Response response = get("/api/v1/jobs");
  EXPECT_EQ(response.status, 500);
  EXPECT_THAT(response.error(), HasSubstr("malformed"));
}

}  // namespace
}  // namespace bramble::aggregator::http
