#include "common/packing/packing.hpp"
#include "support/agent_harness.hpp"

namespace bramble::agent::testing {
namespace {

using wire::EventType;
using wire::kBlobChunkBytes;
using wire::NodeTopic;

struct BlobTest : ::testing::Test {
  BlobTest() { h.make_ready(); }
  ~BlobTest() override {
    // What every test with a blob leaves: the launch's taken, and what the end of it says.
    h.take_events();
  }

  void launch(const AttemptKey& id, uint64_t size, const std::string& sha = kSha) {
    h.launch({id}, true_spec(), wire::BlobRef{sha, size});
  }
  std::vector<wire::BlobGet> gets() { return h.take<wire::BlobGet>(NodeTopic::blob_get); }
  void chunk(uint64_t offset, const std::string& data, const std::string& sha = kSha) {
    h.message(h.state.topics.blob_down("pi01", sha, offset), data);
  }
  void ready(const std::string& sha = kSha) {
    h.step([&](Effects& effects) { on_blob_ready(h.state, effects, h.now, sha); });
  }
  void failed(BlobFailure failure) {
    h.step([&](Effects& effects) { on_blob_failed(h.state, effects, h.now, kSha, failure, "no space left"); });
  }

  AgentHarness h;
};

TEST_F(BlobTest, StartsTheTaskOnlyWhenItsInputIsThere) {
  launch({1, 0, 1}, 5);
  auto asked = gets();
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0], (wire::BlobGet{7, kSha, 0, 1, true}));
  EXPECT_TRUE(h.take_warden<wire::WardenStart>().empty());
  chunk(0, "hello");
  const auto writes = h.take_blob_effects<BlobWrite>();
  ASSERT_EQ(writes.size(), 1U);
  EXPECT_EQ(writes[0].data, "hello");
  EXPECT_EQ(h.take_blob_effects<BlobCheck>().size(), 1U);
  EXPECT_TRUE(h.take_warden<wire::WardenStart>().empty());
  ready();
  const auto starts = h.take_warden<wire::WardenStart>();
  ASSERT_EQ(starts.size(), 1U);
  EXPECT_EQ(starts[0].stdin_path, "/state/blobs/" + kSha);
  h.report(h.exited({1, 0, 1}));
  EXPECT_EQ(h.take_blob_effects<BlobDrop>().size(), 1U);
}

TEST_F(BlobTest, TakesChunksPackedOrAsTheyAre) {
  const std::string text(kBlobChunkBytes, 'x');
  launch({1, 0, 1}, 2 * kBlobChunkBytes);
  gets();
  h.message(h.state.topics.blob_down("pi01", kSha, 0, true), packing::pack(text).value());
  chunk(kBlobChunkBytes, text);
  const auto writes = h.take_blob_effects<BlobWrite>();
  ASSERT_EQ(writes.size(), 2U);
  EXPECT_EQ(writes[0].data, text);
  EXPECT_EQ(writes[1].offset, kBlobChunkBytes);
  EXPECT_EQ(h.take_blob_effects<BlobCheck>().size(), 1U);
}

TEST_F(BlobTest, AsksAgainForAPackedChunkThatIsDamagedOrTooLarge) {
  launch({1, 0, 1}, kBlobChunkBytes);
  gets();
  h.message(h.state.topics.blob_down("pi01", kSha, 0, true), "no frame");
  h.message(h.state.topics.blob_down("pi01", kSha, 0, true),
            packing::pack(std::string(kBlobChunkBytes + 1, 'x')).value());
  EXPECT_TRUE(h.take_blob_effects<BlobWrite>().empty());
  EXPECT_EQ(h.state.counts.malformed, 2U);
  EXPECT_EQ(h.take_log().size(), 1U) << "said once";
  h.advance(2000);
  EXPECT_EQ(gets().size(), 1U);
}

TEST_F(BlobTest, StartsATaskWithAnEmptyInputAtOnce) {
  launch({1, 0, 1}, 0);
  const auto starts = h.take_warden<wire::WardenStart>();
  ASSERT_EQ(starts.size(), 1U);
  EXPECT_TRUE(starts[0].stdin_path.empty());
}

