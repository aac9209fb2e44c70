#include "fixture.hpp"

#include "common/packing/packing.hpp"
#include "common/posix/digest.hpp"

namespace bramble::test {
namespace {

using wire::EventType;
using wire::Outcome;
using wire::Stream;

const AttemptKey kId{12, 5, 1};

TEST_F(AgentTest, RunsATaskAndForgetsItWhenTheResultIsTaken) {
  join();
  aggregator_.launch(kId,
                     "echo hello; echo $BRAMBLE_JOB_ID/$BRAMBLE_TASK_ID/$BRAMBLE_ATTEMPT@$BRAMBLE_NODE >&2; exit 3");
  aggregator_.wait_event(EventType::taken, kId);
  const auto finished = aggregator_.wait_event(EventType::finished, kId);
  EXPECT_EQ(finished.finished->outcome, Outcome::exited);
  EXPECT_EQ(finished.finished->code, 3);
  EXPECT_EQ(finished.finished->out.data, "hello\n");
  EXPECT_EQ(finished.finished->err.data, "12/5/1@pi01\n");
  const std::string directory = warden_.directory_of({FakeAggregator::kStore, kId});
  EXPECT_TRUE(std::filesystem::exists(directory));
  aggregator_.done(kId);
  for (int i = 0; i < 3000 && std::filesystem::exists(directory); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));  // a directory tells nobody that it went
  }
  EXPECT_FALSE(std::filesystem::exists(directory));
}

TEST_F(AgentTest, ChargesATaskWithItsJoules) {
  join();
  aggregator_.launch(kId, "while [ ! -e " + dir_ / "go" + " ]; do :; done");
  aggregator_.wait_event(EventType::started, kId);
  double charged_j = 0;
  const auto some_joules = [&](const wire::Telemetry& reading) {
    const auto& values = reading.values;
    if (!values.contains("energy_j")) return false;
    charged_j = values.at("energy_j") - values.at("energy_unattributed_j");
    return charged_j > 1;
  };
  const auto reading = aggregator_.wait<wire::Telemetry>(wire::NodeTopic::telemetry, some_joules);
  EXPECT_NE(reading.run, 0U);
  ASSERT_TRUE(posix::write_file_atomically(dir_ / "go", ""));
  const auto finished = aggregator_.wait_event(EventType::finished, kId);
  EXPECT_GE(finished.finished->energy_j, charged_j * 0.999);
  EXPECT_LE(finished.finished->energy_measured_j, finished.finished->energy_j);
}

TEST_F(AgentTest, RepeatsAResultUntilItIsTaken) {
  join();
  aggregator_.launch(kId, "true");
  EXPECT_EQ(aggregator_.wait_event(EventType::finished, kId), aggregator_.wait_event(EventType::finished, kId));
}

TEST_F(AgentTest, StreamsOutputWhileTheTaskRunsAndKillsItWhenCancelled) {
  join();
  aggregator_.launch(kId, "echo one; while [ ! -e " + dir_ / "go" + " ]; do sleep 0.05; done; echo two; sleep 1000");
  const auto started = aggregator_.wait_event(EventType::started, kId);
  const auto first = aggregator_.wait_event(EventType::output, kId);
  EXPECT_EQ(*first.output, (wire::Output{Stream::stdout_, 0, 4, "one\n"}));
  aggregator_.acknowledge(started.number);
  aggregator_.acknowledge(first.number);
  ASSERT_TRUE(posix::write_file_atomically(dir_ / "go", ""));
  wire::Event second = aggregator_.wait_event(EventType::output, kId);
  while (second.number == first.number) second = aggregator_.wait_event(EventType::output, kId);  // repeated
  EXPECT_EQ(*second.output, (wire::Output{Stream::stdout_, 4, 8, "two\n"}));
  wire::TasksMessage cancel;
  cancel.cancel = {kId};
  aggregator_.send(cancel);
  const auto finished = aggregator_.wait_event(EventType::finished, kId);
  EXPECT_EQ(finished.finished->outcome, Outcome::cancelled);
  EXPECT_EQ(finished.finished->out.data, "one\ntwo\n");
}

