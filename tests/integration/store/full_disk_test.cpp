// A disk that is full: writes say "unavailable", keep nothing by halves, and succeed as they are once there is room.
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <fstream>
#include <mutex>

#include "aggregator/store/blob_files.hpp"
#include "aggregator/store/telemetry_writer.hpp"
#include "support/readings.hpp"
#include "unit/store/store_builders.hpp"

namespace bramble::aggregator {
namespace {

class FullDisk : public testing::Test {
 protected:
  void SetUp() override {
    mounted_ = ::mount("tmpfs", dir_.path().c_str(), "tmpfs", 0, "size=2m") == 0;
    if (!mounted_) GTEST_SKIP() << "mounting a small tmpfs is not permitted: " << std::strerror(errno);
  }
  void TearDown() override {
    if (mounted_) ::umount2(dir_.path().c_str(), MNT_DETACH);
  }

  void fill() {
    std::ofstream file(ballast_, std::ios::app | std::ios::binary);
    const std::string block(4096, 'x');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  void make_room() { std::filesystem::remove(ballast_); }

  TempDir dir_;
  const std::string ballast_ = dir_ / "ballast";
  bool mounted_ = false;
};

Writes large_batch(JobId first, JobId last) {
  Writes writes;
  for (JobId id = first; id <= last; ++id) {
    JobRecord job = make_job(id);
    job.spec.name = std::string(2000, 'n');
    writes.push_back(AddJob{job});
  }
  return writes;
}

TEST_F(FullDisk, CommitIsUnavailableAndTheSameWritesSucceedOnceThereIsRoom) {
  auto store = open_jobs(dir_ / "jobs.db");
  ASSERT_NE(store, nullptr);
  commit(*store, large_batch(1, 5));
  fill();
  const Writes writes = large_batch(6, 100);
  for (int attempt = 0; attempt < 3; ++attempt) {
    const Status status = store->commit(writes);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::unavailable) << status.error().message;
    EXPECT_EQ(status.error().message, "jobs.db: the disk is full: make room");
  }
  EXPECT_EQ(load(*store).last_job, 5u);
  make_room();
  commit(*store, writes);
  store.reset();
  store = open_jobs(dir_ / "jobs.db");
  EXPECT_EQ(load(*store).open_jobs.size(), 100u);
}

TEST_F(FullDisk, OpenIsUnavailable) {
  fill();
  const auto store = SqliteJobStore::open(dir_ / "jobs.db");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::unavailable) << store.error().message;
  make_room();
  EXPECT_NE(open_jobs(dir_ / "jobs.db"), nullptr);
}

TEST_F(FullDisk, TelemetryWaitsInMemoryAndIsSaidOnce) {
  std::mutex mutex;
  std::vector<std::string> warnings;
  TelemetryOptions options;
  options.commit_interval_ms = 3'600'000;
  options.warn = [&](const std::string& text) {
    const std::lock_guard lock(mutex);
    warnings.push_back(text);
  };
  const auto writer = TelemetryWriter::open(dir_ / "telemetry.db", options);
  ASSERT_TRUE(writer);
  fill();
  for (int64_t ts_ms = 0; ts_ms < 2000; ++ts_ms)
    (*writer)->add({test::make_row({.received_ms = ts_ms, .values = {{"load1", 1}}})});
  EXPECT_EQ((*writer)->flush().error().code, ErrorCode::unavailable);
  EXPECT_FALSE((*writer)->flush());
  make_room();
  EXPECT_TRUE((*writer)->flush());
  auto connection = sqlite::Connection::open(dir_ / "telemetry.db", sqlite::OpenMode::read_only, 0);
  EXPECT_EQ(connection->integer("SELECT count(*) FROM telemetry").value(), 2000);
  const std::lock_guard lock(mutex);
  EXPECT_THAT(warnings, testing::ElementsAre(testing::HasSubstr("telemetry.db: the disk is full: make room"),
                                             "readings are stored again"));
}

TEST_F(FullDisk, TelemetryBeyondTheLimitIsShedCountedAndSaidOnce) {
  std::atomic<int> said = 0;
  TelemetryOptions options;
  options.commit_interval_ms = 3'600'000;
  options.max_rows = 1000;
  options.warn = [&](const std::string& text) { said += text.starts_with("more readings come") ? 1 : 0; };
  const auto writer = TelemetryWriter::open(dir_ / "telemetry.db", options);
  ASSERT_TRUE(writer);
  fill();
  for (int64_t ts_ms = 0; ts_ms < 3000; ++ts_ms) {
    (*writer)->add({test::make_row({.received_ms = ts_ms, .values = {{"load1", 1}}})});
  }
  EXPECT_FALSE((*writer)->flush());
  EXPECT_EQ((*writer)->use().shed, 2000u);
  EXPECT_EQ((*writer)->use().waiting, 1000u);
  EXPECT_NE((*writer)->use().trouble, "");
  make_room();
  EXPECT_TRUE((*writer)->flush());
  EXPECT_TRUE((*writer)->flush());
  EXPECT_EQ((*writer)->use().stored, 1000u);
  EXPECT_EQ((*writer)->use().trouble, "");
  EXPECT_EQ(said, 1);
}

TEST_F(FullDisk, OutputIsCutWhereItWasAndGoesOn) {
  const auto files = DirectoryBlobFiles::open(dir_ / "files");
  ASSERT_TRUE(files);
  const AttemptKey key{1, 2, 3};
  ASSERT_TRUE((*files)->append_output(key, wire::Stream::stdout_, 0, "begin"));
  fill();
  const std::string rest(100'000, 'r');
  const Status status = (*files)->append_output(key, wire::Stream::stdout_, 5, rest);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::unavailable) << status.error().message;
  EXPECT_EQ((*files)->output_size(key, wire::Stream::stdout_), 5u);
  EXPECT_EQ((*files)->used_bytes(), 5u);
  EXPECT_TRUE((*files)->storage().full) << "and is told as a used up quota is";
  make_room();
  ASSERT_TRUE((*files)->append_output(key, wire::Stream::stdout_, 5, rest));
  EXPECT_FALSE((*files)->storage().full);
  EXPECT_EQ((*files)->output_size(key, wire::Stream::stdout_), 100'005u);
}

TEST_F(FullDisk, BlobIsUnavailableAndLeavesNothing) {
  const auto files = DirectoryBlobFiles::open(dir_ / "files");
  ASSERT_TRUE(files);
  fill();
  auto writer = (*files)->begin_blob();
  ASSERT_TRUE(writer) << writer.error().message;
  EXPECT_EQ((*writer)->write(std::string(100'000, 'b')).error().code, ErrorCode::unavailable);
  EXPECT_FALSE((*writer)->finish());
  writer->reset();
  EXPECT_EQ((*files)->used_bytes(), 0u);
  EXPECT_TRUE(std::filesystem::is_empty(dir_ / "files/incoming"));
  EXPECT_TRUE((*files)->storage().full) << "and is told as a used up quota is";
  make_room();
  writer = (*files)->begin_blob();
  ASSERT_TRUE(writer && (*writer)->write(std::string(100'000, 'b')) && (*writer)->finish());
  EXPECT_FALSE((*files)->storage().full);
}

}  // namespace
}  // namespace bramble::aggregator