TEST_F(BlobTest, StartsTheTaskOnlyWhenAllItsFilesAreThere) {
  wire::TaskSpec spec = true_spec();
  spec.files = {{"shared", {kSha, 5}}, {"none", {kThirdSha, 0}}};
  h.tasks({.specs = {{1, spec}},
           .launch = {{{1, 0, 1}, wire::BlobRef{kSha, 5}, {{"own", {kOtherSha, 5}}, {"twice", {kOtherSha, 5}}}}}});
  EXPECT_EQ(gets().size(), 2U) << "each once, however often it is named";
  chunk(0, "hello");
  ready();
  EXPECT_TRUE(h.take_warden<wire::WardenStart>().empty());
  chunk(0, "world", kOtherSha);
  ready(kOtherSha);
  const auto starts = h.take_warden<wire::WardenStart>();
  ASSERT_EQ(starts.size(), 1U);
  EXPECT_EQ(starts[0].stdin_path, "/state/blobs/" + kSha);
  const std::vector<wire::WardenFile> files{{"shared", "/state/blobs/" + kSha},
                                            {"none", ""},
                                            {"own", "/state/blobs/" + kOtherSha},
                                            {"twice", "/state/blobs/" + kOtherSha}};
  EXPECT_EQ(starts[0].files, files);
  EXPECT_TRUE(starts[0].spec.files.empty());
  h.report(h.exited({1, 0, 1}));
  EXPECT_EQ(h.take_blob_effects<BlobDrop>().size(), 2U);
  h.blobs.clear();
}

TEST_F(BlobTest, GivesUpAllFilesOfATaskWhenOneIsNotToBeHad) {
  wire::TaskSpec spec = true_spec();
  spec.files = {{"a", {kSha, 5}}, {"b", {kOtherSha, 5}}};
  h.tasks({.specs = {{1, spec}}, .launch = {{{1, 0, 1}, {}}}});
  gets();
  h.take_events();
  chunk(0, "", kOtherSha);
  const auto events = h.take_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].finished->outcome, wire::Outcome::start_failed);
  EXPECT_EQ(h.take_blob_effects<BlobDrop>().size(), 2U);
  EXPECT_TRUE(h.state.blobs.known.empty());
}

TEST_F(BlobTest, LetsOthersStartMeanwhileAndThenKeepsTheOrderOfLaunch) {
  launch({1, 0, 1}, 5);
  h.launch({{2, 0, 1}, {2, 1, 1}, {2, 2, 1}});
  EXPECT_EQ(h.take_warden<wire::WardenStart>().size(), 2U);
  chunk(0, "hello");
  ready();
  h.report(h.exited({2, 0, 1}));
  const auto starts = h.take_warden<wire::WardenStart>();
  ASSERT_EQ(starts.size(), 1U);
  EXPECT_EQ(starts[0].task.id, (AttemptKey{1, 0, 1}));
  gets();
  h.blobs.clear();
}

TEST_F(BlobTest, AsksForMoreAsTheWindowEmpties) {
  launch({1, 0, 1}, 20 * kBlobChunkBytes);
  auto asked = gets();
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].chunks, 8U);
  std::set<uint64_t> expected;
  for (uint64_t i = 0; i < 20; ++i) {
    chunk(i * kBlobChunkBytes, std::string(kBlobChunkBytes, 'x'));
    EXPECT_LE(h.state.blobs.known.at(kSha).requested_bytes,
              h.state.blobs.known.at(kSha).received_bytes + 8 * kBlobChunkBytes);
    const auto more = gets();
    asked.insert(asked.end(), more.begin(), more.end());
  }
  uint64_t next = 0;
  for (const auto& get : asked) {  // without a gap and nothing twice
    EXPECT_EQ(get.offset, next);
    next += get.chunks * kBlobChunkBytes;
  }
  EXPECT_EQ(next, 20 * kBlobChunkBytes);
  EXPECT_EQ(h.take_blob_effects<BlobWrite>().size(), 20U);
  EXPECT_EQ(h.take_blob_effects<BlobCheck>().size(), 1U);
}

