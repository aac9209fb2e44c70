#include "aggregator/cli/views.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace bramble::cli {
namespace {

using nlohmann::json;

void expect_at_most_80_columns(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 80U) << line;
}

json long_job() {
  return {{"job", 123456},
          {"name", std::string(100, 'n')},
          {"owner", std::string(30, 'o')},
          {"state", "succeeded"},
          {"open", false},
          {"submitted_ms", 1700000000000},
          {"ended_ms", nullptr},
          {"command", std::string(300, 'c')},
          {"tasks", {{"total", 1000000}, {"succeeded", 999999}, {"failed", 1}, {"cancelled", 0}, {"running", 0}}}};
}

json busy_node() {
  return {{"node", "a-node-with-quite-a-long-name-01"},
          {"state", "silent"},
          {"drained", true},
          {"cores", 4},
          {"memory_bytes", 8589934592},
          {"running", 4},
          {"queued", 12},
          {"load1", 12.345},
          {"cpu_busy_ratio", 0.998},
          {"temperature_celsius", 71.6},
          {"power_w", 6.25},
          {"power_measured", false},
          {"last_heard_ms", 1250},
          {"model", "Raspberry Pi 4 Model B Rev 1.5"}};
}

TEST(Views, FitTheJobTableInto80Columns) {
  const std::string text = job_table(json::array({long_job()}), 80).render(80);
  expect_at_most_80_columns(text);
  EXPECT_NE(text.find("999999/1000000"), std::string::npos);
}

TEST(Views, FitTheNodeTableInto80ColumnsAndMarkModelledWatts) {
  const std::string text = node_table(json::array({busy_node()})).render(80);
  expect_at_most_80_columns(text);
  EXPECT_NE(text.find("~6.2"), std::string::npos) << text;
  EXPECT_NE(text.find("100%"), std::string::npos) << text;
}

TEST(Views, ShowADashForWhatANodeDoesNotTell) {
  const std::string text = node_table(json::parse(R"([{"node":"pi01","state":"unknown","temperature_celsius":null,
                                                       "last_heard_ms":null}])"))
                               .render(80);
  EXPECT_NE(text.find("never"), std::string::npos);
  EXPECT_NE(text.find(" - "), std::string::npos);
}

TEST(Views, FitTheTableOfTriesInto80Columns) {
  const json tasks = json::array({{{"task", 4000000},
                                   {"tries", json::array({{{"attempt", 12},
                                                           {"node", std::string(40, 'n')},
                                                           {"outcome", "start_failed"},
                                                           {"text", std::string(200, 't')},
                                                           {"duration_ms", 86399000},
                                                           {"cpu_ms", 86399000},
                                                           {"peak_memory_bytes", 1023 << 20},
                                                           {"committed", true}}})}}});
  expect_at_most_80_columns(try_table(tasks).render(80));
}

TEST(Views, ANodesDetailsTellOfSensorsThatFail) {
  const std::string told = node_details({{"node", "pi01"}, {"state", "on"}, {"sensor_trouble", "drop-ins: \x1b[2J"}});
  EXPECT_NE(told.find("\n  sensors       failing: drop-ins: ?[2J\n"), std::string::npos) << told;
  EXPECT_EQ(node_details({{"node", "pi01"}, {"state", "on"}, {"sensor_trouble", ""}}).find("sensors"),
            std::string::npos);
}

TEST(Views, ANodeTellsHowItHoldsTasksToTheirLimits) {
  const json limits = {{"memory", "kernel"}, {"cpus", "kernel"}, {"processes", "none"}};
  const std::string told = node_details({{"node", "pi01"}, {"state", "on"}, {"limits", limits}, {"sandbox", true}});
  EXPECT_NE(told.find("memory by the kernel, cpus by the kernel, processes not\n"), std::string::npos) << told;
  EXPECT_NE(told.find("sandbox       yes\n"), std::string::npos) << told;
  const std::string without = node_details(
      {{"node", "pi01"}, {"state", "on"}, {"sandbox", false}, {"no_sandbox", "bubblewrap is not installed"}});
  EXPECT_NE(without.find("sandbox       no: bubblewrap is not installed\n"), std::string::npos) << without;
  EXPECT_EQ(node_details({{"node", "pi01"}, {"state", "on"}}).find("limits"), std::string::npos) << "an older node";
}

