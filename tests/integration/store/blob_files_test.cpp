#include "aggregator/store/blob_files.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "common/posix/digest.hpp"
#include "common/posix/system_clock.hpp"
#include "support/temp_dir.hpp"

namespace bramble::aggregator {
namespace {

using wire::Stream;

class BlobFilesTest : public testing::Test {
 protected:
  void SetUp() override { reopen({}); }
  void reopen(BlobFilesOptions options) {
    files_.reset();
    auto files = DirectoryBlobFiles::open(dir_.path(), options);
    ASSERT_TRUE(files) << files.error().message;
    files_ = std::move(*files);
  }
  wire::BlobRef keep(const std::string& bytes) {
    auto writer = files_->begin_blob();
    if (!writer || !(*writer)->write(bytes)) return {};
    return (*writer)->finish().value_or(wire::BlobRef{});
  }
  Status append(const AttemptKey& key, uint64_t offset, std::string_view bytes) {
    return files_->append_output(key, Stream::stdout_, offset, bytes);
  }
  std::string output(const AttemptKey& key) {
    return files_->read_output(key, Stream::stdout_, 0, 1 << 20).value_or("(none)");
  }

  test::TempDir dir_;
  std::unique_ptr<DirectoryBlobFiles> files_;
};

constexpr AttemptKey kKey{12, 5, 1};

TEST_F(BlobFilesTest, BlobIsNamedByItsHashAndReadBack) {
  auto writer = files_->begin_blob();
  ASSERT_TRUE(writer);
  ASSERT_TRUE((*writer)->write("hello "));
  ASSERT_TRUE((*writer)->write("world"));
  const auto blob = (*writer)->finish();
  ASSERT_TRUE(blob) << blob.error().message;
  EXPECT_EQ(blob->sha256, posix::sha256_hex("hello world"));
  EXPECT_EQ(blob->size_bytes, 11u);
  EXPECT_EQ(files_->blob_size(blob->sha256), 11u);
  EXPECT_EQ(files_->read_blob(blob->sha256, 0, 100).value(), "hello world");
  EXPECT_EQ(files_->read_blob(blob->sha256, 6, 3).value(), "wor");
  EXPECT_EQ(files_->read_blob(blob->sha256, 11, 3).value(), "");
}

TEST_F(BlobFilesTest, EmptyBlobIsABlob) {
  const auto blob = keep("");
  EXPECT_EQ(blob.sha256, posix::sha256_hex(""));
  EXPECT_EQ(files_->blob_size(blob.sha256), 0u);
}

TEST_F(BlobFilesTest, UnknownBlobIsNotFound) {
  EXPECT_EQ(files_->read_blob(std::string(64, 'a'), 0, 1).error().code, ErrorCode::not_found);
  EXPECT_EQ(files_->blob_size("../../etc/passwd"), std::nullopt);
}

TEST_F(BlobFilesTest, UnfinishedBlobLeavesNothing) {
  {
    auto writer = files_->begin_blob();
    ASSERT_TRUE((*writer)->write("half"));
    EXPECT_EQ(files_->used_bytes(), 4u);
  }
  EXPECT_EQ(files_->used_bytes(), 0u);
  EXPECT_TRUE(std::filesystem::is_empty(dir_ / "incoming"));
  EXPECT_TRUE(std::filesystem::is_empty(dir_ / "blobs"));
}

TEST_F(BlobFilesTest, LeftoversOfAStoppedProcessAreRemovedAtTheStart) {
  std::ofstream(dir_ / "incoming/17") << "half a blob";
  reopen({});
  EXPECT_TRUE(std::filesystem::is_empty(dir_ / "incoming"));
  EXPECT_EQ(files_->used_bytes(), 0u);
}

TEST_F(BlobFilesTest, SameBlobTwiceIsCountedOnce) {
  keep("twice");
  keep("twice");
  EXPECT_EQ(files_->used_bytes(), 5u);
}

TEST_F(BlobFilesTest, DamagedBlobIsHealedByItsBytes) {
  const auto blob = keep("good bytes");
  const std::string path = dir_ / "blobs/" + blob.sha256.substr(0, 2) + "/" + blob.sha256;
  std::ofstream(path, std::ios::trunc) << "bad";
  keep("good bytes");
  EXPECT_EQ(files_->read_blob(blob.sha256, 0, 100).value(), "good bytes");
}

TEST_F(BlobFilesTest, QuotaHoldsForBlobsAndOutputsTogetherAndAfterARestart) {
  reopen({.quota_bytes = 100, .max_open_outputs = 4});
  const auto blob = keep(std::string(60, 'b'));
  ASSERT_TRUE(append(kKey, 0, std::string(30, 'o')));
  reopen({.quota_bytes = 100, .max_open_outputs = 4});
  EXPECT_EQ(files_->used_bytes(), 90u);
  const Status status = append(kKey, 30, std::string(11, 'o'));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::limit);
  EXPECT_THAT(status.error().message, testing::HasSubstr("used up"));
  auto writer = files_->begin_blob();
  EXPECT_EQ((*writer)->write(std::string(11, 'b')).error().code, ErrorCode::limit);
  files_->remove_blob(blob.sha256, posix::mono_now());
  EXPECT_EQ(files_->blob_size(blob.sha256), std::nullopt);
  EXPECT_TRUE(append(kKey, 30, std::string(70, 'o')));
}

TEST_F(BlobFilesTest, ABlobStoredAfterTheRemovalWasMeantStays) {
  const MonoTime known{posix::mono_now().ms - 1};
  const auto blob = keep("bytes");
  files_->remove_blob(blob.sha256, known);
  EXPECT_EQ(files_->blob_size(blob.sha256), 5U);
  files_->remove_blob(blob.sha256, posix::mono_now());
  EXPECT_EQ(files_->blob_size(blob.sha256), std::nullopt);
}

TEST_F(BlobFilesTest, ListsWhatIsThereAfterARestart) {
  const auto one = keep("one");
  const auto two = keep("two!");
  reopen({});
  EXPECT_THAT(files_->list_blobs().value(), testing::UnorderedElementsAre(one, two));
}

TEST_F(BlobFilesTest, OutputGrowsAndIsReadFromAnyByte) {
  ASSERT_TRUE(append(kKey, 0, "abc"));
  ASSERT_TRUE(append(kKey, 3, "def"));
  ASSERT_TRUE(files_->append_output(kKey, Stream::stderr_, 0, "err"));
  EXPECT_EQ(output(kKey), "abcdef");
  EXPECT_EQ(files_->output_size(kKey, Stream::stdout_), 6u);
  EXPECT_EQ(files_->read_output(kKey, Stream::stdout_, 4, 1).value(), "e");
  EXPECT_EQ(files_->read_output(kKey, Stream::stderr_, 0, 9).value(), "err");
  EXPECT_TRUE(std::filesystem::exists(dir_ / "outputs/12/5.1.out"));
  EXPECT_TRUE(std::filesystem::exists(dir_ / "outputs/12/5.1.err"));
}

TEST_F(BlobFilesTest, RepeatedChunkChangesNothing) {
  ASSERT_TRUE(append(kKey, 0, "abcdef"));
  ASSERT_TRUE(append(kKey, 0, "abc"));
  ASSERT_TRUE(append(kKey, 4, "efgh"));
  EXPECT_EQ(output(kKey), "abcdefgh");
  EXPECT_EQ(files_->used_bytes(), 8u);
}

TEST_F(BlobFilesTest, ChunkBeyondTheEndIsRefused) {
  ASSERT_TRUE(append(kKey, 0, "abc"));
  EXPECT_EQ(append(kKey, 4, "e").error().code, ErrorCode::conflict);
  EXPECT_EQ(append({1, 1, 1}, 1, "e").error().code, ErrorCode::conflict);
  EXPECT_EQ(output(kKey), "abc");
}

TEST_F(BlobFilesTest, OutputsOfManyAttemptsNeedFewOpenFiles) {
  reopen({.quota_bytes = 1 << 20, .max_open_outputs = 2});
  for (uint64_t round = 0; round < 3; ++round) {
    for (TaskIndex task = 0; task < 10; ++task) ASSERT_TRUE(append({1, task, 1}, round * 2, "xy"));
  }
  for (TaskIndex task = 0; task < 10; ++task) {
    EXPECT_EQ(output({1, task, 1}), "xyxyxy");
    EXPECT_TRUE(files_->sync_output({1, task, 1}, Stream::stdout_));
  }
}

TEST_F(BlobFilesTest, OutputThatWasNeverWrittenIsEmptyAndDurable) {
  EXPECT_EQ(files_->output_size(kKey, Stream::stdout_), 0u);
  EXPECT_TRUE(files_->sync_output(kKey, Stream::stdout_));
  EXPECT_EQ(files_->read_output(kKey, Stream::stdout_, 0, 1).error().code, ErrorCode::not_found);
}

TEST_F(BlobFilesTest, RemovedOutputIsGoneAndMayBeginAgain) {
  ASSERT_TRUE(append(kKey, 0, "abc"));
  ASSERT_TRUE(files_->append_output(kKey, Stream::stderr_, 0, "err"));
  files_->remove_output(kKey);
  EXPECT_EQ(files_->used_bytes(), 0u);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "outputs/12"));
  ASSERT_TRUE(append(kKey, 0, "new"));
  EXPECT_EQ(output(kKey), "new");
}