TEST_F(BlobTest, RepeatsTheRequestFromTheFirstMissingByte) {
  launch({1, 0, 1}, 3 * kBlobChunkBytes);
  gets();
  chunk(0, std::string(kBlobChunkBytes, 'x'));
  chunk(2 * kBlobChunkBytes, std::string(kBlobChunkBytes, 'x'));  // the middle one was lost
  EXPECT_EQ(h.take_blob_effects<BlobWrite>().size(), 1U);
  EXPECT_LE(h.wake_at - h.now.mono, 2000);
  h.advance(2000);
  const auto asked = gets();
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0], (wire::BlobGet{7, kSha, kBlobChunkBytes, 2, true}));
}

TEST_F(BlobTest, IgnoresChunksThatItDidNotAskForOrThatAreTooLong) {
  launch({1, 0, 1}, 10);
  gets();
  chunk(0, "12345678901");  // above the blob's size
  chunk(5, "12345");        // not the next
  chunk(0, "1", kOtherSha);
  EXPECT_TRUE(h.take_blob_effects<BlobWrite>().empty());
}

TEST_F(BlobTest, EndsTheTaskWhenTheAggregatorDoesNotHaveTheBlob) {
  launch({1, 0, 1}, 10);
  gets();
  h.take_events();
  chunk(0, "");
  const auto events = h.take_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].type, EventType::finished);
  EXPECT_EQ(events[0].finished->outcome, wire::Outcome::start_failed);
  EXPECT_EQ(events[0].finished->text, "the aggregator does not have blob " + kSha);
  EXPECT_EQ(h.take_blob_effects<BlobDrop>().size(), 1U);
}

TEST_F(BlobTest, PullsADamagedBlobAgainButNotForEver) {
  launch({1, 0, 1}, 5);
  h.take_events();
  for (uint32_t i = 0; i <= kMaxDamagedPulls; ++i) {
    const auto asked = gets();
    ASSERT_EQ(asked.size(), 1U) << i;
    EXPECT_EQ(asked[0].offset, 0U);
    chunk(0, "wrong");
    failed(BlobFailure::damaged);
  }
  EXPECT_TRUE(gets().empty());
  const auto events = h.take_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].finished->outcome, wire::Outcome::start_failed);
  h.blobs.clear();
}

TEST_F(BlobTest, WaitsForRoomOnAFullDiskAndSaysSoOnce) {
  launch({1, 0, 1}, 5);
  gets();
  for (int i = 0; i < 3; ++i) {
    chunk(0, "hello");
    failed(BlobFailure::disk);
    h.advance(4000);
    EXPECT_TRUE(gets().empty());
    h.advance(1000);
    EXPECT_EQ(gets().size(), 1U);
  }
  EXPECT_EQ(h.take_log().size(), 1U);
  h.blobs.clear();
}

TEST_F(BlobTest, PullsABlobOnceForAllThatNameItAndKeepsItAsLong) {
  launch({1, 0, 1}, 5);
  launch({1, 1, 1}, 5);
  EXPECT_EQ(gets().size(), 1U);
  chunk(0, "hello");
  ready();
  EXPECT_EQ(h.take_warden<wire::WardenStart>().size(), 2U);
  launch({1, 2, 1}, 5);
  EXPECT_TRUE(gets().empty());
  h.report(h.exited({1, 0, 1}));
  h.report(h.exited({1, 1, 1}));
  EXPECT_TRUE(h.take_blob_effects<BlobDrop>().empty());
  h.report(h.exited({1, 2, 1}));
  EXPECT_EQ(h.take_blob_effects<BlobDrop>().size(), 1U);
  h.take_warden<wire::WardenStart>();
  h.blobs.clear();
}

TEST_F(BlobTest, PullsTwoAtATime) {
  launch({1, 0, 1}, 5, kSha);
  launch({1, 1, 1}, 5, kOtherSha);
  launch({1, 2, 1}, 5, kThirdSha);
  EXPECT_EQ(gets().size(), 2U);
  chunk(0, "hello");
  ready();
  const auto asked = gets();
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].sha256, kThirdSha);
  h.take_warden<wire::WardenStart>();
  h.blobs.clear();
}