TEST(Views, QuoteCsvWhereItMustBe) {
  const json result = json::parse(R"({"columns":["a","b,c"],"rows":[[1,"x\"y"],[null,"two\nlines"]]})");
  EXPECT_EQ(query_csv(result), "a,\"b,c\"\n1,\"x\"\"y\"\n,\"two\nlines\"\n");
}

TEST(Views, ShowAQueryWithoutRowsAsItsTitles) {
  EXPECT_EQ(query_table(json::parse(R"({"columns":["a","b"],"rows":[]})")).render(80), "a  b\n");
}

TEST(Views, AnExplanationHasALineForEachReason) {
  const json job = {
      {"job", 12},
      {"task", nullptr},
      {"state", "running"},
      {"total", 100},
      {"ended", 3},
      {"reasons", {{{"tasks", 96}, {"text", "all busy"}, {"detail", "x"}}, {{"tasks", 1}, {"text", "running"}}}}};
  EXPECT_EQ(explanation_text(job, kAnyWidth),
            "job 12: running, 3 of 100 tasks ended\n  96 tasks: all busy\n  1 task: running\n");
  const json task = {{"job", 12},
                     {"task", 7},
                     {"state", "assigned"},
                     {"reasons", {{{"tasks", 1}, {"text", "at node pi1"}, {"detail", "attempt 2"}}}}};
  EXPECT_EQ(explanation_text(task, kAnyWidth), "task 12.7: assigned\n  at node pi1 (attempt 2)\n");
}

TEST(Views, AnExplanationIsBrokenBetweenWords) {
  const json job = {
      {"job", 12},
      {"state", "running"},
      {"total", 1},
      {"ended", 0},
      {"reasons", {{{"tasks", 1}, {"text", "waits for what does not come for a very long time indeed"}}}}};
  EXPECT_EQ(explanation_text(job, 40),
            "job 12: running, 0 of 1 task ended\n"
            "  1 task: waits for what does not come\n"
            "  for a very long time indeed\n");
}

TEST(Views, TablesOfSqlAreBrokenBetweenColumnsAlsoInAPipe) {
  json columns = json::array();
  for (int i = 0; i < 40; ++i) columns.push_back("column_" + std::to_string(i));
  const json tables = {{{"table", "jobs"}, {"columns", columns}}, {{"table", "few"}, {"columns", {"a", "b"}}}};
  const std::string text = tables_text(tables, kAnyWidth);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 72U) << line;
  EXPECT_TRUE(text.starts_with("jobs\n  column_0 column_1 ")) << text;
  EXPECT_TRUE(text.ends_with("\nfew\n  a b\n")) << text;
}

TEST(Views, TroublesOfTheAggregatorAreSentences) {
  EXPECT_TRUE(troubles_in({{"version", "0.1"}}).empty()) << "an aggregator that does not say";
  EXPECT_TRUE(troubles_in({{"connected", true}, {"store_ok", true}, {"storage", {{"full", false}}}}).empty());
  const auto troubles = troubles_in({{"connected", false},
                                     {"broker_trouble", "refused"},
                                     {"store_ok", true},
                                     {"storage", {{"full", true}, {"quota_bytes", uint64_t{16} << 30}}}});
  ASSERT_EQ(troubles.size(), 2U);
  EXPECT_EQ(troubles[0],
            "the aggregator has no connection to the broker (refused): nothing is sent to nodes until it is back");
  EXPECT_NE(troubles[1].find("16G): bramble job forget"), std::string::npos) << troubles[1];
}

