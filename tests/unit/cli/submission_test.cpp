#include "aggregator/cli/submission.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace bramble::cli {
namespace {

using nlohmann::json;

TEST(Submission, SaysOnlyWhatWasAskedFor) {
  TaskOptions task;
  task.argv = {"echo", "hi"};
  EXPECT_EQ(submit_body(task, "id"), json::parse(R"({"argv":["echo","hi"],"submit_id":"id","priority":0,"cpus":1,
                                                    "retries":0,"crash_limit":3,"on_node_loss":"rerun"})"));
}

TEST(Submission, CountsTheSlotsOfNodesThatMayAndCanRunSuchTasks) {
  const json nodes = json::parse(R"([{"node":"pi01","state":"on","drained":false,"cores":4},
                                     {"node":"pi02","state":"on","drained":false,"cores":3},
                                     {"node":"pi03","state":"on","drained":true,"cores":4},
                                     {"node":"pi04","state":"silent","drained":false,"cores":4},
                                     {"node":"pi05","state":"on","drained":false,"cores":4}])");
  const NodeSet able = *parse_node_set("pi[01-04]");
  EXPECT_EQ(slots_of(nodes, able, 1), 7U) << "pi05 may not, pi03 and pi04 take no work";
  EXPECT_EQ(slots_of(nodes, able, 2), 3U);
  EXPECT_EQ(slots_of(nodes, able, 8), 1U) << "never none";
  EXPECT_EQ(slots_of(nodes, {}, 1), 1U);
}

TEST(Submission, PutsEveryOptionIntoItsField) {
  TaskOptions task;
  task.argv = {"x"};
  task.name = "n";
  task.memory_bytes = 1024;
  task.time_limit_ms = 5000;
  task.resources = {{"gpu", 1}};
  task.env = {{"A", "b"}};
  task.isolate = "sandbox";
  task.network = true;
  task.on = "pi[01-02]";
  task.arch = "aarch64";
  json body = submit_body(task, "id");
  add_array(body, {1, 9, 2, 3});
  add_stdin(body, {std::string(64, 'a'), 7});
  EXPECT_EQ(body["name"], "n");
  EXPECT_EQ(body["memory_bytes"], 1024);
  EXPECT_EQ(body["time_limit_ms"], 5000);
  EXPECT_EQ(body["resources"], json({{"gpu", 1}}));
  EXPECT_EQ(body["env"], json({{"A", "b"}}));
  EXPECT_EQ(body["isolate"], "sandbox");
  EXPECT_EQ(body["network"], true);
  EXPECT_EQ(body["on"], "pi[01-02]");
  EXPECT_EQ(body["arch"], "aarch64");
  EXPECT_EQ(body["array"], json({{"first", 1}, {"last", 9}, {"step", 2}, {"max_running", 3}}));
  EXPECT_EQ(body["stdin"], json({{"blob", std::string(64, 'a')}, {"size_bytes", 7}}));
}

TEST(Submission, ReportsTheCommittedTryOfATask) {
  const TaskReport report = task_report(json::parse(R"({"task":3,"state":"succeeded","attempts":2,"tries":[
      {"attempt":1,"node":"a","outcome":"exited","exit_code":0,"signal":null,"committed":true},
      {"attempt":2,"node":"b","outcome":"cancelled","exit_code":null,"signal":15,"committed":false}]})"));
  EXPECT_EQ(report.node, "a");
  EXPECT_EQ(report.end.outcome, "exited");
  EXPECT_EQ(describe_end(report), "succeeded on a");
}

TEST(Submission, DescribesHowATaskEnded) {
  const auto described = [](const char* outcome, int code, int signal, const char* text) {
    TaskReport report;
    report.state = "failed";
    report.node = "pi01";
    report.end = {outcome, code, signal};
    report.text = text;
    return describe_end(report);
  };
  EXPECT_EQ(described("exited", 3, 0, ""), "failed with exit status 3 on pi01");
  EXPECT_EQ(described("signaled", 0, 11, ""), "was ended by signal 11 on pi01");
  EXPECT_EQ(described("timed_out", 0, 15, ""), "was ended at its time limit on pi01");
  EXPECT_EQ(described("start_failed", 0, 0, "no such file"), "could not be started on pi01: no such file");
}

TEST(Submission, ComplainsOfJobsThatDidNotSucceed) {
  JobView view;
  view.state = "succeeded";
  EXPECT_EQ(job_complaint(12, view), "");
  view.state = "cancelled";
  EXPECT_EQ(job_complaint(12, view), "job 12 was cancelled");
  view.state = "failed";
  view.counts.total = 10;
  view.counts.failed = 3;
  EXPECT_EQ(job_complaint(12, view), "job 12: 3 of 10 tasks failed: bramble job info 12 shows why");
}

}  // namespace
}  // namespace bramble::cli
