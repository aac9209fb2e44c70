#include <gtest/gtest.h>

#include "aggregator/http/requests.hpp"

namespace bramble::aggregator::http {
namespace {

const std::string kSha(64, 'b');
const std::string kInput = R"({"stdin":{"blob":")" + kSha + R"(","size_bytes":3}})";

template <typename T>
std::string complaint(const Result<T>& parsed) {
  return parsed ? "(taken)" : parsed.error().message;
}

TEST(ParseAppend, TakesTasksWithTheirInputs) {
  const auto request = parse_append(R"({"first":4,"tasks":[)" + kInput + "," + kInput + "]}", 9);
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->job, 9U);
  EXPECT_EQ(request->first, 4U);
  ASSERT_EQ(request->tasks.size(), 2U);
  EXPECT_EQ(request->tasks[1], (TaskInput{{kSha, 3}}));
}

TEST(ParseAppend, TakesTasksWithFilesOfTheirOwn) {
  const std::string file = R"({"name":"tool","blob":")" + kSha + R"(","size_bytes":7})";
  const std::string stdin_blob = kInput.substr(0, kInput.size() - 1);
  const auto request = parse_append(R"({"first":0,"tasks":[)" + stdin_blob + R"(,"files":[)" + file + "]}]}", 9);
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->tasks.at(0).files, (std::vector<wire::InputFile>{{"tool", {kSha, 7}}}));
  EXPECT_EQ(complaint(parse_append(R"({"first":0,"tasks":[)" + stdin_blob + R"(,"files":[{"name":"x"}]}]})", 9)),
            "tasks[0].files[0].blob is missing");
}

TEST(ParseAppend, RefusesTasksWithoutInputAndTooMany) {
  EXPECT_EQ(complaint(parse_append(R"({"first":0,"tasks":[{}]})", 9)), "tasks[0].stdin is missing");
  EXPECT_EQ(complaint(parse_append(R"({"tasks":[]})", 9)), "first is missing");
  EXPECT_EQ(complaint(parse_append(R"({"first":0,"tasks":7})", 9)), "tasks must be a list of objects");
  EXPECT_EQ(complaint(parse_append(R"({"first":0,"tasks":[7]})", 9)), "tasks[0] must be an object");
  std::string many = kInput;
  for (int i = 0; i < 1000; ++i) many += "," + kInput;
  EXPECT_EQ(complaint(parse_append(R"({"first":0,"tasks":[)" + many + "]}", 9)),
            "tasks has 1001 entries; append at most 1000 at once");
  EXPECT_EQ(complaint(parse_append(R"({"first":100000000,"tasks":[)" + kInput + "]}", 9)),
            "a job has at most 100000000 tasks");
}

TEST(ParseKeep, TakesABlobThatIsThereAlready) {
  const auto request = parse_keep(R"({"blob":")" + kSha + R"(","size_bytes":7})");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->sha256, kSha);
  EXPECT_EQ(request->size_bytes, 7U);
  EXPECT_EQ(complaint(parse_keep("{}")), "blob is missing");
}

TEST(ParseKeep, TakesABlobWhoseSizeTheCallerDoesNotKnow) {
  const auto request = parse_keep(R"({"blob":")" + kSha + R"("})");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->size_bytes, std::nullopt);
  EXPECT_EQ(complaint(parse_keep(R"({"blob":"x"})")), "blob must be a SHA-256 in 64 lower-case hexadecimal digits");
}

TEST(ParseCheckpoint, TakesABlob) {
  const auto request = parse_checkpoint(R"({"blob":")" + kSha + R"(","size_bytes":7})", 9);
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->job, 9U);
  EXPECT_EQ(request->blob, (wire::BlobRef{kSha, 7}));
  EXPECT_EQ(complaint(parse_checkpoint("{}", 9)), "blob is missing");
  EXPECT_EQ(complaint(parse_checkpoint(R"({"blob":"ab","size_bytes":7})", 9)),
            "blob must be a SHA-256 in 64 lower-case hexadecimal digits");
  EXPECT_EQ(complaint(parse_checkpoint(R"({"blob":")" + kSha + R"(","size_bytes":7,"name":"x"})", 9)).substr(0, 7),
            "unknown");
}

