// What the agent tells of the inputs that lie on its node.
#include "support/agent_harness.hpp"

namespace bramble::agent::testing {
namespace {

using wire::NodeTopic;

struct BlobHaveTest : ::testing::Test {
  BlobHaveTest() : h(config()) { h.make_ready(); }
  ~BlobHaveTest() override {
    h.take_events();
    h.take_warden<wire::WardenStart>();
    h.take<wire::BlobGet>(NodeTopic::blob_get);
    h.blobs.clear();
  }

  static Config config() {
    Config config = test_config();
    config.max_cache_bytes = wire::kMinBlobHeldBytes;
    return config;
  }
  // Launched, and its input has come.
  AttemptKey run_with(const std::string& sha, uint64_t size_bytes = wire::kMinBlobHeldBytes) {
    const AttemptKey id{++job_, 0, 1};
    h.launch({id}, true_spec(), wire::BlobRef{sha, size_bytes});
    h.message(h.state.topics.blob_down("pi01", sha, 0), std::string(size_bytes, 'x'));
    h.step([&](Effects& effects) { on_blob_ready(h.state, effects, h.now, sha); });
    return id;
  }
  void end(const AttemptKey& id) { h.report(h.exited(id)); }
  std::vector<wire::BlobHave> told() { return h.take<wire::BlobHave>(NodeTopic::blob_have); }

  AgentHarness h;
  JobId job_ = 0;
};

TEST_F(BlobHaveTest, TellsOfAnInputAsSoonAsItIsThere) {
  run_with(kSha);
  EXPECT_EQ(told(), (std::vector<wire::BlobHave>{{7, {kSha}}}));
}

TEST_F(BlobHaveTest, SaysNothingOfSmallOnes) {
  run_with(kSha, wire::kMinBlobHeldBytes - 1);
  h.advance(10'000);
  EXPECT_TRUE(told().empty());
}

TEST_F(BlobHaveTest, GathersWhatChangesWithinFiveSeconds) {
  run_with(kSha);
  EXPECT_EQ(told().size(), 1U);
  h.advance(100);
  run_with(kOtherSha);
  EXPECT_TRUE(told().empty());
  EXPECT_LE(h.wake_at, h.now.mono + 4900);
  h.advance(4900);
  EXPECT_EQ(told(), (std::vector<wire::BlobHave>{{7, {kSha, kOtherSha}}}));
  h.advance(10'000);
  EXPECT_TRUE(told().empty()) << "nothing has changed";
}

TEST_F(BlobHaveTest, SaysWhatIsGoneEvenWhereNothingIsLeft) {
  end(run_with(kSha));
  EXPECT_EQ(told().size(), 1U);
  h.advance(5000);
  EXPECT_TRUE(told().empty()) << "what is kept without need is there, too";
  Reading full;
  full.taken = h.now.mono;
  full.values["disk_free_bytes"] = 0;
  h.step([&](Effects& effects) { on_reading(h.state, effects, h.now, full); });
  h.take<wire::Telemetry>(NodeTopic::telemetry);
  EXPECT_EQ(told(), (std::vector<wire::BlobHave>{{7, {}}}));
}

TEST_F(BlobHaveTest, TellsWhatIsInUseBeforeWhatIsOnlyKept) {
  end(run_with(kSha));
  run_with(kOtherSha);
  told();
  h.advance(5000);
  EXPECT_EQ(told(), (std::vector<wire::BlobHave>{{7, {kOtherSha, kSha}}}));
}

TEST_F(BlobHaveTest, TellsAnewInEachSession) {
  run_with(kSha);
  told();
  h.take_events();
  h.tasks(h.welcome_message(8));
  h.take<wire::Inventory>(NodeTopic::inventory);
  EXPECT_EQ(told(), (std::vector<wire::BlobHave>{{8, {kSha}}}));
}

TEST_F(BlobHaveTest, NamesAtMostAHundred) {
  for (size_t i = 0; i < wire::kMaxBlobsHeld + 5; ++i) {
    std::string sha = std::to_string(1000 + i);
    run_with(sha + std::string(64 - sha.size(), 'a'));
  }
  h.advance(5000);
  EXPECT_EQ(told().back().blobs.size(), wire::kMaxBlobsHeld);
}

}  // namespace
}  // namespace bramble::agent::testing
