#include "support/agent_harness.hpp"

namespace bramble::agent::testing {
namespace {

using wire::EventType;
using wire::Stream;

const AttemptKey kId{1, 0, 1};

struct OutputTest : ::testing::Test {
  OutputTest() {
    h.make_ready();
    h.run(kId);
  }
  // The task wrote more; the warden says so.
  void write(const std::string& data, Stream stream = Stream::stdout_) {
    h.files[{kId, stream}] += data;
    h.report(wire::WardenOutput{
        {kStore, kId}, h.files[{kId, Stream::stdout_}].size(), h.files[{kId, Stream::stderr_}].size()});
  }
  void want(uint64_t offset, uint32_t chunks, const AttemptKey& id = kId) {
    wire::OutputWant want{kStore, 7, id, Stream::stdout_, offset, chunks};
    h.message("bramble/test/node/pi01/blob/want", wire::encode(want));
  }
  static std::string topic(uint64_t offset, const AttemptKey& id = kId) {
    return wire::Topics("test").blob_up("pi01", kStore, id, Stream::stdout_, offset);
  }

  AgentHarness h;
};

TEST_F(OutputTest, IsStreamedInOrderOneEventAtATime) {
  write("one\n");
  auto events = h.take_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(*events[0].output, (wire::Output{Stream::stdout_, 0, 4, "one\n"}));
  write("two\n");
  write("three\n");
  EXPECT_TRUE(h.take_events().empty());
  h.acknowledge(events[0].number);
  events = h.take_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(*events[0].output, (wire::Output{Stream::stdout_, 4, 14, "two\nthree\n"}));
}

TEST_F(OutputTest, StreamsBothStreams) {
  write("out");
  write("err", Stream::stderr_);
  const auto events = h.take_events();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1].output->stream, Stream::stderr_);
  EXPECT_EQ(events[1].output->data, "err");
}

TEST_F(OutputTest, TellsOnlyTheSizeWhenThereIsMuch) {
  write(std::string(wire::kMaxInlineOutputBytes + 1, 'x'));
  auto events = h.take_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(*events[0].output, (wire::Output{Stream::stdout_, 0, wire::kMaxInlineOutputBytes + 1, ""}));
  h.acknowledge(events[0].number);
  write("tail");
  events = h.take_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].output->offset, wire::kMaxInlineOutputBytes + 1);
  EXPECT_EQ(events[0].output->data, "tail");
}

TEST_F(OutputTest, IsRepeatedUnchangedUntilAcknowledged) {
  write("one");
  const auto events = h.take_events();
  write("two");
  h.advance(2000);
  EXPECT_EQ(h.take_events(), events);
}

TEST_F(OutputTest, EndsWithTheResult) {
  write("one");
  const auto events = h.take_events();
  h.report(h.exited(kId, 3));
  EXPECT_EQ(h.take_event_types(), std::vector{EventType::finished});
  h.acknowledge(events[0].number);  // late: changes nothing
  h.advance(2000);
  EXPECT_EQ(h.take_event_types(), std::vector{EventType::finished});
}

TEST_F(OutputTest, IsPulledInChunksEachAtItsOffset) {
  h.files[{kId, Stream::stdout_}] =
      std::string(wire::kBlobChunkBytes, 'a') + std::string(wire::kBlobChunkBytes, 'b') + std::string(10, 'c');
  want(0, 2);
  auto chunks = h.take_chunks();
  ASSERT_EQ(chunks.size(), 2U);
  EXPECT_EQ(chunks[0].first, topic(0));
  EXPECT_EQ(chunks[0].second, std::string(wire::kBlobChunkBytes, 'a'));
  EXPECT_EQ(chunks[1].first, topic(wire::kBlobChunkBytes));
  want(2 * wire::kBlobChunkBytes, 8);
  chunks = h.take_chunks();
  ASSERT_EQ(chunks.size(), 1U);
  EXPECT_EQ(chunks[0].second, std::string(10, 'c'));
}

TEST_F(OutputTest, PullOfAnAttemptThatIsNotHeldIsAnsweredEmpty) {
  want(5, 4, {9, 9, 9});
  const auto chunks = h.take_chunks();
  ASSERT_EQ(chunks.size(), 1U);
  EXPECT_EQ(chunks[0].first, topic(5, {9, 9, 9}));
  EXPECT_TRUE(chunks[0].second.empty());
}

TEST_F(OutputTest, PullPastTheEndOfARunningTaskSaysNothingOfAFinishedOneThatThereIsNoMore) {
  want(0, 4);
  EXPECT_TRUE(h.take_chunks().empty());
  h.report(h.exited(kId));
  h.take_events();
  want(0, 4);
  EXPECT_EQ(h.take_chunks().size(), 1U);
}

TEST_F(OutputTest, PullOfAnotherStoreIsNotAnswered) {
  wire::OutputWant want{kOtherStore, 7, kId, Stream::stdout_, 0, 1};
  h.message("bramble/test/node/pi01/blob/want", wire::encode(want));
  EXPECT_EQ(h.state.counts.fenced, 1U);
}

}  // namespace
}  // namespace bramble::agent::testing