TEST_F(BlobTest, DropsThePullOfARecalledTask) {
  launch({1, 0, 1}, 5);
  gets();
  h.take_events();
  wire::TasksMessage recall;
  recall.recall = {{1, 0, 1}};
  h.tasks(recall);
  EXPECT_EQ(h.take_event_types(), std::vector{EventType::returned});
  EXPECT_EQ(h.take_blob_effects<BlobDrop>().size(), 1U);
  h.advance(10'000);
  EXPECT_TRUE(gets().empty());
}

TEST_F(BlobTest, AsksAgainAtOnceWhenAConnectionIsBack) {
  launch({1, 0, 1}, 5);
  gets();
  h.step([&](Effects& effects) { on_bulk_disconnected(h.state, effects, h.now, "lost"); });
  h.advance(h.wake_at - h.now.mono);
  EXPECT_TRUE(std::exchange(h.connect_bulk, false));
  h.step([&](Effects& effects) { on_bulk_connected(h.state, effects, h.now); });
  h.take_log();
  EXPECT_EQ(gets().size(), 1U);
  h.take_events();
  h.tasks(h.welcome_message(8));
  const auto asked = gets();
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].session, 8U);
  h.take<wire::Inventory>(NodeTopic::inventory);
}

TEST(AgentBlobs, PullsAheadOnlyUpToALimit) {
  Config config = test_config();
  config.max_blob_bytes = 8;
  AgentHarness h(config);
  h.make_ready();
  h.launch({{1, 0, 1}}, true_spec(), wire::BlobRef{kSha, 100});  // alone it may be larger
  h.launch({{1, 1, 1}}, true_spec(), wire::BlobRef{kOtherSha, 1});
  EXPECT_EQ(h.take<wire::BlobGet>(NodeTopic::blob_get).size(), 1U);
  h.take_events();
}

TEST(AgentBlobs, OfTasksThatAllWaitForMoreGoBeyondTheLimitOneByOne) {
  Config config = test_config();
  config.max_blob_bytes = 8;
  AgentHarness h(config);
  h.make_ready();
  wire::TaskSpec spec = true_spec();
  spec.files = {{"a", {kSha, 5}}, {"b", {kOtherSha, 5}}};
  h.tasks({.specs = {{1, spec}}, .launch = {{{1, 0, 1}, {}}}});
  const auto arrive = [&](const std::string& sha) {
    EXPECT_EQ(h.take<wire::BlobGet>(NodeTopic::blob_get).at(0).sha256, sha);
    h.message(h.state.topics.blob_down("pi01", sha, 0), "hello");
    h.step([&](Effects& effects) { on_blob_ready(h.state, effects, h.now, sha); });
  };
  arrive(kSha);
  arrive(kOtherSha);
  EXPECT_EQ(h.take_warden<wire::WardenStart>().size(), 1U);
  h.launch({{2, 0, 1}}, true_spec(), wire::BlobRef{kThirdSha, 1});
  EXPECT_TRUE(h.take<wire::BlobGet>(NodeTopic::blob_get).empty()) << "the running task makes room when it ends";
  h.report(h.exited({1, 0, 1}));
  EXPECT_EQ(h.take<wire::BlobGet>(NodeTopic::blob_get).size(), 1U);
  h.take_events();
  h.blobs.clear();
}

TEST(AgentBlobs, ThatMustWaitForOthersDoNotKeepTheAgentAwake) {
  Config config = test_config();
  config.max_blob_bytes = 8;
  AgentHarness h(config);
  h.make_ready();
  h.launch({{1, 0, 1}}, true_spec(), wire::BlobRef{kSha, 5});
  h.step([&](Effects& effects) { on_blob_failed(h.state, effects, h.now, kSha, BlobFailure::disk, "full"); });
  h.launch({{1, 1, 1}}, true_spec(), wire::BlobRef{kOtherSha, 5});  // pulled meanwhile, and takes the room
  h.advance(60'000);
  h.advance(1);
  EXPECT_GT(h.wake_at - h.now.mono, 1000);
  h.take<wire::BlobGet>(NodeTopic::blob_get);
  h.take<wire::Beat>(NodeTopic::beat);
  h.take_events();
  h.take_log();
  h.blobs.clear();
}

}  // namespace
}  // namespace bramble::agent::testing
