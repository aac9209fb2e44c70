// Databases that cannot be used: each gets one clear sentence, and what can get better does.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <mutex>

#include "aggregator/store/migrations.hpp"
#include "aggregator/store/telemetry_writer.hpp"
#include "support/readings.hpp"
#include "unit/store/store_builders.hpp"

namespace bramble::aggregator {
namespace {

using testing::HasSubstr;

sqlite::Connection connect(const std::string& path) {
  auto connection = sqlite::Connection::open(path, sqlite::OpenMode::read_write, 0);
  if (!connection) throw std::runtime_error(connection.error().message);
  return std::move(*connection);
}

Error open_error(const std::string& path) {
  const auto store = SqliteJobStore::open(path);
  return store ? Error{ErrorCode::invalid, "no error"} : store.error();
}

// Root may write everything; as another user the file's mode counts.
class AsNobody {
 public:
  AsNobody() : was_root_(::geteuid() == 0) {
    if (was_root_ && ::seteuid(65534) != 0) throw std::runtime_error("cannot become another user");
  }
  ~AsNobody() {
    if (was_root_ && ::seteuid(0) != 0) std::abort();
  }

 private:
  const bool was_root_;
};

TEST(BadDatabase, FromANewerVersionIsRefused) {
  const TempDir dir;
  ASSERT_NE(open_jobs(dir / "jobs.db"), nullptr);
  ASSERT_TRUE(connect(dir / "jobs.db").execute("PRAGMA user_version = 99"));
  const Error error = open_error(dir / "jobs.db");
  EXPECT_EQ(error.code, ErrorCode::corrupt);
  EXPECT_EQ(error.message, "jobs.db was written by a newer bramble (schema 99, this one knows " +
                               std::to_string(jobs_schema().size()) + "): upgrade bramble or restore a backup");
}

TEST(BadDatabase, TelemetryFromANewerVersionIsRefused) {
  const TempDir dir;
  ASSERT_TRUE(TelemetryTable::open(dir / "telemetry.db"));
  ASSERT_TRUE(connect(dir / "telemetry.db").execute("PRAGMA user_version = 99"));
  const auto writer = TelemetryWriter::open(dir / "telemetry.db");
  ASSERT_FALSE(writer);
  EXPECT_THAT(writer.error().message, HasSubstr("telemetry.db was written by a newer bramble (schema 99"));
}

std::vector<std::string> set_aside_in(const TempDir& dir) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
    const std::string name = entry.path().filename();
    if (name.starts_with("telemetry.db.damaged-") && !name.ends_with("-wal")) names.push_back(name);
  }
  return names;
}

