#include "aggregator/store/migrations.hpp"

#include <gtest/gtest.h>

#include "support/temp_dir.hpp"

namespace bramble::aggregator {
namespace {

constexpr std::string_view kFirst = "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1);";
constexpr std::string_view kSecond = "ALTER TABLE t ADD COLUMN b INTEGER NOT NULL DEFAULT 2; UPDATE t SET a = 10;";
constexpr std::string_view kBroken = "UPDATE t SET a = 99; CREATE TABLE t (a INTEGER);";

class Migrations : public testing::Test {
 protected:
  Migrations() : connection_(std::move(*sqlite::Connection::open(dir_ / "x.db", sqlite::OpenMode::read_write, 0))) {}
  int64_t ask(const std::string& sql) { return connection_.integer(sql).value(); }

  test::TempDir dir_;
  sqlite::Connection connection_;
};

TEST_F(Migrations, FreshDatabaseGetsEveryScriptInOrder) {
  const std::string_view scripts[] = {kFirst, kSecond};
  ASSERT_TRUE(migrate(connection_, scripts));
  EXPECT_EQ(ask("PRAGMA user_version"), 2);
  EXPECT_EQ(ask("SELECT a + b FROM t"), 12);
}

TEST_F(Migrations, OlderDatabaseKeepsItsRows) {
  const std::string_view scripts[] = {kFirst, kSecond};
  ASSERT_TRUE(migrate(connection_, Scripts(scripts, 1)));
  ASSERT_TRUE(connection_.execute("INSERT INTO t VALUES (7)"));
  ASSERT_TRUE(migrate(connection_, scripts));
  EXPECT_EQ(ask("SELECT count(*) FROM t WHERE a = 10 AND b = 2"), 2);
}

TEST_F(Migrations, CurrentDatabaseIsLeftAlone) {
  const std::string_view scripts[] = {kFirst};
  ASSERT_TRUE(migrate(connection_, scripts));
  ASSERT_TRUE(migrate(connection_, scripts));
  EXPECT_EQ(ask("SELECT count(*) FROM t"), 1);
}

TEST_F(Migrations, BrokenScriptLeavesTheVersionBeforeIt) {
  const std::string_view scripts[] = {kFirst, kBroken};
  EXPECT_FALSE(migrate(connection_, scripts));
  EXPECT_EQ(ask("PRAGMA user_version"), 1);
  EXPECT_EQ(ask("SELECT a FROM t"), 1);
  EXPECT_FALSE(connection_.in_transaction());
}

}  // namespace
}  // namespace bramble::aggregator
