// Inputs that several nodes pull at the same time.
#include "common/wire/blob_sharing.hpp"
#include "common/packing/packing.hpp"
#include "support/agent_harness.hpp"

namespace bramble::agent::testing {
namespace {

using wire::kBlobChunkBytes;
using wire::NodeTopic;

constexpr uint64_t kCredit = kBlobCreditChunks;

struct BlobSharingTest : ::testing::Test {
  BlobSharingTest() { h.make_ready(); }
  ~BlobSharingTest() override {
    h.take_events();
    h.blobs.clear();
  }

  // Its task has a file of so many chunks.
  void launch(uint64_t chunks) {
    wire::TaskSpec spec = true_spec();
    spec.files = {{"model", {kSha, chunks * kBlobChunkBytes}}};
    h.launch({{1, 0, 1}}, spec);
  }
  wire::BlobGet get() {
    const auto asked = h.take<wire::BlobGet>(NodeTopic::blob_get);
    EXPECT_EQ(asked.size(), 1U);
    return asked.empty() ? wire::BlobGet{} : asked.front();
  }
  bool asks() { return !h.take<wire::BlobGet>(NodeTopic::blob_get).empty(); }
  void to_all(uint64_t chunk) { h.message(h.state.topics.blob_shared(kSha, chunk * kBlobChunkBytes), kBytes); }
  void to_us(uint64_t chunk) { h.message(h.state.topics.blob_down("pi01", kSha, chunk * kBlobChunkBytes), kBytes); }
  bool listens() const { return h.subscribed.contains(h.state.topics.blob_shared_filter(kSha)); }
  uint64_t received() const { return h.state.blobs.known.at(kSha).received_bytes / kBlobChunkBytes; }
  static wire::BlobGet request(uint64_t chunk, uint64_t chunks, bool shared) {
    return {7, kSha, chunk * kBlobChunkBytes, static_cast<uint32_t>(chunks), true, shared};
  }

  const std::string kBytes = std::string(kBlobChunkBytes, 'x');
  AgentHarness h;
};

TEST_F(BlobSharingTest, ReadsTheTopicOfSeveralNodesWhileItPullsAFile) {
  launch(kCredit + 3);
  EXPECT_TRUE(listens());
  EXPECT_EQ(get(), request(0, kCredit, true));
  for (uint64_t i = 0; i < kCredit / 2; ++i) to_all(i);
  EXPECT_EQ(get(), request(kCredit, 3, true));
  for (uint64_t i = kCredit / 2; i < kCredit + 2; ++i) to_all(i);
  EXPECT_TRUE(listens());
  to_all(kCredit + 2);
  EXPECT_FALSE(listens());
  EXPECT_EQ(h.take_blob_effects<BlobCheck>().size(), 1U);
}

TEST_F(BlobSharingTest, TakesPackedChunksAndDropsDamagedOnes) {
  launch(1);
  get();
  h.message(h.state.topics.blob_shared(kSha, 0, true), "no frame");
  EXPECT_EQ(h.take_log().size(), 1U);
  EXPECT_EQ(h.state.counts.malformed, 1U);
  h.message(h.state.topics.blob_shared(kSha, 0, true), packing::pack(kBytes).value());
  EXPECT_EQ(h.take_blob_effects<BlobWrite>().at(0).data, kBytes);
}

TEST_F(BlobSharingTest, StandardInputIsPulledAloneUnlessItIsLarge) {
  h.launch({{1, 0, 1}}, true_spec(), wire::BlobRef{kSha, wire::kMinSharedStdinBytes - 1});
  EXPECT_TRUE(h.subscribed.empty());
  EXPECT_EQ(get(), request(0, kBlobCreditChunks, false));
  const std::string other(64, 'b');
  h.launch({{1, 1, 1}}, true_spec(), wire::BlobRef{other, wire::kMinSharedStdinBytes});
  EXPECT_EQ(h.subscribed.size(), 1U);
  EXPECT_TRUE(get().shared);
}

TEST_F(BlobSharingTest, GoesOnAloneWhenItIsAnsweredAlone) {
  launch(100);
  get();
  to_us(0);
  EXPECT_FALSE(listens());
  for (uint64_t i = 1; i < kCredit - kBlobCreditChunks / 2; ++i) to_us(i);
  EXPECT_EQ(get(), request(kCredit, kBlobCreditChunks / 2, false));
}

TEST_F(BlobSharingTest, AsksAtOnceForWhatIsMissingAndGoesOnAlone) {
  launch(100);
  get();
  to_all(0);
  to_all(2);
  EXPECT_EQ(get(), request(1, kBlobCreditChunks, false));
  EXPECT_FALSE(listens());
  to_all(3);  // was on its way
  EXPECT_FALSE(asks());
  to_us(1);
  EXPECT_EQ(received(), 2U);
}

TEST_F(BlobSharingTest, AsksAloneWhenNothingComes) {
  launch(100);
  get();
  h.advance(2000);
  EXPECT_EQ(get(), request(0, kBlobCreditChunks, false));
  EXPECT_FALSE(listens());
}

TEST_F(BlobSharingTest, TakesWhatComesForOthersBeforeItHasAsked) {
  launch(100);
  get();
  for (uint64_t i = 0; i < kCredit / 2; ++i) to_all(i);
  EXPECT_EQ(get(), request(kCredit, kCredit / 2, true));
  h.take_events();
  h.disconnected();  // the connection for requests alone
  for (uint64_t i = kCredit / 2; i < 2 * kCredit; ++i) to_all(i);
  EXPECT_EQ(received(), 2 * kCredit);
  h.take<wire::BlobGet>(NodeTopic::blob_get);
  h.take_log();
}

TEST_F(BlobSharingTest, IgnoresWhatItHasAndWhatItDidNotWant) {
  launch(100);
  get();
  to_all(0);
  to_all(0);
  h.message(h.state.topics.blob_shared(std::string(64, 'b'), 0), kBytes);
  EXPECT_EQ(h.take_blob_effects<BlobWrite>().size(), 1U);
  EXPECT_TRUE(listens());
}

TEST_F(BlobSharingTest, SubscribesAgainWithANewConnectionUnlessItHasBegun) {
  launch(100);
  get();
  const auto reconnect = [&] {
    h.step([&](Effects& effects) { on_bulk_disconnected(h.state, effects, h.now, "lost"); });
    EXPECT_FALSE(listens());
    h.advance(h.wake_at - h.now.mono);
    EXPECT_TRUE(std::exchange(h.connect_bulk, false));
    h.step([&](Effects& effects) { on_bulk_connected(h.state, effects, h.now); });
    h.take_log();
  };
  reconnect();
  EXPECT_EQ(get(), request(0, kCredit, true));
  EXPECT_TRUE(listens());
  to_all(0);
  reconnect();
  EXPECT_EQ(get(), request(1, kBlobCreditChunks, false));
  EXPECT_FALSE(listens());
}

TEST_F(BlobSharingTest, EndsWithTheTaskThatWantedIt) {
  launch(100);
  get();
  h.take_events();
  wire::TasksMessage recall;
  recall.recall = {{1, 0, 1}};
  h.tasks(recall);
  EXPECT_FALSE(listens());
}

TEST_F(BlobSharingTest, EndsWhenTheDiskIsFull) {
  launch(100);
  get();
  to_all(0);
  h.step([&](Effects& effects) { on_blob_failed(h.state, effects, h.now, kSha, BlobFailure::disk, "full"); });
  EXPECT_FALSE(listens());
  h.take_log();
}

}  // namespace
}  // namespace bramble::agent::testing
