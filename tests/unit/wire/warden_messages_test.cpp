#include "common/wire/warden_messages.hpp"

#include <gtest/gtest.h>

#include "unit/wire/edit.hpp"
#include "unit/wire/samples.hpp"

namespace bramble::wire {
namespace {

void expect_round_trip(const WardenRequest& request) {
  const std::string text = encode(request);
  const auto again = decode_warden_request(text);
  ASSERT_TRUE(again) << again.error().message << "\n" << text;
  EXPECT_TRUE(*again == request) << text;
}

void expect_round_trip(const WardenReport& report) {
  const std::string text = encode(report);
  const auto again = decode_warden_report(text);
  ASSERT_TRUE(again) << again.error().message << "\n" << text;
  EXPECT_TRUE(*again == report) << text;
}

void expect_request_refused(const std::string& text, const std::string& complaint) {
  const auto request = decode_warden_request(text);
  ASSERT_FALSE(request) << text;
  EXPECT_EQ(request.error().message, "request to the warden: " + complaint);
}

void expect_report_refused(const std::string& text, const std::string& complaint) {
  const auto report = decode_warden_report(text);
  ASSERT_FALSE(report) << text;
  EXPECT_EQ(report.error().message, "the warden's report: " + complaint);
}

TEST(WardenMessages, RequestsComeBackEqual) {
  expect_round_trip(WardenRequest(WardenHello{.protocol = 7}));
  expect_round_trip(WardenRequest(WardenHello{}));
  expect_round_trip(WardenRequest(samples::full_start()));
  expect_round_trip(WardenRequest(WardenStart{.task = samples::warden_task(), .spec = samples::least_spec()}));
  expect_round_trip(WardenRequest(WardenKill{.task = samples::warden_task(), .outcome = Outcome::lease_ended}));
  expect_round_trip(WardenRequest(WardenForget{.tasks = {samples::warden_task(), samples::warden_task()}}));
  expect_round_trip(WardenRequest(WardenForget{}));
  expect_round_trip(WardenRequest(WardenLease{.heard_ms = 123'456}));
  expect_round_trip(WardenRequest(WardenAskUsage{}));
  expect_round_trip(WardenRequest(WardenPing{}));
}

TEST(WardenMessages, ReportsComeBackEqual) {
  expect_round_trip(WardenReport(samples::full_state()));
  expect_round_trip(WardenReport(WardenState{}));
  expect_round_trip(WardenReport(samples::full_started()));
  expect_round_trip(WardenReport(WardenStarted{.task = samples::warden_task()}));
  expect_round_trip(WardenReport(WardenOutput{.task = samples::warden_task(), .stdout_bytes = 1, .stderr_bytes = 2}));
  expect_round_trip(WardenReport(samples::full_exited()));
  expect_round_trip(WardenReport(WardenExited{.task = samples::warden_task()}));
  expect_round_trip(WardenReport(WardenRefused{.task = samples::warden_task(), .why = "no free slot"}));
  expect_round_trip(WardenReport(WardenRefused{.why = "not JSON"}));
  expect_round_trip(WardenReport(samples::full_usage()));
  expect_round_trip(WardenReport(WardenPong{}));
}

TEST(WardenMessages, RecordsComeBackEqual) {
  const WardenExited exited = samples::full_exited();
  EXPECT_TRUE(decode_exit_record(encode_exit_record(exited)).value() == exited);
  const WardenStart start = samples::full_start();
  EXPECT_TRUE(decode_start_record(encode_start_record(start)).value() == start);
}

TEST(WardenMessages, RecordsAreNotTakenForOneAnother) {
  EXPECT_FALSE(decode_exit_record(encode_start_record(samples::full_start())));
  EXPECT_FALSE(decode_start_record(encode_exit_record(samples::full_exited())));
  EXPECT_EQ(decode_exit_record("{").error().message, "exit record: not JSON");
  EXPECT_EQ(decode_start_record("").error().message, "start record: not JSON");
}

TEST(WardenMessages, UnknownTypesAreRefused) {
  expect_request_refused("{}", "field 'type' is missing");
  expect_request_refused(R"({"type":7})", "type: must be a string");
  expect_request_refused(R"({"type":"state"})", "unknown type 'state'");
  expect_report_refused(R"({"type":"hello","protocol":1})", "unknown type 'hello'");
}

TEST(WardenMessages, RequestsCheckTheirFields) {
  const std::string start = encode(WardenRequest(samples::full_start()));
  expect_request_refused(without(start, "/task"), "field 'task' is missing");
  expect_request_refused(with(start, "/task", R"("x")"), "task: not an attempt's name (STORE.JOB.TASK.ATTEMPT)");
  expect_request_refused(with(start, "/spec/argv", "[]"), "spec: argv: must name a command");
  expect_request_refused(with(start, "/stdin_path", R"("relative")"), "stdin_path: must be an absolute path");
  expect_request_refused(with(start, "/stdin_path", "\"/" + std::string(4095, 'x') + "\""),
                         "stdin_path: longer than 4095 bytes");
  expect_request_refused(with(start, "/files/0/path", R"("relative")"), "files: [0]: path: must be an absolute path");
  expect_request_refused(with(start, "/files/0/name", R"("..")"),
                         "files: [0]: '..' is no name for an input file: 1 to 100 bytes of text without '/'");
  const std::string kill = encode(WardenRequest(WardenKill{.task = samples::warden_task()}));
  expect_request_refused(with(kill, "/outcome", R"("x")"), "outcome: unknown outcome 'x'");
  expect_request_refused(without(kill, "/outcome"), "field 'outcome' is missing");
  const std::string name = "\"" + directory_name(samples::warden_task()) + "\"";
  expect_request_refused(R"({"type":"forget","tasks":)" + list_of(kMaxListEntries + 1, name) + "}",
                         "tasks: more than 4096 entries");
}

TEST(WardenMessages, ReportsCheckTheirFields) {
  const std::string state = encode(WardenReport(samples::full_state()));
  expect_report_refused(with(state, "/running/1/pid", "-1"),
                        "running: [1]: pid: must be from 0 to 9223372036854775807");
  expect_report_refused(with(state, "/exited/0/result/outcome", "1"), "exited: [0]: result: outcome: must be a string");
  expect_report_refused(with(state, "/directory", R"("x")"), "directory: must be an absolute path");
  expect_report_refused(with(state, "/more", "1"), "more: must be true or false");
  const std::string output = encode(WardenReport(WardenOutput{.task = samples::warden_task()}));
  expect_report_refused(without(output, "/stdout_bytes"), "field 'stdout_bytes' is missing");
}

TEST(WardenMessages, DirectoryNamesAreReadBack) {
  const WardenTask task = samples::warden_task();
  EXPECT_EQ(directory_name(task), samples::kStore + ".12.5.1");
  EXPECT_EQ(parse_directory_name(directory_name(task)), task);
}

TEST(WardenMessages, OnlyDirectoryNamesAreRead) {
  for (const std::string& bad : {std::string(), std::string("12.5.1"), samples::kStore, samples::kStore + ".",
                                 samples::kStore + ".12.5", samples::kStore + ".12.5.1.2", samples::kStore + ".012.5.1",
                                 samples::kStore + ".12/5/1", samples::kStore + "/12.5.1", samples::kStore + ".12.5.1 ",
                                 samples::kStore + ".0.5.1", "../" + samples::kStore}) {
    EXPECT_FALSE(parse_directory_name(bad)) << bad;
  }
}

}  // namespace
}  // namespace bramble::wire