TEST_F(BlobFilesTest, ThreadsWorkOnTheirOwnFilesAtOnce) {
  reopen({.quota_bytes = 1 << 20, .max_open_outputs = 2});
  std::vector<std::thread> threads;
  for (TaskIndex task = 0; task < 4; ++task) {
    threads.emplace_back([this, task] {
      for (uint64_t i = 0; i < 50; ++i) EXPECT_TRUE(append({1, task, 1}, i, "z"));
      EXPECT_FALSE(keep("blob " + std::to_string(task % 2)).sha256.empty());
      if (task % 2 == 1) files_->remove_output({1, task, 1});
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(output({1, 0, 1}), std::string(50, 'z'));
  EXPECT_EQ(files_->used_bytes(), 100u + 2 * 6);
}

TEST_F(BlobFilesTest, AllAttemptsWithOutputAreWalkedOver) {
  std::set<AttemptKey> wanted;
  for (TaskIndex task = 0; task < 5; ++task) {
    const AttemptKey key{JobId{10} + task / 3, task, 1};
    ASSERT_TRUE(append(key, 0, "x"));
    wanted.insert(key);
  }
  std::ofstream(dir_ / "outputs/10/notes.txt") << "somebody's";
  std::set<AttemptKey> found;
  size_t calls = 0;
  for (auto keys = files_->next_outputs(2); !keys.empty(); keys = files_->next_outputs(2)) {
    ASSERT_LT(++calls, 20U);
    found.insert(keys.begin(), keys.end());
    for (const auto& key : keys) files_->remove_output(key);
  }
  EXPECT_EQ(found, wanted);
  EXPECT_EQ(files_->used_bytes(), 0U);
  EXPECT_TRUE(std::filesystem::exists(dir_ / "outputs/10/notes.txt"));
}

TEST_F(BlobFilesTest, AWalkOverOutputsThatStayEndsAndTheNextOneBeginsAnew) {
  for (TaskIndex task = 0; task < 3; ++task) ASSERT_TRUE(append({1, task, 1}, 0, "x"));
  for (int walk = 0; walk < 2; ++walk) {
    EXPECT_EQ(files_->next_outputs(2).size(), 2U);
    EXPECT_EQ(files_->next_outputs(2).size(), 1U);
    EXPECT_TRUE(files_->next_outputs(2).empty());
  }
}

}  // namespace
}  // namespace bramble::aggregator
