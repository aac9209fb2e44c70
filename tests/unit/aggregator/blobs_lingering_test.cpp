#include <gmock/gmock.h>

#include "common/wire/input_files.hpp"
#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kLarge = 100 << 10;

class LingeringBlobs : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster.connect();
    cluster.pass(3000);
    cluster.join("pi1");
    cluster.state().storage.quota_bytes = 8 * 3 * kLarge;
  }

  wire::BlobRef run_with_file(char letter, uint64_t size_bytes = kLarge) {
    JobSpec spec;
    spec.task.files = {{"model", cluster.upload(letter, size_bytes)}};
    cluster.submit({0, 0, 1}, spec);
    finish_next();
    return spec.task.files[0].blob;
  }

  void finish_next() {
    cluster.event("pi1", Harness::finished(cluster.take("pi1").launch.at(0).id));
    cluster.take("pi1");
  }

  void pass(int64_t ms) { cluster.pass(ms, {"pi1"}); }

  std::vector<std::string> removed() {
    std::vector<std::string> names;
    for (const auto& op : cluster.take_files()) {
      if (const auto* remove = std::get_if<RemoveBlob>(&op)) names.push_back(remove->sha256);
    }
    return names;
  }

  Harness cluster;
};

TEST_F(LingeringBlobs, AFileStaysForAWhileAfterItsJobForTheNextThatHasIt) {
  const auto blob = run_with_file('a');
  EXPECT_THAT(removed(), IsEmpty());
  pass(800'000);
  run_with_file('a');  // its own upload counts for itself
  EXPECT_THAT(removed(), IsEmpty());
  pass(800'000);
  EXPECT_THAT(removed(), IsEmpty());
  pass(150'000);
  EXPECT_THAT(removed(), ElementsAre(blob.sha256));
  EXPECT_EQ(cluster.state().lingering_bytes, 0U);
}

TEST_F(LingeringBlobs, ASmallFileGoesWithItsJob) {
  const auto blob = run_with_file('a', 1000);
  EXPECT_THAT(removed(), ElementsAre(blob.sha256));
}

TEST_F(LingeringBlobs, StandardInputGoesWithItsJob) {
  JobSpec spec;
  spec.stdin_blob = cluster.upload('a', kLarge);
  cluster.submit({0, 0, 1}, spec);
  finish_next();
  EXPECT_THAT(removed(), ElementsAre(spec.stdin_blob->sha256));
}

TEST_F(LingeringBlobs, TheOldestGoesWhereAllWouldTakeMoreThanAnEighthOfTheQuota) {
  const auto first = run_with_file('a'), second = run_with_file('b'), third = run_with_file('c');
  EXPECT_THAT(removed(), IsEmpty());
  run_with_file('a');  // ended last now
  EXPECT_THAT(removed(), IsEmpty());
  run_with_file('d');
  EXPECT_THAT(removed(), ElementsAre(second.sha256));
  const auto giant = run_with_file('e', 4 * kLarge);
  EXPECT_THAT(removed(), ElementsAre(giant.sha256)) << "and no other goes for one that is too large";
}

TEST_F(LingeringBlobs, AllGoWhenTheDiskIsFull) {
  const auto blob = run_with_file('a');
  EXPECT_THAT(removed(), IsEmpty());
  cluster.state().storage.full = true;
  pass(11'000);
  EXPECT_THAT(removed(), ElementsAre(blob.sha256));
  const auto next = run_with_file('b');
  EXPECT_THAT(removed(), ElementsAre(next.sha256));
}

TEST_F(LingeringBlobs, OneThatAJobNamesAgainStaysAsLongAsThatJob) {
  const auto blob = run_with_file('a');
  JobSpec too_large;
  too_large.task.files = {{"model", cluster.upload('a', kLarge)}};
  too_large.task.cpus = 1000;
  const JobId job = cluster.submit({0, 0, 1}, too_large);
  EXPECT_EQ(cluster.state().lingering_bytes, 0U);
  pass(2'000'000);
  EXPECT_THAT(removed(), IsEmpty());
  EXPECT_EQ(cluster.state().blobs.at(blob.sha256).kept_for, 0U);
  cluster.ask(CancelRequest{{job}});
  cluster.take_reply();
}

}  // namespace
}  // namespace bramble::aggregator::test
