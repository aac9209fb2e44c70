// What keeps it from starting is one sentence that says what to do.
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/mount.h>

#include <fstream>

#include "fixture.hpp"

namespace bramble::test {
namespace {

using testing::HasSubstr;

class AggregatorStart : public AggregatorTest {
 protected:
  // What it says before it gives up.
  std::string complaint(const std::string& text) {
    AggregatorProcess aggregator(dir_.path(), text);
    aggregator.start();
    EXPECT_EQ(aggregator.wait_for_end().code, 1);
    return aggregator.log();
  }
  std::string complaint_with(const std::string& more) { return complaint(config(state_, kNoBroker, more)); }

  // A state directory that an aggregator has used.
  void use_state() {
    AggregatorProcess aggregator(dir_.path(), config(state_, kNoBroker));
    aggregator.start();
    aggregator.wait_logged("the aggregator is up");
    EXPECT_TRUE(aggregator.stop().success());
  }

  void run_sql(const std::string& sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open((state_ + "/jobs.db").c_str(), &database), SQLITE_OK);
    char* error = nullptr;
    sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &error);
    EXPECT_EQ(error, nullptr) << error;
    sqlite3_close(database);
  }

  static constexpr const char* kNoBroker = "tcp://127.0.0.1:1";
  const std::string state_ = dir_ / "state";
};

TEST_F(AggregatorStart, NamesTheNearestKnownKeyAndTheLine) {
  const std::string said = complaint("cluster = \"x\"\nbroker_uri = \"tcp://x:1\"\n");
  EXPECT_THAT(said, HasSubstr("broker_uri"));
  EXPECT_THAT(said, HasSubstr("broker_url"));
  EXPECT_THAT(said, HasSubstr(":2"));
}

TEST_F(AggregatorStart, SaysWhichFileIsMissing) {
  EXPECT_THAT(complaint_with("broker_password_file = \"/nonexistent/secret\"\n"), HasSubstr("/nonexistent/secret"));
}

TEST_F(AggregatorStart, ABrokerUrlThatCouldNeverWorkIsRefused) {
  EXPECT_THAT(complaint(config(state_, "head.local:1883")), HasSubstr("is not of the form tcp://HOST:PORT"));
}

TEST_F(AggregatorStart, AListOfUsersThatNamesNobodyIsRefused) {
  EXPECT_THAT(complaint_with("[access]\nsubmitters = [\"ada, eve\"]\n"), HasSubstr("[access] submitters: 'ada, eve'"));
  EXPECT_THAT(complaint_with("[access]\nsubmiters = []\n"), HasSubstr("did you mean 'submitters'"));
}

TEST_F(AggregatorStart, ALeaseBelowTheFloorIsRefusedWithTheFloor) {
  EXPECT_THAT(complaint_with("lease_ms = 5000\n"), HasSubstr("lease_ms must be at least 10250"));
  EXPECT_THAT(complaint_with("loss_ms = 60000\nlease_ms = 20000\n"), HasSubstr("lease_ms must be at least 61000"));
}

TEST_F(AggregatorStart, SaysWhichPortIsInUse) {
  const Mosquitto taken;
  std::ofstream(dir_ / "token") << "0123456789abcdef0123456789abcdef\n";
  const std::string address = "127.0.0.1:" + std::to_string(taken.port());
  const std::string said =
      complaint_with("tcp_listen = \"" + address + "\"\ntoken_file = \"" + (dir_ / "token") + "\"\n");
  EXPECT_THAT(said, HasSubstr(address + ": the port is in use"));
}

TEST_F(AggregatorStart, EndsOnATermSignalWithItsDatabasesClosed) {
  use_state();
  EXPECT_FALSE(std::filesystem::exists(state_ + "/jobs.db-wal"));
  EXPECT_FALSE(std::filesystem::exists(state_ + "/telemetry.db-wal"));
}

TEST_F(AggregatorStart, TwoOnOneStateDirectoryAreRefused) {
  AggregatorProcess first(dir_ / "first", config(state_, kNoBroker));
  first.start();
  first.wait_logged("the aggregator is up");
  EXPECT_THAT(complaint_with(""), HasSubstr("another aggregator uses " + state_));
}

TEST_F(AggregatorStart, ADatabaseFromANewerVersionIsLeftAlone) {
  use_state();
  run_sql("PRAGMA user_version = 999");
  const std::string said = complaint_with("");
  EXPECT_THAT(said, HasSubstr("jobs.db"));
  EXPECT_THAT(said, HasSubstr("newer"));
}

TEST_F(AggregatorStart, ADamagedDatabaseIsSaid) {
  use_state();
  std::ofstream(state_ + "/jobs.db", std::ios::binary | std::ios::trunc) << std::string(20'000, 'x');
  EXPECT_THAT(complaint_with(""), HasSubstr("jobs.db"));
}

TEST_F(AggregatorStart, ADatabaseThatAnotherProgramLocksIsSaid) {
  use_state();
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open((state_ + "/jobs.db").c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), 0);
  const std::string said = complaint_with("");
  sqlite3_close(other);
  EXPECT_THAT(said, HasSubstr("jobs.db"));
  EXPECT_THAT(said, HasSubstr("lock"));
}

TEST_F(AggregatorStart, AReadOnlyFileSystemIsSaid) {
  use_state();
  if (::mount(state_.c_str(), state_.c_str(), "", MS_BIND, nullptr) != 0) GTEST_SKIP() << "mounting is not permitted";
  ASSERT_EQ(::mount("", state_.c_str(), "", MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr), 0);
  const std::string said = complaint_with("");
  ::umount2(state_.c_str(), MNT_DETACH);
  EXPECT_THAT(said, HasSubstr(state_));
  EXPECT_THAT(said, HasSubstr("ead-only file system"));
}

}  // namespace
}  // namespace bramble::test
