// Inputs that stay on the node when no attempt needs them any more.
#include "support/agent_harness.hpp"

namespace bramble::agent::testing {
namespace {

using wire::NodeTopic;

struct CacheTest : ::testing::Test {
  CacheTest() : h(config()) { h.make_ready(); }
  ~CacheTest() override {
    h.take_events();
    h.take_warden<wire::WardenStart>();
  }

  static Config config() {
    Config config = test_config();
    config.max_cache_bytes = 12;
    return config;
  }
  // A task from its launch to its end, with an input of five bytes. True: it was pulled.
  bool run_with(const std::string& sha) {
    const AttemptKey id{++job_, 0, 1};
    h.launch({id}, true_spec(), wire::BlobRef{sha, 5});
    const bool pulled = !h.take<wire::BlobGet>(NodeTopic::blob_get).empty();
    if (pulled) h.message(h.state.topics.blob_down("pi01", sha, 0), "hello");
    h.step([&](Effects& effects) { on_blob_ready(h.state, effects, h.now, sha); });
    EXPECT_EQ(h.take_warden<wire::WardenStart>().size(), 1U);
    h.report(h.exited(id));
    h.take_blob_effects<BlobWrite>();
    return pulled;
  }

  AgentHarness h;
  JobId job_ = 0;
};

TEST_F(CacheTest, AnInputThatNobodyNeedsAnyMoreStaysAndIsLookedAtAgain) {
  EXPECT_TRUE(run_with(kSha));
  EXPECT_EQ(h.take_blob_effects<BlobCheck>().size(), 1U);
  EXPECT_FALSE(run_with(kSha));
  EXPECT_EQ(h.take_blob_effects<BlobCheck>().size(), 1U) << "not used unseen";
  EXPECT_TRUE(h.take_blob_effects<BlobDrop>().empty());
}

TEST_F(CacheTest, TheLeastRecentlyUsedGoesFirst) {
  run_with(kSha);
  run_with(kOtherSha);
  run_with(kSha);
  run_with(kThirdSha);
  const auto dropped = h.take_blob_effects<BlobDrop>();
  ASSERT_EQ(dropped.size(), 1U);
  EXPECT_EQ(dropped[0].sha256, kOtherSha);
  EXPECT_FALSE(run_with(kSha));
  h.blobs.clear();
}

TEST_F(CacheTest, ADamagedInputIsPulledAgainAndNotUsed) {
  run_with(kSha);
  h.launch({{9, 0, 1}}, true_spec(), wire::BlobRef{kSha, 5});
  EXPECT_TRUE(h.take<wire::BlobGet>(NodeTopic::blob_get).empty());
  h.step([&](Effects& effects) { on_blob_failed(h.state, effects, h.now, kSha, BlobFailure::damaged, "changed"); });
  EXPECT_TRUE(h.take_warden<wire::WardenStart>().empty());
  EXPECT_EQ(h.take<wire::BlobGet>(NodeTopic::blob_get).size(), 1U);
  h.message(h.state.topics.blob_down("pi01", kSha, 0), "hello");
  h.step([&](Effects& effects) { on_blob_ready(h.state, effects, h.now, kSha); });
  EXPECT_EQ(h.take_warden<wire::WardenStart>().size(), 1U);
  h.blobs.clear();
}

TEST_F(CacheTest, TakesNoMoreThanAQuarterOfWhatIsFree) {
  run_with(kSha);
  run_with(kOtherSha);
  const auto read_free = [&](double bytes) {
    Reading reading;
    reading.taken = h.now.mono;
    reading.values["disk_free_bytes"] = bytes;
    h.step([&](Effects& effects) { on_reading(h.state, effects, h.now, reading); });
    h.take<wire::Telemetry>(NodeTopic::telemetry);
    return h.take_blob_effects<BlobDrop>().size();
  };
  EXPECT_EQ(read_free(1000), 0U);
  EXPECT_EQ(read_free(15), 1U) << "6 of 25";
  EXPECT_EQ(read_free(0), 1U);
  h.blobs.clear();
}

TEST_F(CacheTest, IsGivenUpForWhatIsNeededOnAFullDisk) {
  run_with(kSha);
  h.launch({{9, 0, 1}}, true_spec(), wire::BlobRef{kOtherSha, 5});
  h.take<wire::BlobGet>(NodeTopic::blob_get);
  h.step([&](Effects& effects) { on_blob_failed(h.state, effects, h.now, kOtherSha, BlobFailure::disk, "full"); });
  const auto dropped = h.take_blob_effects<BlobDrop>();
  EXPECT_EQ(dropped.size(), 2U) << "what was half written, and the cache";
  h.take_log();
  h.blobs.clear();
}

}  // namespace
}  // namespace bramble::agent::testing