TEST(ParseGather, TakesPartsOfOutputs) {
  const auto gathering = parse_gather(R"({"job":3,"parts":[[0,5,7],[4294967295,0,0]]})");
  ASSERT_TRUE(gathering) << gathering.error().message;
  EXPECT_EQ(gathering->job, 3U);
  ASSERT_EQ(gathering->parts.size(), 2U);
  EXPECT_EQ(gathering->parts[0].offset, 5U);
  EXPECT_EQ(gathering->parts[0].size_bytes, 7U);
  EXPECT_EQ(gathering->parts[1].task, 4294967295U);
}

TEST(ParseGather, RefusesWhatIsNoPart) {
  EXPECT_EQ(complaint(parse_gather(R"({"parts":[]})")), "job is missing");
  EXPECT_EQ(complaint(parse_gather(R"({"job":3})")), "parts is missing");
  for (const std::string part :
       {"7", "[0,5]", "[0,5,7,9]", "[0,-5,7]", "[0,5,1.5]", "[4294967296,0,0]", "[0,0,\"x\"]"}) {
    EXPECT_EQ(complaint(parse_gather(R"({"job":3,"parts":[[0,0,0],)" + part + "]}")),
              "parts[1] must be [TASK, OFFSET, BYTES]")
        << part;
  }
}

TEST(ParseGather, RefusesPartsThatAreTooMuchForOneBlob) {
  const std::string half = "[0,0,34359738368]";
  EXPECT_TRUE(parse_gather(R"({"job":3,"parts":[)" + half + "," + half + "]}"));
  const auto refused = parse_gather(R"({"job":3,"parts":[)" + half + ",[1,0,1]," + half + "]}");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::limit);
  EXPECT_EQ(
      refused.error().message,
      "the parts have more than 64 GiB together: put fewer of them into one blob (bramble map: more --partitions)");
}

TEST(ParseClose, TakesNothingOrAnEmptyObject) {
  EXPECT_TRUE(parse_close(""));
  EXPECT_TRUE(parse_close("{}"));
  EXPECT_FALSE(parse_close("7"));
  EXPECT_FALSE(parse_close(R"({"now":true})"));
}

TEST(ParseRetry, TakesASelectorAndWhetherAllIsMeant) {
  const auto retrying = parse_retry(R"({"jobs":"3-7","all":true})");
  ASSERT_TRUE(retrying) << retrying.error().message;
  EXPECT_TRUE(retrying->all);
  EXPECT_EQ(retrying->jobs.ranges, (std::vector<std::pair<JobId, JobId>>{{3, 7}}));
  EXPECT_FALSE(parse_retry(R"({"jobs":"3"})")->all);
  EXPECT_EQ(complaint(parse_retry("{}")), "jobs is missing");
  EXPECT_NE(complaint(parse_retry(R"({"jobs":"3","al":true})")).find("all"), std::string::npos);
  EXPECT_TRUE(parse_forget(R"({"jobs":"all"})")->jobs.all);
  EXPECT_EQ(complaint(parse_forget("{}")), "jobs is missing");
}

TEST(ParseCancel, TakesASelector) {
  const auto cancellation = parse_cancel(R"({"jobs":"3-7,12,last"})");
  ASSERT_TRUE(cancellation) << cancellation.error().message;
  EXPECT_TRUE(cancellation->jobs.last);
  EXPECT_EQ(cancellation->jobs.ranges, (std::vector<std::pair<JobId, JobId>>{{3, 7}, {12, 12}}));
}

TEST(ParseCancel, RefusesWhatNamesNoJob) {
  EXPECT_EQ(complaint(parse_cancel("{}")), "jobs is missing");
  EXPECT_EQ(complaint(parse_cancel(R"({"jobs":12})")), "jobs must be a text");
  EXPECT_EQ(complaint(parse_cancel(R"({"jobs":""})")), "jobs must not be empty");
  EXPECT_NE(complaint(parse_cancel(R"({"jobs":"x"})")).find("not a job"), std::string::npos);
}

TEST(ParseDrain, TakesANodeSetAndAReason) {
  const auto draining = parse_drain(R"({"nodes":"pi[1-3],head","reason":"new card"})");
  ASSERT_TRUE(draining) << draining.error().message;
  EXPECT_EQ(draining->nodes.names, (std::vector<std::string>{"pi1", "pi2", "pi3", "head"}));
  EXPECT_EQ(draining->reason, "new card");
}