TEST(Views, AnOpenJobWhoseClientIsSilentSaysForHowLong) {
  json job = long_job();
  job["client_silent_ms"] = 720'000;
  EXPECT_EQ(client_silence(job), "") << "it is closed";
  job["open"] = true;
  const std::string table = job_table(json::array({job}), 80).render(80);
  EXPECT_NE(table.find("\n    open: its client last spoke 12m ago\n"), std::string::npos) << table;
  expect_at_most_80_columns(table);
  job["command"] = "wc -l";
  job["name"] = "lines";
  job["tasks"]["total"] = job["tasks"]["succeeded"] = 3;
  const std::string details = job_details(job);
  expect_at_most_80_columns(details);
  EXPECT_NE(details.find("open          its client last spoke 12m ago; bramble job cancel ends it\n"),
            std::string::npos)
      << details;
  for (const json& silence : {json(30'000), json(nullptr)}) {
    job["client_silent_ms"] = silence;
    EXPECT_EQ(client_silence(job), "") << "it may ask seldom";
  }
}

json waiting_job(int number) {
  json job = long_job();
  job["job"] = number;
  job["state"] = "waiting";
  job["open"] = true;
  job["waits"] = "storage_full";
  job["tasks"] = {{"total", 400}, {"succeeded", 64}, {"failed", 0}, {"cancelled", 0}, {"running", 0}};
  return job;
}

TEST(Views, TheColumnOfWaitingWordsIsThereWhenAJobWaits) {
  json jobs = {{{"job", 1}, {"state", "succeeded"}, {"tasks", {{"total", 1}, {"succeeded", 1}}}}};
  EXPECT_EQ(job_table(jobs, 200).render(200).find("WAITS"), std::string::npos);
  jobs.push_back({{"job", 2}, {"state", "waiting"}, {"tasks", {{"total", 1}}}, {"waits", "too_large"}});
  const std::string text = job_table(jobs, 200).render(200);
  EXPECT_NE(text.find("WAITS"), std::string::npos);
  EXPECT_NE(text.find("waiting    too_large"), std::string::npos) << text;
}

TEST(Views, DoneAreTheTasksThatSucceeded) {
  const json jobs = {{{"job", 1},
                      {"state", "cancelled"},
                      {"tasks", {{"total", 10}, {"succeeded", 5}, {"failed", 2}, {"cancelled", 3}}}}};
  const std::string text = job_table(jobs, 80).render(80);
  EXPECT_NE(text.find("cancelled  5/10       2"), std::string::npos) << text;
}

TEST(Views, JobsThatWaitFitInto80ColumnsWithRoomForNamesAndCommands) {
  const std::string text = job_table(json::array({waiting_job(104), waiting_job(105)}), 80).render(80);
  expect_at_most_80_columns(text);
  EXPECT_NE(text.find("storage_full"), std::string::npos) << text;
  EXPECT_NE(text.find("nnnnnnnnn"), std::string::npos) << text;
  EXPECT_NE(text.find("ccccccccc"), std::string::npos) << text;
  EXPECT_EQ(text.find("FAILED"), std::string::npos) << "no task has:\n" << text;
}

TEST(Views, TheLargestJobThatWaitsFitsInto80Columns) {
  json job = long_job();
  job["open"] = true;
  job["waits"] = "storage_full";
  const std::string text = job_table(json::array({job, waiting_job(7)}), 80).render(80);
  expect_at_most_80_columns(text);
  EXPECT_NE(text.find("FAILED"), std::string::npos) << "a task has:\n" << text;
}

TEST(Views, ATableOfJobsThatIsNotCutShowsAllColumns) {
  const std::string text = job_table(json::array({waiting_job(104)}), kAnyWidth).render(kAnyWidth);
  for (const char* title : {"WAITS", "FAILED", "OWNER", "SUBMITTED"}) {
    EXPECT_NE(text.find(title), std::string::npos) << title << " is missing:\n" << text;
  }
  EXPECT_NE(text.find("2023-11-1"), std::string::npos) << "the year is shown:\n" << text;
}

}  // namespace
}  // namespace bramble::cli
