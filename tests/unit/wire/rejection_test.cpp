// Each rule of each field, broken once: refused, with a sentence that names the field.
#include <gtest/gtest.h>

#include <vector>

#include "common/wire/codec.hpp"
#include "unit/wire/edit.hpp"
#include "unit/wire/samples.hpp"

namespace bramble::wire {
namespace {

struct Bad {
  std::string pointer;
  std::string value;
  std::string complaint;
};

template <typename Message>
void expect_refused(const std::string& text, const std::string& complaint) {
  const auto message = decode<Message>(text);
  ASSERT_FALSE(message) << text.substr(0, 500);
  EXPECT_EQ(message.error().message, complaint) << text.substr(0, 500);
}

template <typename Message>
void expect_all_refused(const Message& good, const std::vector<Bad>& bads) {
  const std::string text = encode(good);
  for (const Bad& bad : bads) expect_refused<Message>(with(text, bad.pointer, bad.value), bad.complaint);
}

template <typename Message>
void expect_needed(const std::string& what, const Message& good, const std::vector<std::string>& fields) {
  for (const std::string& field : fields) {
    expect_refused<Message>(without(encode(good), "/" + field), what + ": field '" + field + "' is missing");
  }
}

const std::string kNameRule = "must be 1 to 63 letters, digits, '-', '_' or '.', beginning with a letter or digit";
const std::string kAnyCount = "must be from 0 to 18446744073709551615";

TEST(Rejection, StatusNeedsItsFields) {
  expect_needed("status", samples::full_status(),
                {"online", "node", "agent_id", "machine_id", "boot_id", "counter", "protocol", "cores"});
  expect_needed("status", samples::full_will(), {"online", "node", "agent_id", "boot_id", "counter"});
}

TEST(Rejection, StatusChecksItsFields) {
  expect_all_refused(samples::full_status(),
                     {{"/online", "1", "status: online: must be true or false"},
                      {"/node", R"("a/b")", "status: node: " + kNameRule},
                      {"/node", R"("")", "status: node: " + kNameRule},
                      {"/agent_id", R"("x")", "status: agent_id: must be a UUID in lower case"},
                      {"/machine_id", "7", "status: machine_id: " + kNameRule},
                      {"/boot_id", R"("a b")", "status: boot_id: " + kNameRule},
                      {"/counter", "-1", "status: counter: " + kAnyCount},
                      {"/counter", "1.5", "status: counter: must be a whole number"},
                      {"/counter", "18446744073709551616", "status: counter: must be a whole number"},
                      {"/counter", "\"1\"", "status: counter: must be a whole number"},
                      {"/protocol", "2147483648", "status: protocol: must be from 0 to 2147483647"},
                      {"/cores", "4294967296", "status: cores: must be from 0 to 4294967295"},
                      {"/memory_bytes", "null", "status: memory_bytes: must be a whole number"},
                      {"/version", "[]", "status: version: must be a string"},
                      {"/model", "\"" + std::string(257, 'x') + "\"", "status: model: longer than 256 bytes"},
                      {"/resources", "[]", "status: resources: must be an object"},
                      {"/resources/gpu", "-1", "status: resources: gpu: must be from 0 to 9223372036854775807"},
                      {"/resources/a b", "1", "status: resources: name of a field " + kNameRule},
                      {"/labels/rack", "1", "status: labels: rack: must be a string"}});
  expect_all_refused(samples::full_will(), {{"/reason", "1", "status: reason: must be a string"}});
}

TEST(Rejection, Beat) {
  expect_needed("beat", samples::full_beat(), {"number", "session", "sent_ms", "running", "queued"});
  expect_all_refused(samples::full_beat(),
                     {{"/sent_ms", "-1", "beat: sent_ms: must be from 0 to 9223372036854775807"},
                      {"/sent_ms", "9223372036854775808", "beat: sent_ms: must be from 0 to 9223372036854775807"},
                      {"/running", "4294967296", "beat: running: must be from 0 to 4294967295"},
                      {"/warden_silent_ms", "-1", "beat: warden_silent_ms: must be from 0 to 9223372036854775807"},
                      {"/spool_full", "0", "beat: spool_full: must be true or false"}});
}

TEST(Rejection, Telemetry) {
  expect_needed("telemetry", samples::full_telemetry(), {"number", "wall_ms", "values"});
  expect_all_refused(samples::full_telemetry(),
                     {{"/values/load1", "null", "telemetry: values: load1: must be a number"},
                      {"/values/load1", "\"1\"", "telemetry: values: load1: must be a number"},
                      {"/values/load1", "[1]", "telemetry: values: load1: must be a number"},
                      {"/values/energy_j", "-0.5", "telemetry: values: energy_j: a counter must not be negative"},
                      {"/values/power_w", "-0.1", "telemetry: values: power_w: must be from 0 to 10000 W"},
                      {"/values/power_w", "1e300", "telemetry: values: power_w: must be from 0 to 10000 W"},
                      {"/values", "[]", "telemetry: values: must be an object"},
                      {"/trouble", "1", "telemetry: trouble: must be a string"},
                      {"/trouble", '"' + std::string(257, 'x') + '"', "telemetry: trouble: longer than 256 bytes"},
                      {"/values/", "1", "telemetry: values: name of a field " + kNameRule},
                      {"/values/a b", "1", "telemetry: values: name of a field " + kNameRule},
                      {"/wall_ms", "-1", "telemetry: wall_ms: must be from 0 to 9223372036854775807"},
                      {"/wall_ms", "\"now\"", "telemetry: wall_ms: must be a whole number"},
                      {"/age_ms", "-1", "telemetry: age_ms: must be from 0 to 2678400000"},
                      {"/age_ms", "2678400001", "telemetry: age_ms: must be from 0 to 2678400000"},
                      {"/run", "-1", "telemetry: run: " + kAnyCount},
                      {"/run", "1.5", "telemetry: run: must be a whole number"}});
  expect_refused<Telemetry>(R"({"number":1,"wall_ms":1,"values":{"load1":1e999}})", "telemetry: not JSON");
  expect_refused<Telemetry>(R"({"number":1,"wall_ms":1,"values":{"load1":NaN}})", "telemetry: not JSON");
}

TEST(Rejection, MoreMetricsThanOneReadingMayHave) {
  const auto reading = [](size_t metrics) {
    std::string values;
    for (size_t i = 0; i < metrics; ++i) values += (i == 0 ? "\"m" : ",\"m") + std::to_string(i) + "\":1";
    return R"({"number":1,"wall_ms":1,"values":{)" + values + "}}";
  };
  EXPECT_TRUE(decode<Telemetry>(reading(kMaxMetrics)));
  for (const size_t metrics : {kMaxMetrics + 1, size_t{10'000}}) {
    expect_refused<Telemetry>(reading(metrics), "telemetry: values: more than 256 metrics");
  }
}

TEST(Rejection, TasksEnvelope) {
  expect_needed("tasks", samples::full_tasks(), {"store", "term", "session"});
  expect_all_refused(
      samples::full_tasks(),
      {{"/store", R"("0A1B2C3D-0001-4000-8000-00000000000A")", "tasks: store: must be a UUID in lower case"},
       {"/welcome", "[]", "tasks: welcome: must be an object"},
       {"/welcome/agent_id", "\"\"", "tasks: welcome: agent_id: must be a UUID in lower case"},
       {"/welcome/beat_ms", "0", "tasks: welcome: beat_ms: must be from 1 to 9223372036854775807"},
       {"/welcome/power/idle_w", "-1", "tasks: welcome: power: idle_w: must be from 0 to 1000 watts"},
       {"/welcome/power/busy_w", "1001", "tasks: welcome: power: busy_w: must be from 0 to 1000 watts"},
       {"/welcome/power/busy_w", "2.6", "tasks: welcome: power: busy_w must not be below idle_w"},
       {"/welcome/power", R"({"idle_w":1})", "tasks: welcome: power: field 'busy_w' is missing"},
       {"/refusal/why", "1", "tasks: refusal: why: must be a string"},
       {"/ask_status", "\"yes\"", "tasks: ask_status: must be true or false"},
       {"/echo/sent_ms", "true", "tasks: echo: sent_ms: must be a whole number"}});
  expect_refused<TasksMessage>(without(encode(samples::full_tasks()), "/welcome/nonce"),
                               "tasks: welcome: field 'nonce' is missing");
}

TEST(Rejection, TasksLists) {
  const std::string bad_id = "not an attempt (JOB/TASK/ATTEMPT): '12/5'";
  expect_all_refused(
      samples::full_tasks(),
      {{"/launch", "{}", "tasks: launch: must be a list"},
       {"/launch/1", "7", "tasks: launch: [1]: must be an object"},
       {"/launch/0/id", R"("12/5")", "tasks: launch: [0]: id: " + bad_id},
       {"/launch/0/id", R"("0/5/1")", "tasks: launch: [0]: id: job and attempt numbers begin at 1"},
       {"/launch/0/stdin/sha256", R"("ee")",
        "tasks: launch: [0]: stdin: sha256: must be a SHA-256: 64 hexadecimal digits in lower case"},
       {"/launch/0/files/0/name", R"("a/b")",
        "tasks: launch: [0]: files: [0]: name: 'a/b' is no name for an input file: 1 to 100 bytes of "
        "text without '/'"},
       {"/launch/0/files/0/sha256", R"("ee")",
        "tasks: launch: [0]: files: [0]: sha256: must be a SHA-256: 64 hexadecimal digits in lower case"},
       {"/specs/12/files/1/name", R"("tool")", "tasks: specs: 12: files: two input files are named tool"},
       {"/cancel/1", R"("12/5")", "tasks: cancel: [1]: " + bad_id},
       {"/recall/0", "12", "tasks: recall: [0]: must be a string"},
       {"/done/0", R"("12/5")", "tasks: done: [0]: " + bad_id},
       {"/ack/2", "-1", "tasks: ack: [2]: " + kAnyCount}});
}

TEST(Rejection, ListsAreLimited) {
  for (const std::string field : {"cancel", "recall", "done"}) {
    const std::string text = encode(samples::least_tasks());
    EXPECT_TRUE(decode<TasksMessage>(with(text, "/" + field, list_of(kMaxListEntries, R"("1/0/1")"))));
    expect_refused<TasksMessage>(with(text, "/" + field, list_of(kMaxListEntries + 1, R"("1/0/1")")),
                                 "tasks: " + field + ": more than 4096 entries");
  }
}

TEST(Rejection, Specs) {
  const std::string spec = "tasks: specs: 12: ";
  expect_all_refused(
      samples::full_tasks(),
      {{"/specs/x", "{}", "tasks: specs: not a job's number: 'x'"},
       {"/specs/0", "{}", "tasks: specs: not a job's number: '0'"},
       {"/specs/012", "{}", "tasks: specs: not a job's number: '012'"},
       {"/specs/12/argv", "[]", spec + "argv: must name a command"},
       {"/specs/12/argv", R"([""])", spec + "argv: the command must not be empty"},
       {"/specs/12/argv/0", "1", spec + "argv: [0]: must be a string"},
       {"/specs/12/argv/0", R"("a\u0000b")", spec + "argv: [0]: must not hold a NUL byte"},
       {"/specs/12/argv/0", R"({"base64":"AA=="})", spec + "argv: [0]: must not hold a NUL byte"},
       {"/specs/12/argv/0", R"({"base64":"AA"})",
        spec + "argv: [0]: base64: not base64: the length must be a multiple of 4"},
       {"/specs/12/argv/0", "{}", spec + "argv: [0]: field 'base64' is missing"},
       {"/specs/12/argv/0", "\"" + std::string(131'073, 'x') + "\"", spec + "argv: [0]: longer than 131072 bytes"},
       {"/specs/12/env/0", R"("NAME")", spec + "env: [0]: must be NAME=value"},
       {"/specs/12/env/0", R"("=x")", spec + "env: [0]: must be NAME=value"},
       {"/specs/12/cpus", "0", spec + "cpus: must be from 1 to 4294967295"},
       {"/specs/12/time_limit_ms", "-5", spec + "time_limit_ms: must be from 0 to 9223372036854775807"}});
}

TEST(Rejection, EventsEnvelope) {
  expect_needed("events", samples::full_events(), {"store", "session", "events"});
  expect_all_refused(samples::full_events(),
                     {{"/events/0/type", R"("eaten")", "events: events: [0]: type: unknown event 'eaten'"},
                      {"/events/0/id", R"("1/1/0")", "events: events: [0]: id: job and attempt numbers begin at 1"},
                      {"/events/0/number", "-1", "events: events: [0]: number: " + kAnyCount},
                      {"/events/0/type", R"("output")", "events: events: [0]: 'output' goes with type output"},
                      {"/events/0/type", R"("finished")", "events: events: [0]: 'finished' goes with type finished"},
                      {"/events/5/type", R"("taken")", "events: events: [5]: 'output' goes with type output"},
                      {"/events/7/type", R"("taken")", "events: events: [7]: 'finished' goes with type finished"}});
}

TEST(Rejection, Output) {
  const std::string where = "events: events: [5]: output: ";
  const std::string big = "\"" + std::string((kMaxInlineOutputBytes + 3) / 3 * 4, 'A') + "\"";
  expect_all_refused(
      samples::full_events(),
      {{"/events/5/output/stream", R"("stdin")", where + "stream: unknown stream 'stdin'"},
       {"/events/5/output/size_bytes", "7", where + "offset and data must lie within size_bytes"},
       {"/events/5/output/offset", "18446744073709551615", where + "offset and data must lie within size_bytes"},
       {"/events/5/output/data", R"("!!!!")", where + "data: not base64: a character outside of A-Z a-z 0-9 + /"},
       {"/events/5/output/data", big, where + "data: longer than 16384 bytes"}});
}

TEST(Rejection, Finished) {
  const std::string where = "events: events: [7]: finished: ";
  expect_all_refused(
      samples::full_events(),
      {{"/events/7/finished/outcome", R"("vanished")", where + "outcome: unknown outcome 'vanished'"},
       {"/events/7/finished/code", "2147483648", where + "code: must be from -2147483648 to 2147483647"},
       {"/events/7/finished/signal", "129", where + "signal: must be from 0 to 128"},
       {"/events/7/finished/duration_ms", "-1", where + "duration_ms: must be from 0 to 9223372036854775807"},
       {"/events/7/finished/cpu_ms", "1.0", where + "cpu_ms: must be a whole number"},
       {"/events/7/finished/stdout/kept_bytes", "5", where + "stdout: data must be all kept bytes or none"},
       {"/events/7/finished/stderr", "{}", where + "stderr: field 'kept_bytes' is missing"}});
}

TEST(Rejection, Inventory) {
  expect_needed("inventory", samples::full_inventory(), {"store", "session", "nonce"});
  expect_all_refused(samples::full_inventory(), {{"/page", "3", "inventory: page must be below pages"},
                                                 {"/pages", "0", "inventory: pages: must be from 1 to 4294967295"},
                                                 {"/running", list_of(kMaxListEntries + 1, R"("1/0/1")"),
                                                  "inventory: running: more than 4096 entries"}});
}

TEST(Rejection, RequestsForBytes) {
  expect_needed("blob/get", samples::full_blob_get(), {"session", "sha256", "chunks"});
  expect_needed("blob/want", samples::full_output_want(), {"store", "session", "id", "stream", "chunks"});
  expect_all_refused(samples::full_blob_get(), {{"/chunks", "0", "blob/get: chunks: must be from 1 to 64"},
                                                {"/chunks", "65", "blob/get: chunks: must be from 1 to 64"},
                                                {"/offset", "-1", "blob/get: offset: " + kAnyCount}});
  expect_all_refused(samples::full_output_want(), {{"/chunks", "65", "blob/want: chunks: must be from 1 to 64"}});
}

TEST(Rejection, BlobsThatANodeHas) {
  expect_needed("blob/have", samples::full_blob_have(), {"session", "blobs"});
  expect_all_refused(
      samples::full_blob_have(),
      {{"/blobs/1", R"("short")", "blob/have: blobs: [1]: must be a SHA-256: 64 hexadecimal digits in lower case"},
       {"/blobs", "{}", "blob/have: blobs: must be a list"},
       {"/blobs", list_of(kMaxBlobsHeld + 1, '"' + samples::kSha256 + '"'), "blob/have: blobs: more than 100"}});
}

TEST(Rejection, Checkup) {
  expect_needed("checkup", samples::full_checkup(), {"session", "findings"});
  expect_all_refused(samples::full_checkup(),
                     {{"/findings/0/state", R"("ill")", "checkup: findings: [0]: state: unknown state 'ill'"},
                      {"/findings/0/state", "1", "checkup: findings: [0]: state: must be text"},
                      {"/findings", "{}", "checkup: findings: must be a list"}});
  Checkup many = samples::full_checkup();
  many.findings.resize(kMaxFindings + 1, many.findings[0]);
  EXPECT_FALSE(decode<Checkup>(encode(many)));
}

TEST(Rejection, Control) {
  expect_needed("control", samples::full_control(), {"store", "term", "session", "do"});
  expect_all_refused(samples::full_control(), {{"/do", R"("explode")", "control: do: unknown action 'explode'"},
                                               {"/do", "1", "control: do: must be text"},
                                               {"/session", "-1", "control: session: " + kAnyCount}});
}

TEST(Rejection, AggregatorStatus) {
  expect_needed("aggregator/status", samples::full_aggregator_status(), {"online", "store", "term"});
  expect_all_refused(samples::full_aggregator_status(), {{"/term", "-1", "aggregator/status: term: " + kAnyCount}});
}

}  // namespace
}  // namespace bramble::wire
