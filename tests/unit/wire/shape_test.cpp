// The texts as they stand on the wire: other programs read them, so they must not change by accident.
#include <gtest/gtest.h>

#include "common/wire/codec.hpp"
#include "unit/wire/samples.hpp"

namespace bramble::wire {
namespace {

TEST(Shape, BeatIsSmallAndPlain) {
  EXPECT_EQ(encode(Beat{.number = 7, .session = 3, .sent_ms = 1000, .running = 2, .queued = 1}),
            R"({"number":7,"session":3,"sent_ms":1000,"running":2,"queued":1})");
}

TEST(Shape, StatusSaysWhoTheNodeIs) {
  NodeStatus status = samples::full_status();
  status.resources = {{"gpu", 1}};
  status.labels = {{"rack", "left"}};
  EXPECT_EQ(
      encode(status),
      R"({"online":true,"node":"pi-01","agent_id":"0a1b2c3d-0002-4000-8000-00000000000b",)"
      R"("machine_id":"5f2b6c0c9d8e4f6aa1b2c3d4e5f60718","boot_id":"0a1b2c3d-0003-4000-8000-00000000000c",)"
      R"("counter":17,"protocol":2,"version":"0.1.0","model":"Raspberry Pi 5 Model B Rev 1.0","arch":"aarch64",)"
      R"("store":"0a1b2c3d-0001-4000-8000-00000000000a","term":12,"session":70,)"
      R"("cores":4,"memory_bytes":8589934592,"resources":{"gpu":1},)"
      R"("containment":{"memory":"kernel","cpus":"none","processes":"polled","sandbox":true,"no_sandbox":"said anyway","files":true},"revision":2,"labels":{"rack":"left"}})");
}

TEST(Shape, TelemetryIsOneFlatReading) {
  EXPECT_EQ(encode(Telemetry{.number = 1, .wall_ms = 2, .values = {{"load1", 0.5}, {"power_w", 3.0}}}),
            R"({"number":1,"wall_ms":2,"power_measured":false,"values":{"load1":0.5,"power_w":3.0}})");
}

TEST(Shape, AReadingThatIsSentLateSaysHowOldItIs) {
  EXPECT_EQ(encode(Telemetry{.number = 7, .wall_ms = 2, .age_ms = 65000, .run = 9, .values = {{"load1", 0.5}}}),
            R"({"number":7,"wall_ms":2,"age_ms":65000,"run":9,"power_measured":false,"values":{"load1":0.5}})");
}

TEST(Shape, TasksLeaveOutWhatIsEmptyOrAtItsDefault) {
  TasksMessage message{.store = samples::kStore, .term = 1, .session = 2};
  message.specs[12] = {.argv = {"echo", "hi"}, .env = {{"A", "b"}}};
  message.launch = {{.id = samples::kId}};
  message.echo = Echo{.number = 7, .sent_ms = 1000};
  EXPECT_EQ(encode(message), R"({"store":"0a1b2c3d-0001-4000-8000-00000000000a","term":1,"session":2,)"
                             R"("specs":{"12":{"argv":["echo","hi"],"env":["A=b"]}},)"
                             R"("launch":[{"id":"12/5/1"}],"echo":{"number":7,"sent_ms":1000}})");
}

TEST(Shape, ArgumentsThatAreNotTextAreBase64) {
  TasksMessage message = samples::least_tasks();
  message.specs[1] = {.argv = {"a", "\xFF"}};
  EXPECT_NE(encode(message).find(R"("argv":["a",{"base64":"/w=="}])"), std::string::npos) << encode(message);
}

TEST(Shape, AFinishedTaskWithoutOutputIsShort) {
  EventsMessage message{.store = samples::kStore, .session = 2};
  message.events = {{.type = EventType::finished, .id = samples::kId, .finished = Finished{.duration_ms = 3}}};
  EXPECT_EQ(encode(message),
            R"({"store":"0a1b2c3d-0001-4000-8000-00000000000a","session":2,"events":[{"type":"finished",)"
            R"("id":"12/5/1","finished":{"outcome":"exited","duration_ms":3}}]})");
}

TEST(Shape, FieldsOfANewerSenderAreIgnored) {
  const auto beat =
      decode<Beat>(R"({"number":7,"session":3,"sent_ms":1,"running":0,"queued":0,"mood":{"good":[1,2,null]},"x":"y"})");
  ASSERT_TRUE(beat) << beat.error().message;
  EXPECT_EQ(beat->number, 7U);
}

}  // namespace
}  // namespace bramble::wire
