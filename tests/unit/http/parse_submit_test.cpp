#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "aggregator/http/requests.hpp"

namespace bramble::aggregator::http {
namespace {

using Json = nlohmann::json;

const Caller kSubmitter{"ada", false};
const std::string kFileSha(64, 'a');

SubmitRequest good(const Json& body) {
  auto parsed = parse_submit(body.dump(), kSubmitter);
  if (parsed) return std::move(*parsed);
  ADD_FAILURE() << parsed.error().message;
  return {};
}

std::string complaint(const std::string& body) {
  const auto parsed = parse_submit(body, kSubmitter);
  return parsed ? "(taken)" : parsed.error().message;
}

// The complaint about a good body with one field changed.
std::string complaint_with(const std::string& key, const Json& value) {
  Json body{{"argv", {"true"}}};
  body[key] = value;
  return complaint(body.dump());
}

TEST(ParseSubmit, NeedsNothingButACommand) {
  const SubmitRequest request = good({{"argv", {"echo", "hi", ""}}});
  const JobSpec& spec = request.spec;
  EXPECT_EQ(spec.task.argv, (std::vector<std::string>{"echo", "hi", ""}));
  EXPECT_EQ(spec.owner, "ada");
  EXPECT_EQ(spec.task.cpus, 1U);
  EXPECT_EQ(spec.on_node_loss, NodeLossPolicy::rerun);
  EXPECT_FALSE(spec.array);
  EXPECT_EQ(request.range, (TaskRange{0, 0, 1}));
  EXPECT_FALSE(request.dry_run);
}

TEST(ParseSubmit, TakesTheRulesOfCalls) {
  const Json body{{"argv", {"wordcount"}}, {"per_task_input", true}, {"calls", {{"limit_ms", 250}, {"retries", 2}}}};
  EXPECT_EQ(good(body).spec.task.calls, (wire::CallRules{250, 60'000, 2}));
  EXPECT_FALSE(good({{"argv", {"true"}}}).spec.task.calls);
}

TEST(ParseSubmit, RefusesCallsWithoutInputAndRulesThatAreNone) {
  EXPECT_NE(complaint_with("calls", Json::object()).find("per_task_input"), std::string::npos);
  EXPECT_NE(complaint_with("calls", 7).find("calls"), std::string::npos);
  EXPECT_NE(complaint_with("calls", {{"limit", 7}}).find("limit_ms"), std::string::npos);
  EXPECT_NE(complaint_with("calls", {{"retries", 11}}).find("calls.retries"), std::string::npos);
  EXPECT_NE(complaint_with("calls", {{"limit_ms", -1}}).find("calls.limit_ms"), std::string::npos);
}

TEST(ParseSubmit, TakesEveryField) {
  const SubmitRequest request = good({{"argv", {"work"}},
                                      {"name", "sweep"},
                                      {"submit_id", "01234567-89ab-cdef-0123-456789abcdef"},
                                      {"priority", -5},
                                      {"cpus", 2},
                                      {"memory_bytes", 1 << 20},
                                      {"resources", {{"gpu", 1}}},
                                      {"time_limit_ms", 60000},
                                      {"kill_grace_ms", 1000},
                                      {"retries", 3},
                                      {"env", {{"A", "b"}, {"EMPTY", ""}}},
                                      {"on_node_loss", "fence"},
                                      {"array", {{"first", 5}, {"last", 9}, {"step", 2}, {"max_running", 4}}},
                                      {"stdin", {{"blob", kFileSha}, {"size_bytes", 7}}},
                                      {"stdout_cap_bytes", 1000},
                                      {"stderr_cap_bytes", 2000},
                                      {"per_task_input", false},
                                      {"dry_run", true}});
  const JobSpec& spec = request.spec;
  EXPECT_EQ(spec.name, "sweep");
  EXPECT_EQ(spec.submit_id, "01234567-89ab-cdef-0123-456789abcdef");
  EXPECT_EQ(spec.priority, -5);
  EXPECT_EQ(spec.retries, 3U);
  EXPECT_EQ(spec.max_running, 4U);
  EXPECT_EQ(spec.on_node_loss, NodeLossPolicy::fence);
  EXPECT_TRUE(spec.array);
  EXPECT_EQ(request.range, (TaskRange{5, 9, 2}));
  EXPECT_EQ(spec.stdin_blob, (wire::BlobRef{kFileSha, 7}));
  EXPECT_EQ(spec.task.cpus, 2U);
  EXPECT_EQ(spec.task.memory_bytes, 1U << 20);
  EXPECT_EQ(spec.task.resources, (std::map<std::string, int64_t>{{"gpu", 1}}));
  EXPECT_EQ(spec.task.time_limit_ms, 60000);
  EXPECT_EQ(spec.task.kill_grace_ms, 1000);
  EXPECT_EQ(spec.task.env, (std::vector<std::pair<std::string, std::string>>{{"A", "b"}, {"EMPTY", ""}}));
  EXPECT_EQ(spec.task.stdout_cap_bytes, 1000U);
  EXPECT_EQ(spec.task.stderr_cap_bytes, 2000U);
  EXPECT_TRUE(request.dry_run);
}

TEST(ParseSubmit, TakesASandboxAndItsNetwork) {
  EXPECT_EQ(good({{"argv", {"work"}}}).spec.task.isolate, wire::Isolation::none);
  const auto task = good({{"argv", {"work"}}, {"isolate", "sandbox"}, {"network", true}}).spec.task;
  EXPECT_EQ(task.isolate, wire::Isolation::sandbox);
  EXPECT_TRUE(task.network);
  EXPECT_EQ(complaint_with("isolate", "sandbx"),
            "isolate: unknown isolation 'sandbx'; did you mean 'sandbox'? (none, sandbox)");
  EXPECT_EQ(complaint_with("isolate", 1), "isolate must be none or sandbox");
  EXPECT_EQ(complaint_with("network", true),
            "network goes with isolate: sandbox; a task that is not isolated has the network anyway");
}

TEST(ParseSubmit, TakesWhereItMayRun) {
  EXPECT_EQ(good({{"argv", {"work"}}}).spec.where, Constraints{});
  EXPECT_EQ(good({{"argv", {"work"}}, {"on", "all"}}).spec.where, Constraints{});
  const Constraints where = good({{"argv", {"work"}}, {"on", "pi02,pi[01-03]"}, {"arch", "arm64"}}).spec.where;
  EXPECT_EQ(where.on, "pi[01-03]");
  EXPECT_EQ(where.nodes, (std::vector<std::string>{"pi01", "pi02", "pi03"}));
  EXPECT_EQ(where.arch, "aarch64") << "as nodes tell it";
  EXPECT_EQ(complaint_with("on", "pi[01-"), "a ']' is missing in 'pi[01-'");
  EXPECT_EQ(complaint_with("on", "@rack"), "there are no groups of nodes yet: name the nodes, as in pi[01-04]");
  EXPECT_EQ(complaint_with("on", "pi[1-1025]"), "a job may name at most 1024 nodes, in 16 KiB");
  EXPECT_EQ(complaint_with("arch", "arm v7"), "not an architecture's name: write it like aarch64 or armv7l");
  EXPECT_EQ(complaint_with("on", ""), "on must not be empty");
}

TEST(ParseSubmit, TheOwnerIsTheCallerAndCannotBeSaid) {
  EXPECT_EQ(complaint_with("owner", "bob"), "unknown key 'owner'");
}

TEST(ParseSubmit, NamesTheNearestKey) {
  EXPECT_EQ(complaint_with("retrys", 1), "unknown key 'retrys'; did you mean 'retries'?");
  EXPECT_EQ(complaint(R"({"argvv":["x"]})"), "unknown key 'argvv'; did you mean 'argv'?");
  EXPECT_EQ(complaint_with("array", {{"frist", 1}, {"last", 2}}),
            "unknown key 'array.frist'; did you mean 'array.first'?");
  EXPECT_EQ(complaint_with("on_node_loss", "rerunn"),
            "on_node_loss: unknown policy 'rerunn'; did you mean 'rerun'? (rerun, fence, fail)");
}

TEST(ParseSubmit, RefusesWhatIsNoObject) {
  EXPECT_EQ(complaint(""), "the body is not JSON: it breaks off or goes wrong at byte 1");
  EXPECT_EQ(complaint("{\"argv\":"), "the body is not JSON: it breaks off or goes wrong at byte 9");
  EXPECT_EQ(complaint("[]"), "the body must be a JSON object");
  EXPECT_EQ(complaint("\xff\xfe"), "the body is not JSON: it breaks off or goes wrong at byte 1");
}

TEST(ParseSubmit, RefusesDeepNesting) {
  const std::string deep = "{\"argv\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  EXPECT_EQ(complaint(deep), "the body is JSON that is nested too deeply");
}

TEST(ParseSubmit, ChecksTheCommand) {
  EXPECT_EQ(complaint("{}"), "argv is missing");
  const std::string a_list = "argv must be a list of texts: the command and its arguments";
  EXPECT_EQ(complaint_with("argv", "ls -l"), a_list);
  EXPECT_EQ(complaint_with("argv", Json::array()), a_list);
  EXPECT_EQ(complaint_with("argv", {""}), "argv[0] must not be empty");
  EXPECT_EQ(complaint_with("argv", {"ls", 7}), "argv[1] must be a text");
  EXPECT_EQ(complaint_with("argv", {std::string("a\0b", 3)}), "argv[0] must not hold a NUL byte");
  EXPECT_NE(complaint_with("argv", std::vector<std::string>(4097, "x")).find("at most 4096"), std::string::npos);
  EXPECT_NE(complaint_with("argv", {"x", std::string(kMaxCommandBytes, 'y')}).find("standard input"),
            std::string::npos);
}

TEST(ParseSubmit, ChecksTheEnvironment) {
  EXPECT_EQ(complaint_with("env", Json::array()), "env must be an object of names and texts");
  EXPECT_EQ(complaint_with("env", {{"A", 1}}), "env.A must be a text");
  EXPECT_NE(complaint_with("env", {{"A=B", "x"}}).find("must not hold '='"), std::string::npos);
  EXPECT_NE(complaint_with("env", {{"", "x"}}).find("must not be empty"), std::string::npos);
}

TEST(ParseSubmit, ChecksNumbers) {
  EXPECT_EQ(complaint_with("cpus", 0), "cpus must be a whole number from 1 to 4096");
  EXPECT_EQ(complaint_with("cpus", -1), "cpus must be a whole number from 1 to 4096");
  EXPECT_EQ(complaint_with("cpus", 1.5), "cpus must be a whole number from 1 to 4096");
  EXPECT_EQ(complaint_with("cpus", "2"), "cpus must be a whole number from 1 to 4096");
  EXPECT_EQ(complaint_with("retries", 1001), "retries must be a whole number from 0 to 1000");
  EXPECT_EQ(complaint_with("priority", 1'000'001), "priority must be a whole number from -1000000 to 1000000");
  EXPECT_NE(complaint_with("memory_bytes", -1), "(taken)");
  EXPECT_NE(complaint_with("time_limit_ms", -1), "(taken)");
  EXPECT_NE(complaint_with("kill_grace_ms", 3'600'001), "(taken)");
  EXPECT_NE(complaint_with("max_running", -1), "(taken)");
  EXPECT_NE(complaint_with("stdout_cap_bytes", uint64_t{1} << 63), "(taken)");
}

TEST(ParseSubmit, ChecksTexts) {
  EXPECT_EQ(complaint_with("name", std::string(201, 'n')), "name has 201 bytes; at most 200 are allowed");
  EXPECT_EQ(complaint_with("name", "a\nb"), "name must not hold control characters");
  EXPECT_EQ(complaint_with("submit_id", "7"), "submit_id must be a UUID in lower-case letters");
  EXPECT_EQ(complaint_with("dry_run", 1), "dry_run must be true or false");
}

TEST(ParseSubmit, ChecksResources) {
  EXPECT_NE(complaint_with("resources", {{"g p u", 1}}).find("no name of a resource"), std::string::npos);
  EXPECT_EQ(complaint_with("resources", {{"gpu", 0}}), "resources.gpu must be a whole number from 1 to 1000000");
  EXPECT_EQ(complaint_with("resources", {"gpu"}), "resources must be an object of names and numbers");
}

TEST(ParseSubmit, ChecksTheArray) {
  EXPECT_EQ(complaint_with("array", {{"first", 1}}), "array.last is missing");
  EXPECT_EQ(complaint_with("array", {{"first", 2}, {"last", 1}}), "array.first is above array.last");
  EXPECT_EQ(complaint_with("array", {{"first", 1}, {"last", 2}, {"step", 0}}),
            "array.step must be a whole number from 1 to 4294967295");
  EXPECT_EQ(complaint_with("array", {{"first", 1}, {"last", 100'000'001}}),
            "array has 100000001 tasks; at most 100000000 are allowed");
  EXPECT_EQ(complaint_with("array", {{"first", -1}, {"last", 2}}),
            "array.first must be a whole number from 0 to 4294967295");
  EXPECT_EQ(complaint_with("array", {{"first", 1}, {"last", 100'000'000}}), "(taken)");
}

TEST(ParseSubmit, RefusesWhatExcludesEachOther) {
  Json body{{"argv", {"x"}}, {"per_task_input", true}, {"array", {{"first", 1}, {"last", 2}}}};
  EXPECT_NE(complaint(body.dump()).find("exclude each other"), std::string::npos);
  body = {{"argv", {"x"}}, {"per_task_input", true}, {"stdin", {{"blob", kFileSha}, {"size_bytes", 1}}}};
  EXPECT_NE(complaint(body.dump()).find("exclude each other"), std::string::npos);
  body = {{"argv", {"x"}}, {"max_running", 1}, {"array", {{"first", 1}, {"last", 2}, {"max_running", 3}}}};
  EXPECT_NE(complaint(body.dump()).find("different numbers"), std::string::npos);
}

TEST(ParseSubmit, ChecksTheInput) {
  EXPECT_EQ(complaint_with("stdin", kFileSha), "stdin must be an object");
  EXPECT_EQ(complaint_with("stdin", {{"blob", kFileSha}}), "stdin.size_bytes is missing");
  EXPECT_EQ(complaint_with("stdin", {{"blob", "abc"}, {"size_bytes", 1}}),
            "stdin.blob must be a SHA-256 in 64 lower-case hexadecimal digits");
}

TEST(ParseSubmit, ChecksTheInputFiles) {
  const Json good = {{"name", "tool"}, {"blob", kFileSha}, {"size_bytes", 1}};
  const auto request = parse_submit(Json{{"argv", {"x"}}, {"files", {good}}}.dump(), {"ada", false});
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->spec.task.files, (std::vector<wire::InputFile>{{"tool", {kFileSha, 1}}}));
  EXPECT_EQ(complaint_with("files", kFileSha), "files must be a list of objects");
  EXPECT_EQ(complaint_with("files", {{{"name", "x"}, {"size_bytes", 1}}}), "files[0].blob is missing");
  EXPECT_EQ(complaint_with("files", {good, good}), "files: two input files are named tool");
  EXPECT_EQ(complaint_with("files", {{{"name", "../x"}, {"blob", kFileSha}, {"size_bytes", 1}}}),
            "files[0].name: '../x' is no name for an input file: 1 to 100 bytes of text without '/'");
  EXPECT_EQ(complaint_with("files", Json(std::vector<Json>(65, good))),
            "files has 65 entries; at most 64 are allowed: pack them (tar)");
}

}  // namespace
}  // namespace bramble::aggregator::http
