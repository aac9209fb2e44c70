#include "aggregator/http/render.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace bramble::aggregator::http {
namespace {

using Json = nlohmann::json;
using Kind = SqlValue::Kind;

JobRow sample_job() {
  JobRow row;
  row.record.id = 12;
  row.record.spec.name = "sweep";
  row.record.spec.owner = "ada";
  row.record.spec.priority = 3;
  row.record.spec.array = true;
  row.record.spec.task.argv = {"echo", "two words"};
  row.record.spec.task.env = {{"A", "b"}};
  row.record.spec.task.resources = {{"gpu", 1}};
  row.record.progress.state = JobState::running;
  row.record.progress.range = {1, 10, 1};
  row.record.progress.counts = {10, 3, 1, 0};
  row.record.submitted = {1'000};
  row.running = 2;
  row.assigned = 1;
  return row;
}

AttemptRow sample_attempt(uint32_t attempt) {
  AttemptRow row;
  row.record.key = {12, 5, attempt};
  row.record.node = "pi1";
  row.record.assigned = {2'000};
  return row;
}

TEST(RenderJob, HasTheFieldsOfAListing) {
  const Json json = Json::parse(render_jobs(std::vector{sample_job()}));
  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0], Json::parse(R"({
    "job":12,"name":"sweep","owner":"ada","state":"running","priority":3,"open":false,"client_silent_ms":null,"submitted_ms":1000,
    "ended_ms":null,"command":"echo 'two words'",
    "tasks":{"total":10,"waiting":3,"assigned":1,"running":2,"succeeded":3,"failed":1,"cancelled":0}})"));
}

TEST(RenderJob, TellsOfAnOpenJobForHowLongItsClientIsSilent) {
  JobRow row = sample_job();
  const SilentMs known = [](const JobRecord& job) {
    return job.id == 12 ? std::optional<int64_t>(720'000) : std::nullopt;
  };
  EXPECT_TRUE(Json::parse(render_job(row, {}, known))["client_silent_ms"].is_null()) << "it is closed";
  row.record.progress.open = true;
  EXPECT_EQ(Json::parse(render_job(row, {}, known))["client_silent_ms"], 720'000);
  EXPECT_EQ(Json::parse(render_jobs(std::vector{row}, known))[0]["client_silent_ms"], 720'000);
  row.record.id = 13;
  EXPECT_TRUE(Json::parse(render_job(row, {}, known))["client_silent_ms"].is_null()) << "nobody knows";
}

TEST(RenderJob, SaysWhenItEndedOnlyOnceItHas) {
  JobRow row = sample_job();
  row.record.progress.ended = {9'000};
  EXPECT_TRUE(Json::parse(render_job(row, {}))["ended_ms"].is_null());
  row.record.progress.state = JobState::failed;
  EXPECT_EQ(Json::parse(render_job(row, {}))["ended_ms"], 9'000);
}

TEST(RenderJob, NeverCountsBelowZero) {
  JobRow row = sample_job();
  row.running = 100;  // the counts are read a moment apart
  EXPECT_EQ(Json::parse(render_job(row, {}))["tasks"]["waiting"], 0);
}

TEST(RenderJob, CarriesTheSpec) {
  EXPECT_TRUE(Json::parse(render_job(sample_job(), {}))["energy_j"].is_null());
  EXPECT_EQ(Json::parse(render_job(sample_job(), {12.5, 2.5}))["energy_measured_j"], 2.5);
  const Json spec = Json::parse(render_job(sample_job(), {}))["spec"];
  EXPECT_EQ(spec["argv"], Json({"echo", "two words"}));
  EXPECT_EQ(spec["env"], Json({{"A", "b"}}));
  EXPECT_EQ(spec["resources"], Json({{"gpu", 1}}));
  EXPECT_EQ(spec["array"], Json({{"first", 1}, {"last", 10}, {"step", 1}}));
  EXPECT_EQ(spec["on_node_loss"], "rerun");
  EXPECT_EQ(spec["isolate"], "none");
  EXPECT_EQ(spec["on"], "");
  EXPECT_EQ(spec["arch"], "");
  EXPECT_TRUE(spec["stdin"].is_null());
}

TEST(RenderJob, ListsOfNoneAreEmpty) {
  EXPECT_EQ(render_jobs({}), "[]");
  EXPECT_EQ(render_tasks({}), "[]");
}

TEST(CommandText, QuotesAsAShellWould) {
  EXPECT_EQ(command_text({"sh", "-c", "echo $x"}), "sh -c 'echo $x'");
  EXPECT_EQ(command_text({"a", "", "it's"}), "a '' 'it'\\''s'");
}

TEST(CommandText, OfAPythonFunctionIsItsName) {
  const std::string run = "eval \"$BRAMBLE_RUN\"";
  EXPECT_EQ(command_text({"sh", "-c", run, "main.<locals>.<lambda>", "python3.11", "python3"}),
            "python: main.<locals>.<lambda>");
  EXPECT_EQ(command_text({"sh", "-c", run}), "sh -c 'eval \"$BRAMBLE_RUN\"'") << "one that somebody wrote";
}

TEST(CommandText, IsCutWhereItIsLongAndStaysUtf8) {
  const std::string text = command_text(std::vector<std::string>(1000, "\xC3\xA9\xC3\xA9"));
  EXPECT_LT(text.size(), 1100U);
  EXPECT_TRUE(text.ends_with("..."));
  EXPECT_NO_THROW(static_cast<void>(Json(text).dump()));
}

TEST(RenderTask, TellsEveryTry) {
  TaskRow task;
  task.record.key = {12, 5};
  task.record.state = TaskState::succeeded;
  task.record.attempts = 2;
  task.record.failures = 1;
  task.committed_attempt = 2;
  AttemptRow first = sample_attempt(1);
  first.outcome = "node lost";
  first.ended = WallTime{3'000};
  AttemptRow second = sample_attempt(2);
  second.record.started = WallTime{2'500};
  second.outcome = "exited";
  second.ended = WallTime{4'000};
  second.committed = true;
  second.result = wire::Finished{wire::Outcome::exited, 0, 0, "", 2'500, 1'500, 700, 4096, 3.5, 0.5, {}, {}};
  task.attempts = {first, second};
  const Json json = Json::parse(render_tasks(std::vector{task}))[0];
  EXPECT_EQ(json["task"], 5);
  EXPECT_EQ(json["state"], "succeeded");
  EXPECT_EQ(json["committed_attempt"], 2);
  EXPECT_TRUE(json["stdin"].is_null());
  EXPECT_EQ(json["tries"][0], Json::parse(R"({"attempt":1,"node":"pi1","state":"ended","outcome":"node lost",
    "exit_code":null,"signal":null,"text":"","assigned_ms":2000,"started_ms":null,"ended_ms":3000,"duration_ms":null,
    "cpu_ms":null,"peak_memory_bytes":null,"energy_j":null,"energy_measured_j":null,"committed":false})"));
  EXPECT_EQ(json["tries"][1], Json::parse(R"({"attempt":2,"node":"pi1","state":"ended","outcome":"exited",
    "exit_code":0,"signal":null,"text":"","assigned_ms":2000,"started_ms":2500,"ended_ms":4000,"duration_ms":1500,
    "cpu_ms":700,"peak_memory_bytes":4096,"energy_j":3.5,"energy_measured_j":0.5,"committed":true})"));
}

TEST(RenderTask, TellsHowFarAnOpenTryIs) {
  TaskRow task;
  task.attempts = {sample_attempt(1), sample_attempt(2)};
  task.attempts[1].record.started = WallTime{5};
  const Json tries = Json::parse(render_tasks(std::vector{task}))[0]["tries"];
  EXPECT_EQ(tries[0]["state"], "assigned");
  EXPECT_EQ(tries[1]["state"], "running");
  EXPECT_TRUE(tries[1]["outcome"].is_null());
}

TEST(RenderTask, AKilledTryHasASignalAndNoExitCode) {
  TaskRow task;
  task.attempts = {sample_attempt(1)};
  task.attempts[0].result = wire::Finished{wire::Outcome::timed_out, 0, 9, "time limit", 0, 0, 0, 0, 0, 0, {}, {}};
  task.attempts[0].outcome = "timed_out";
  const Json one = Json::parse(render_tasks(std::vector{task}))[0]["tries"][0];
  EXPECT_TRUE(one["exit_code"].is_null());
  EXPECT_EQ(one["signal"], 9);
  EXPECT_EQ(one["text"], "time limit");
}

TEST(RenderTable, KeepsNumbersAsNumbers) {
  const SqlTable table{{"a", "b", "c", "d"},
                       {{{Kind::integer, "9007199254740993"}, {Kind::real, "1.5"}, {Kind::text, "x\"\xff"}, {}}},
                       false};
  EXPECT_EQ(render_table(table, 1 << 20),
            "{\"columns\":[\"a\",\"b\",\"c\",\"d\"],\"rows\":[[9007199254740993,1.5,\"x\\\"\xEF\xBF\xBD\",null]],"
            "\"truncated\":false}");
}

TEST(RenderTable, WritesWhatIsNoJsonNumberAsText) {
  const SqlTable table{{"a"}, {{{Kind::real, "Inf"}}, {{Kind::real, "-nan"}}}, false};
  EXPECT_EQ(Json::parse(render_table(table, 1 << 20))["rows"], Json::parse(R"([["Inf"],["-nan"]])"));
}

TEST(RenderTable, LeavesOutWhatDoesNotFitAndSaysSo) {
  SqlTable table{{"a"}, {}, false};
  for (int i = 0; i < 100; ++i) table.rows.push_back({{Kind::integer, "1000"}});
  const Json json = Json::parse(render_table(table, 300));
  EXPECT_TRUE(json["truncated"].get<bool>());
  EXPECT_GT(json["rows"].size(), 10U);
  EXPECT_LT(json["rows"].size(), 60U);
}

TEST(RenderTable, PassesOnThatTheStoreCutIt) {
  EXPECT_TRUE(Json::parse(render_table({{"a"}, {}, true}, 300))["truncated"].get<bool>());
}

TEST(RenderEndedWatch, LooksLikeALiveOne) {
  JobRow row = sample_job();
  row.record.progress.state = JobState::succeeded;
  const Json json = Json::parse(render_ended_watch(row, 8));
  EXPECT_EQ(json["version"], 8);
  EXPECT_EQ(json["state"], "succeeded");
  EXPECT_EQ(json["open"], false);
  EXPECT_EQ(json["tasks"]["total"], 10);
  EXPECT_TRUE(json["eta_ms"].is_null());
}

}  // namespace
}  // namespace bramble::aggregator::http