TEST_F(AgentTest, GivesLargeOutputsWhenTheyArePulled) {
  join();
  aggregator_.launch(kId, "head -c 200000 /dev/zero | tr '\\0' x");
  const auto finished = aggregator_.wait_event(EventType::finished, kId);
  EXPECT_EQ(finished.finished->out.kept_bytes, 200'000U);
  EXPECT_TRUE(finished.finished->out.data.empty());
  std::string output;
  while (output.size() < 200'000) {
    const wire::OutputWant want{FakeAggregator::kStore, 1, kId, Stream::stdout_, output.size(), 1};
    aggregator_.publish(aggregator_.topics.node("pi01", wire::NodeTopic::blob_want), wire::encode(want));
    const std::string chunk = aggregator_.wait_chunk(kId, Stream::stdout_, output.size());
    ASSERT_FALSE(chunk.empty());
    output += chunk;
  }
  EXPECT_EQ(output, std::string(200'000, 'x'));
}

// Sends what the agent asks for, every other chunk packed, until it has asked for the end.
void serve(FakeAggregator& aggregator, const std::string& sha256, const std::string& blob) {
  size_t end = 0;
  while (end < blob.size()) {
    const auto get = aggregator.wait<wire::BlobGet>(wire::NodeTopic::blob_get);
    ASSERT_EQ(get.sha256, sha256);
    for (uint32_t i = 0; i < get.chunks; ++i) {
      const size_t offset = get.offset + i * wire::kBlobChunkBytes;
      const std::string chunk = blob.substr(offset, wire::kBlobChunkBytes);
      EXPECT_TRUE(get.zstd);
      const auto packed = i % 2 == 0 ? packing::pack(chunk) : std::nullopt;
      aggregator.publish(aggregator.topics.blob_down("pi01", sha256, offset, packed.has_value()),
                         packed.value_or(chunk));
      end = offset + chunk.size();
    }
  }
}

TEST_F(AgentTest, PullsItsInputEvenIfItFirstArrivesDamaged) {
  join();
  std::string blob;
  for (int line = 0; blob.size() < 1'000'000; ++line) blob += std::to_string(line) + "\n";
  const std::string sha256 = posix::sha256_hex(blob);
  aggregator_.launch(kId, "sha256sum", wire::BlobRef{sha256, blob.size()});
  std::string damaged = blob;
  damaged[500'000] ^= 1;
  serve(aggregator_, sha256, damaged);
  serve(aggregator_, sha256, blob);
  const auto finished = aggregator_.wait_event(EventType::finished, kId);
  EXPECT_EQ(finished.finished->out.data, sha256 + "  -\n");
}

TEST_F(AgentTest, FindsItsTasksAgainAfterItWasKilled) {
  join();
  aggregator_.launch(kId, "echo $$; while [ ! -e " + dir_ / "go" + " ]; do sleep 0.05; done; echo done");
  const auto output = aggregator_.wait_event(EventType::output, kId);
  const pid_t pid = std::stoi(output.output->data);
  agent_.kill();
  EXPECT_TRUE(is_alive(pid));
  aggregator_.wait_status(false);
  agent_.start();
  const auto inventory = aggregator_.welcome(aggregator_.wait_status(true));
  EXPECT_EQ(inventory.running, std::vector<AttemptKey>({kId}));
  ASSERT_TRUE(posix::write_file_atomically(dir_ / "go", ""));
  const auto finished = aggregator_.wait_event(EventType::finished, kId);
  EXPECT_EQ(finished.finished->out.data, std::to_string(pid) + "\ndone\n");
}

TEST_F(AgentTest, ReportsWhatEndedWhileItWasAway) {
  join();
  aggregator_.launch(kId, "while [ ! -e " + dir_ / "go" + " ]; do sleep 0.05; done; echo done > " + dir_ / "ended");
  aggregator_.wait_event(EventType::started, kId);
  agent_.kill();
  aggregator_.wait_status(false);
  ASSERT_TRUE(posix::write_file_atomically(dir_ / "go", ""));
  for (int i = 0; i < 3000 && !std::filesystem::exists(dir_ / "ended"); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  agent_.start();
  aggregator_.welcome(aggregator_.wait_status(true));
  EXPECT_EQ(aggregator_.wait_event(EventType::finished, kId).finished->outcome, Outcome::exited);
}

TEST_F(AgentTest, ReportsTheTasksThatDiedWithTheirWarden) {
  join();
  aggregator_.launch(kId, "sleep 1000");
  aggregator_.wait_event(EventType::started, kId);
  warden_.kill();
  agent_.wait_logged("no connection to the warden");
  warden_.start();
  EXPECT_EQ(aggregator_.wait_event(EventType::finished, kId).finished->outcome, Outcome::warden_lost);
}

TEST_F(AgentTest, RunsManyShortTasks) {
  join();
  wire::TasksMessage message;
  message.specs[1].argv = {"/bin/true"};
  for (uint32_t task = 0; task < 300; ++task) message.launch.push_back({{1, task, 1}, {}});
  aggregator_.send(message);
  std::set<AttemptKey> finished;
  while (finished.size() < 300) {
    wire::TasksMessage done;
    const auto events = aggregator_.wait<wire::EventsMessage>(wire::NodeTopic::events);
    for (const auto& event : events.events) {
      if (event.type != EventType::finished) continue;
      EXPECT_EQ(event.finished->outcome, Outcome::exited);
      finished.insert(event.id);
      done.done.push_back(event.id);
    }
    if (!done.done.empty()) aggregator_.send(done);
  }
}

}  // namespace
}  // namespace bramble::test
