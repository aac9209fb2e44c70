// What is encoded, decodes to the same value: each message with every field set, and with as little as is valid.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "common/wire/codec.hpp"
#include "unit/wire/edit.hpp"
#include "unit/wire/samples.hpp"

namespace bramble::wire {
namespace {

template <typename Message>
void expect_round_trip(const Message& message) {
  const std::string text = encode(message);
  const Result<Message> again = decode<Message>(text);
  ASSERT_TRUE(again) << again.error().message << "\n" << text;
  EXPECT_TRUE(*again == message) << text << "\n" << encode(*again);
}

TEST(RoundTrip, Status) {
  expect_round_trip(samples::full_status());
  expect_round_trip(samples::full_will());
  expect_round_trip(samples::least_status());
}

TEST(RoundTrip, Beat) {
  expect_round_trip(samples::full_beat());
  expect_round_trip(Beat{});
}

TEST(RoundTrip, Telemetry) {
  expect_round_trip(samples::full_telemetry());
  expect_round_trip(Telemetry{});
  expect_round_trip(Telemetry{.values = {{"load1", 1}}, .trouble = "power: \"it\" has not answered for 2 s, at 48 °C"});
}

TEST(RoundTrip, TelemetryKeepsEveryDigit) {
  expect_round_trip(Telemetry{.values = {{"a", 0.1 + 0.2},
                                         {"b", std::numeric_limits<double>::max()},
                                         {"c", std::numeric_limits<double>::denorm_min()},
                                         {"d", -273.15},
                                         {"e", 9007199254740993.0}}});
}

TEST(RoundTrip, TelemetryLeavesOutWhatIsNotFinite) {
  const Telemetry odd{.values = {{"nan", std::nan("")}, {"inf", INFINITY}, {"load1", 2.5}}};
  EXPECT_EQ(decode<Telemetry>(encode(odd))->values, (std::map<std::string, double>{{"load1", 2.5}}));
}

// A wrong clock on a node is no reason to lose what it tells: nothing is keyed by wall_ms.
TEST(RoundTrip, TelemetryOfANodeWhoseClockIsWrong) {
  for (const int64_t wall_ms : {int64_t{0}, int64_t{4'102'444'800'000}, INT64_MAX}) {
    expect_round_trip(Telemetry{.number = 1, .wall_ms = wall_ms, .values = {{"load1", 1}}});
  }
}

// A result is worth more than its joules.
TEST(RoundTrip, FinishedTakesJoulesThatCannotBeTrueAsUnknown) {
  const std::string text = encode(samples::full_events());
  const auto joules = [&](const char* bad) {
    return decode<EventsMessage>(with(text, "/events/7/finished/energy_j", bad))->events[7].finished;
  };
  for (const char* bad : {"-1", "\"much\"", "null", "[]"}) {
    EXPECT_EQ(joules(bad)->energy_j, 0) << bad;
    EXPECT_EQ(joules(bad)->energy_measured_j, 0) << bad;
  }
  EXPECT_EQ(joules("1")->energy_measured_j, 1) << "the measured part is no more than the whole";
}

TEST(RoundTrip, Tasks) {
  expect_round_trip(samples::full_tasks());
  expect_round_trip(samples::least_tasks());
}

TEST(RoundTrip, TasksWithEachListAlone) {
  for (int field = 0; field < 5; ++field) {
    TasksMessage message = samples::least_tasks();
    if (field == 0) message.launch = {{.id = samples::kId}};
    if (field == 1) message.cancel = {samples::kId};
    if (field == 2) message.recall = {samples::kId};
    if (field == 3) message.done = {samples::kId};
    if (field == 4) message.ack = {1};
    expect_round_trip(message);
  }
}

TEST(RoundTrip, SpecsOfAnyArguments) {
  for (const std::string argument : {"", "\n", "\xFF", "\"\\", "\xED\xA0\x80", "{\"base64\":\"YQ==\"}", "\x01\x7F"}) {
    TasksMessage message = samples::least_tasks();
    message.specs[1] = {.argv = {"echo", argument}, .env = {{"A", argument}}};
    expect_round_trip(message);
  }
}

TEST(RoundTrip, TwoArgumentsAreAListAndNotAnObject) {
  TasksMessage message = samples::least_tasks();
  message.specs[1] = {.argv = {"a", "b"}, .env = {{"C", "d"}, {"E", "f"}}};
  message.ack = {1, 2};
  expect_round_trip(message);
}

TEST(RoundTrip, Events) {
  expect_round_trip(samples::full_events());
  expect_round_trip(samples::least_events());
}

TEST(RoundTrip, EveryOutcome) {
  for (int i = 0; i <= static_cast<int>(Outcome::start_failed); ++i) {
    const auto outcome = static_cast<Outcome>(i);
    EXPECT_EQ(parse_outcome(to_string(outcome)), outcome);
    EventsMessage message = samples::least_events();
    message.events = {{.type = EventType::finished, .id = samples::kId, .finished = Finished{.outcome = outcome}}};
    expect_round_trip(message);
  }
}

TEST(RoundTrip, EveryNameOfStreamsAndEvents) {
  for (const Stream stream : {Stream::stdout_, Stream::stderr_}) EXPECT_EQ(parse_stream(to_string(stream)), stream);
  for (int i = 0; i <= static_cast<int>(EventType::finished); ++i) {
    const auto type = static_cast<EventType>(i);
    EXPECT_EQ(parse_event_type(to_string(type)), type);
  }
}

TEST(RoundTrip, OutputOfTheMostBytesThatRideInline) {
  EventsMessage message = samples::least_events();
  const std::string data(kMaxInlineOutputBytes, '\xAA');
  message.events = {{.type = EventType::output,
                     .id = samples::kId,
                     .number = 1,
                     .output = Output{.size_bytes = data.size(), .data = data}}};
  expect_round_trip(message);
}

TEST(RoundTrip, Inventory) {
  expect_round_trip(samples::full_inventory());
  expect_round_trip(samples::least_inventory());
}

TEST(RoundTrip, RequestsForBytes) {
  expect_round_trip(samples::full_blob_get());
  expect_round_trip(BlobGet{.sha256 = samples::kSha256, .chunks = 1});
  expect_round_trip(samples::full_output_want());
  expect_round_trip(OutputWant{.store = samples::kStore, .id = samples::kId, .chunks = 1});
}

TEST(RoundTrip, BlobsThatANodeHas) {
  expect_round_trip(samples::full_blob_have());
  expect_round_trip(BlobHave{});
  expect_round_trip(BlobHave{.blobs = std::vector<std::string>(kMaxBlobsHeld, samples::kSha256)});
}

TEST(RoundTrip, Checkup) {
  expect_round_trip(samples::full_checkup());
  expect_round_trip(Checkup{});
}

TEST(RoundTrip, Certificates) {
  expect_round_trip(CertificateRequest{"-----BEGIN"});
  expect_round_trip(NewCertificate{"-----BEGIN", 1'900'000'000'000, ""});
  expect_round_trip(NewCertificate{"", 0, "it was removed"});
}

TEST(RoundTrip, Control) {
  expect_round_trip(samples::full_control());
  expect_round_trip(Control{.store = samples::kStore});
}

TEST(RoundTrip, AggregatorStatus) {
  expect_round_trip(samples::full_aggregator_status());
  expect_round_trip(samples::least_aggregator_status());
}

TEST(RoundTrip, LongHumanTextsAreCutAndDamagedOnesMended) {
  TasksMessage message = samples::least_tasks();
  message.refusal = Refusal{.agent_id = samples::kAgent, .why = "taken\xFF" + std::string(10'000, 'x')};
  const auto again = decode<TasksMessage>(encode(message));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->refusal->why, "taken\xEF\xBF\xBD" + std::string(4096 - 8, 'x'));
}

}  // namespace
}  // namespace bramble::wire