TEST(ParseDrain, RefusesGroupsAndBadSets) {
  EXPECT_EQ(complaint(parse_drain(R"({"nodes":"@rack"})")), "there is no group @rack: name nodes, or all");
  EXPECT_NE(complaint(parse_drain(R"({"nodes":"pi[1-"})")), "(taken)");
  EXPECT_EQ(complaint(parse_drain(R"({"node":"pi1"})")), "unknown key 'node'; did you mean 'nodes'?");
}

TEST(ParseCalibrate, TakesBothWattsOrClear) {
  const auto said = parse_calibrate(R"({"nodes":"pi[1-2]","idle_w":2.7,"busy_w":6})");
  ASSERT_TRUE(said) << said.error().message;
  EXPECT_EQ(said->nodes.names.size(), 2U);
  EXPECT_EQ(said->power, (wire::PowerModel{2.7, 6}));
  const auto cleared = parse_calibrate(R"({"nodes":"all","clear":true})");
  ASSERT_TRUE(cleared) << cleared.error().message;
  EXPECT_FALSE(cleared->power);
}

TEST(ParseCalibrate, NamesWhatIsWrong) {
  const std::string both = "give both idle_w and busy_w, or clear alone";
  EXPECT_EQ(complaint(parse_calibrate(R"({"nodes":"all"})")), both);
  EXPECT_EQ(complaint(parse_calibrate(R"({"nodes":"all","idle_w":2})")), both);
  EXPECT_EQ(complaint(parse_calibrate(R"({"nodes":"all","idle_w":2,"busy_w":3,"clear":true})")), both);
  EXPECT_EQ(complaint(parse_calibrate(R"({"nodes":"all","idle_w":4,"busy_w":3})")), "busy_w must not be below idle_w");
  EXPECT_EQ(complaint(parse_calibrate(R"({"nodes":"all","idle_w":0,"busy_w":0})")),
            "busy_w must be more than 0: no node works without power");
  const std::string range = " must be a number of watts from 0 to 1000";
  EXPECT_EQ(complaint(parse_calibrate(R"({"nodes":"all","idle_w":-1,"busy_w":3})")), "idle_w" + range);
  EXPECT_EQ(complaint(parse_calibrate(R"({"nodes":"all","idle_w":1,"busy_w":"3"})")), "busy_w" + range);
  EXPECT_EQ(complaint(parse_calibrate(R"({"nodes":"all","idle_w":1,"busy_w":1e9})")), "busy_w" + range);
}

TEST(ParseSwitch, NeedsAReasonAndAWord) {
  const auto asked = parse_switch(R"({"nodes":"pi1","to":"off","how":"asap","reason":"new card"})");
  ASSERT_TRUE(asked) << asked.error().message;
  EXPECT_EQ(asked->act, PowerRequest::Act::off);
  EXPECT_EQ(asked->how, PowerHow::asap);
  EXPECT_EQ(asked->reason, "new card");
  EXPECT_EQ(complaint(parse_switch(R"({"nodes":"pi1","to":"off"})")), "reason is missing");
  EXPECT_EQ(complaint(parse_switch(R"({"nodes":"pi1","to":"off","reason":""})")), "reason must not be empty");
  EXPECT_EQ(complaint(parse_switch(R"({"nodes":"pi1","to":"up","reason":"x"})")), "to must be on, off, cycle or auto");
  EXPECT_EQ(complaint(parse_switch(R"({"nodes":"pi1","to":"on","how":"now","reason":"x"})")),
            "how must be clean, asap or force");
}

TEST(ParseSql, HasLimits) {
  const auto question = parse_sql(R"({"sql":"SELECT\n1"})");
  ASSERT_TRUE(question) << question.error().message;
  EXPECT_EQ(question->sql, "SELECT\n1");
  EXPECT_EQ(question->max_rows, 10'000U);
  EXPECT_EQ(complaint(parse_sql(R"({"sql":"x","max_rows":100001})")),
            "max_rows must be a whole number from 1 to 100000");
  EXPECT_EQ(complaint(parse_sql(R"({"sql":"x","time_limit_ms":0})")),
            "time_limit_ms must be a whole number from 1 to 60000");
  EXPECT_EQ(complaint(parse_sql(R"({"sql":""})")), "sql must not be empty");
}

}  // namespace
}  // namespace bramble::aggregator::http
