// Requests for inputs, and who is answered with whom.
#include <gmock/gmock.h>

#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {
namespace {

using ::testing::IsEmpty;

constexpr uint64_t kChunk = wire::kBlobChunkBytes;

class BlobSharing : public ::testing::Test {
 protected:
  BlobSharing() {
    cluster.connect();
    cluster.pass(3000);
    for (const std::string node : {"pi1", "pi2"}) cluster.join(node, 1);
    blob = cluster.upload('a', 100 * kChunk);
  }
  ~BlobSharing() override {
    cluster.drop_messages();
    cluster.take_files();
  }

  void send_tasks(TaskIndex tasks = 2) {
    JobSpec spec;
    spec.task.files = {{"model", blob}};
    cluster.submit({0, tasks - 1, 1}, spec);
  }

  // What is to be sent at once.
  std::vector<SendBlob> get(const std::string& node, uint64_t chunk, uint32_t chunks, bool shared = true) {
    cluster.say(node, wire::NodeTopic::blob_get,
                wire::BlobGet{cluster.session(node), blob.sha256, chunk * kChunk, chunks, true, shared});
    return sends();
  }
  std::vector<SendBlob> sends() {
    std::vector<SendBlob> all;
    for (const FileOp& op : cluster.take_files()) {
      if (const auto* send = std::get_if<SendBlob>(&op)) all.push_back(*send);
    }
    return all;
  }
  void expect_one(const std::vector<SendBlob>& sends, const std::string& node, uint64_t chunk, uint32_t chunks) {
    ASSERT_EQ(sends.size(), 1U);
    EXPECT_EQ(sends[0].node, node);
    EXPECT_EQ(sends[0].sha256, blob.sha256);
    EXPECT_EQ(sends[0].offset, chunk * kChunk);
    EXPECT_EQ(sends[0].chunks, chunks);
    EXPECT_TRUE(sends[0].packed);
  }

  const std::string kAll;  // no node's name: to all
  Harness cluster;
  wire::BlobRef blob;
};

TEST_F(BlobSharing, WhatSeveralNodesWereSentTasksWithIsSentOnceToAll) {
  send_tasks();
  EXPECT_THAT(get("pi2", 0, 32), IsEmpty());
  expect_one(get("pi1", 0, 32), kAll, 0, 32);
  expect_one(get("pi1", 32, 16), kAll, 32, 16);
  EXPECT_THAT(get("pi2", 32, 16), IsEmpty());
}

TEST_F(BlobSharing, ANodeThatHasTheOnlyTaskIsAnsweredAtOnceAndAlone) {
  send_tasks(1);
  const bool is_first = cluster.has_message("pi1");
  expect_one(get(is_first ? "pi1" : "pi2", 0, 32), is_first ? "pi1" : "pi2", 0, 32);
}

TEST_F(BlobSharing, WhoeverDoesNotComeIsWaitedForNoLongerThanAMoment) {
  send_tasks();
  EXPECT_THAT(get("pi2", 0, 32), IsEmpty());
  const MonoTime tick = cluster.now().mono + 10'000;
  EXPECT_EQ(next_wake(cluster.state(), tick), cluster.now().mono + BlobGroups::kMaxGatherMs);
  cluster.pass(BlobGroups::kMaxGatherMs);
  expect_one(sends(), "pi2", 0, 32);
  EXPECT_EQ(next_wake(cluster.state(), tick), tick);
}

TEST_F(BlobSharing, AnAgentThatKnowsNoSharedTopicIsAnsweredOnItsOwn) {
  send_tasks();
  expect_one(get("pi1", 0, 8, false), "pi1", 0, 8);
  expect_one(get("pi2", 0, 32), "pi2", 0, 32);
}

TEST_F(BlobSharing, ANodeThatCannotUnpackIsAnsweredAloneAsItCanRead) {
  send_tasks();
  cluster.say("pi1", wire::NodeTopic::blob_get, wire::BlobGet{cluster.session("pi1"), blob.sha256, 0, 8, false, true});
  const auto sent = sends();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].node, "pi1");
  EXPECT_FALSE(sent[0].packed);
}

TEST_F(BlobSharing, ANodeThatHasItAlreadyIsNotWaitedFor) {
  cluster.say("pi1", wire::NodeTopic::blob_have, wire::BlobHave{cluster.session("pi1"), {blob.sha256}});
  send_tasks();
  expect_one(get("pi2", 0, 32), "pi2", 0, 32);
}

TEST_F(BlobSharing, ANodeWithANewSessionIsAnsweredAlone) {
  send_tasks();
  get("pi1", 0, 32), get("pi2", 0, 32);
  auto again = Harness::identity("pi2", 1);
  again.counter = 2;
  cluster.drop_messages();
  cluster.join(again);
  expect_one(get("pi2", 0, 32), "pi2", 0, 32);
  expect_one(get("pi1", 32, 16), "pi1", 32, 16);
}

TEST_F(BlobSharing, TheEndOfABlobIsSentToItsLastByte) {
  blob = cluster.upload('b', 33 * kChunk + 1);
  send_tasks();
  get("pi1", 0, 32);
  expect_one(get("pi2", 0, 32), kAll, 0, 32);
  expect_one(get("pi2", 32, 2), kAll, 32, 2);
  EXPECT_THAT(get("pi1", 32, 2), IsEmpty());
  expect_one(get("pi1", 5, 8, false), "pi1", 5, 8);
}

TEST_F(BlobSharing, ABlobThatIsNotThereIsSaidSoToWhoAsks) {
  send_tasks();
  const auto known = blob;
  blob.sha256 = std::string(64, 'f');
  expect_one(get("pi1", 0, 32), "pi1", 0, 32);
  blob = known;
}

}  // namespace
}  // namespace bramble::aggregator::test