// What the writer's thread says.
class Said {
 public:
  void add(const std::string& text) {
    const std::lock_guard lock(mutex_);
    said_.push_back(text);
  }
  std::vector<std::string> all() const {
    const std::lock_guard lock(mutex_);
    return said_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> said_;
};

TelemetryOptions telling(Said& said) {
  TelemetryOptions options;
  options.commit_interval_ms = 3'600'000;
  options.warn = [&said](const std::string& text) { said.add(text); };
  return options;
}

TEST(BadDatabase, DamagedTelemetryIsSetAsideAndBegunAnew) {
  const TempDir dir;
  ASSERT_NE(open_jobs(dir / "jobs.db"), nullptr);
  const auto jobs_bytes = std::filesystem::file_size(dir / "jobs.db");
  Said said;
  for (size_t round = 1; round <= 5; ++round) {
    std::ofstream(dir / "telemetry.db") << std::string(8192, 'x');
    const auto writer = TelemetryWriter::open(dir / "telemetry.db", telling(said));
    ASSERT_TRUE(writer) << writer.error().message;
    (*writer)->add({test::make_row({.received_ms = 1, .values = {{"load1", 1}}})});
    EXPECT_TRUE((*writer)->flush());
    EXPECT_EQ(said.all().size(), round);
    EXPECT_EQ(set_aside_in(dir).size(), std::min<size_t>(round, 3)) << "the oldest leaves";
  }
  EXPECT_THAT(said.all().at(0), HasSubstr("telemetry.db is damaged"));
  EXPECT_THAT(said.all().at(0), HasSubstr("It is set aside as "));
  EXPECT_EQ(std::filesystem::file_size(dir / "jobs.db"), jobs_bytes);
}

TEST(BadDatabase, TelemetryThatIsDamagedWhileInUseIsSetAside) {
  const TempDir dir;
  Said said;
  const auto writer = TelemetryWriter::open(dir / "telemetry.db", telling(said));
  ASSERT_TRUE(writer);
  for (int64_t i = 0; i < 3000; ++i) {
    (*writer)->add({test::make_row({.received_ms = i, .values = {{"load1", 1}}, .number = static_cast<uint64_t>(i)})});
  }
  ASSERT_TRUE((*writer)->flush());
  // Another's write has the writer read its pages anew.
  ASSERT_TRUE(
      connect(dir / "telemetry.db")
          .execute(
              "PRAGMA busy_timeout = 5000; CREATE TABLE other (x); DROP TABLE other; PRAGMA wal_checkpoint(TRUNCATE)"));
  {
    const auto size = std::filesystem::file_size(dir / "telemetry.db");
    std::fstream file(dir / "telemetry.db", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(size - 4096, '\x5A');
  }
  for (int round = 0; round < 3 && said.all().empty(); ++round) {
    (*writer)->add({test::make_row({.node = "new", .received_ms = 5000 + round, .values = {{"load1", 1}}})});
    EXPECT_TRUE((*writer)->flush());
  }
  ASSERT_FALSE(said.all().empty());
  // It may have been noticed between two commits.
  (*writer)->add({test::make_row({.node = "new", .received_ms = 6000, .values = {{"load1", 1}}})});
  EXPECT_TRUE((*writer)->flush());
  EXPECT_THAT(said.all().at(0), HasSubstr("It is set aside as "));
  EXPECT_EQ(set_aside_in(dir).size(), 1u);
  EXPECT_GE(connect(dir / "telemetry.db").integer("SELECT count(*) FROM telemetry").value(), 1);
}

TEST(BadDatabase, LockedAtTheStartIsUnavailable) {
  const TempDir dir;
  ASSERT_NE(open_jobs(dir / "jobs.db"), nullptr);
  auto other = connect(dir / "jobs.db");
  ASSERT_TRUE(other.execute("BEGIN EXCLUSIVE"));
  const Error error = open_error(dir / "jobs.db");
  EXPECT_EQ(error.code, ErrorCode::unavailable);
  EXPECT_THAT(error.message, HasSubstr("jobs.db is locked by another process"));
  ASSERT_TRUE(other.execute("COMMIT"));
  EXPECT_NE(open_jobs(dir / "jobs.db"), nullptr);
}

TEST(BadDatabase, CommitWhileLockedIsUnavailableAndSucceedsLater) {
  const TempDir dir;
  const auto store = open_jobs(dir / "jobs.db");
  auto other = connect(dir / "jobs.db");
  ASSERT_TRUE(other.execute("BEGIN IMMEDIATE"));
  const Writes writes{AddJob{make_job(1)}};
  const Status status = store->commit(writes);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::unavailable);
  ASSERT_TRUE(other.execute("COMMIT"));
  commit(*store, writes);
  EXPECT_EQ(load(*store).last_job, 1u);
}

TEST(BadDatabase, ReadOnlyFileIsAnIoError) {
  const TempDir dir;
  ASSERT_NE(open_jobs(dir / "jobs.db"), nullptr);
  ::chmod(dir.path().c_str(), 0777);
  ::chmod((dir / "jobs.db").c_str(), 0444);
  const AsNobody user;
  const Error error = open_error(dir / "jobs.db");
  EXPECT_EQ(error.code, ErrorCode::io);
  EXPECT_THAT(error.message, HasSubstr("jobs.db is read-only: let this user write the file"));
}

TEST(BadDatabase, ReadOnlyDirectoryIsAnIoError) {
  const TempDir dir;
  ::chmod(dir.path().c_str(), 0555);
  Error error;
  {
    const AsNobody user;
    error = open_error(dir / "jobs.db");
  }
  ::chmod(dir.path().c_str(), 0755);
  EXPECT_EQ(error.code, ErrorCode::io);
  EXPECT_THAT(error.message, HasSubstr("cannot be opened: its directory must exist, and this user must be able"));
}

TEST(BadDatabase, MissingDirectoryIsAnIoError) {
  const TempDir dir;
  EXPECT_EQ(open_error(dir / "nowhere/jobs.db").code, ErrorCode::io);
}

TEST(BadDatabase, FileThatIsNoDatabaseIsCorruptAndLeftAlone) {
  const TempDir dir;
  const std::string text(8192, 'x');
  std::ofstream(dir / "jobs.db") << text;
  const Error error = open_error(dir / "jobs.db");
  EXPECT_EQ(error.code, ErrorCode::corrupt);
  EXPECT_THAT(error.message, HasSubstr("jobs.db is damaged"));
  std::stringstream found;
  found << std::ifstream(dir / "jobs.db").rdbuf();
  EXPECT_EQ(found.str(), text);
}

TEST(BadDatabase, DamagedPagesAreFoundWhenTheyAreRead) {
  const TempDir dir;
  {
    const auto store = open_jobs(dir / "jobs.db");
    Writes writes;
    for (JobId id = 1; id <= 200; ++id) writes.push_back(AddJob{make_job(id)});
    commit(*store, writes);
  }
  const auto size = std::filesystem::file_size(dir / "jobs.db");
  std::fstream file(dir / "jobs.db", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(size / 2));
  file << std::string(size / 2, '\x5A');
  file.close();
  auto store = SqliteJobStore::open(dir / "jobs.db");
  const Error error = store ? (*store)->load().error() : store.error();
  EXPECT_EQ(error.code, ErrorCode::corrupt);
  EXPECT_THAT(error.message, HasSubstr("jobs.db is damaged"));
}

TEST(BadDatabase, StateOfAnUnknownNameIsCorrupt) {
  const TempDir dir;
  auto store = open_jobs(dir / "jobs.db");
  commit(*store, {AddJob{make_job(1)}});
  ASSERT_TRUE(connect(dir / "jobs.db").execute("UPDATE progress_raw SET state = 'dreaming'"));
  const auto state = store->load();
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code, ErrorCode::corrupt);
  EXPECT_THAT(state.error().message, HasSubstr("'dreaming'"));
}

}  // namespace
}  // namespace bramble::aggregator
