#include "aggregator/store/sql_query.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "aggregator/store/telemetry_writer.hpp"
#include "support/readings.hpp"
#include "unit/store/store_builders.hpp"

namespace bramble::aggregator {
namespace {

using testing::HasSubstr;
using Kind = SqlValue::Kind;

class SqlQueryTest : public testing::Test {
 protected:
  void SetUp() override {
    jobs_ = open_jobs(dir_ / "jobs.db");
    commit(*jobs_, {AddJob{make_job(1)}});
    commit(*jobs_, task_life({1, 3}));
    TelemetryOptions options;
    options.commit_interval_ms = 3'600'000;
    auto writer = TelemetryWriter::open(dir_ / "telemetry.db", options);
    ASSERT_TRUE(writer) << writer.error().message;
    telemetry_ = std::move(*writer);
    query_ = std::make_unique<SqliteSqlQuery>(dir_ / "telemetry.db", dir_ / "jobs.db",
                                              [this] { (void)telemetry_->flush(); });
  }

  Result<SqlTable> ask(const std::string& sql, size_t max_rows = 100, int64_t time_limit_ms = 30'000) {
    return query_->sql(sql, max_rows, time_limit_ms, cancelled_);
  }
  std::string first_text(const std::string& sql) {
    const auto table = ask(sql);
    if (!table) return table.error().message;
    return table->rows.empty() ? "(no rows)" : table->rows[0][0].text;
  }
  Error error_of(const std::string& sql, size_t max_rows = 100) {
    const auto table = ask(sql, max_rows);
    return table ? Error{ErrorCode::invalid, "no error"} : table.error();
  }

  TempDir dir_;
  std::unique_ptr<SqliteJobStore> jobs_;
  std::unique_ptr<TelemetryWriter> telemetry_;
  std::unique_ptr<SqliteSqlQuery> query_;
  CancelFlag cancelled_;
};

TEST_F(SqlQueryTest, TellsNobodyOfTokens) {
  commit(*jobs_, {PutToken{{"ci", Role::operator_, "ada", std::string(64, 'a'), {1}, "root", {}}}});
  EXPECT_THAT(error_of("SELECT * FROM jobs.tokens_raw").message, HasSubstr("bramble token list"));
  for (const char* sql : {"SELECT sha256 FROM tokens_raw", "SELECT count(*) FROM jobs.tokens_raw",
                          "WITH t AS (SELECT * FROM Tokens_Raw) SELECT 1 FROM t"}) {
    EXPECT_EQ(error_of(sql).code, ErrorCode::denied) << sql;
  }
}

TEST_F(SqlQueryTest, SeesReadingsThatWereStillInMemory) {
  telemetry_->add({test::make_row(
      {.received_ms = 1'700'000'000'123, .values = {{"power_w", 3.25}, {"load1", 1}}, .power_measured = true})});
  const auto table = ask("SELECT node, time, power_w, power_measured, load5 FROM telemetry");
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_THAT(table->columns, testing::ElementsAre("node", "time", "power_w", "power_measured", "load5"));
  ASSERT_EQ(table->rows.size(), 1u);
  const auto& row = table->rows[0];
  EXPECT_EQ(row[0].text, "pi1");
  EXPECT_EQ(row[1].text, "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(row[2].text, "3.25");
  EXPECT_EQ(row[2].kind, Kind::real);
  EXPECT_EQ(row[3].text, "1");
  EXPECT_EQ(row[3].kind, Kind::integer);
  EXPECT_EQ(row[4].kind, Kind::null);
}

TEST_F(SqlQueryTest, SeesJobsWithAndWithoutTheirDatabasesName) {
  EXPECT_EQ(first_text("SELECT command FROM jobs.jobs WHERE job = 1"), "echo h\xC3\xA9llo ");
  EXPECT_EQ(first_text("SELECT state FROM tasks WHERE job = 1 AND task = 3"), "succeeded");
  EXPECT_EQ(first_text("SELECT text FROM outputs"), "ok\n");
  EXPECT_EQ(first_text("SELECT duration_s FROM attempts WHERE committed"), "1.5");
  EXPECT_EQ(first_text("SELECT count(*) FROM nodes"), "0");
}

TEST_F(SqlQueryTest, RefusesEverythingThatIsNoQuestion) {
  for (const std::string sql :
       {"INSERT INTO node_names VALUES (1, 'x')", "DELETE FROM jobs.jobs_raw", "UPDATE jobs.meta SET value = 0",
        "DROP TABLE telemetry_raw", "CREATE TABLE t (a)", "CREATE TEMP TABLE t (a)", "ATTACH '/tmp/x.db' AS x",
        "DETACH jobs", "PRAGMA user_version = 9", "PRAGMA journal_mode", "SELECT * FROM pragma_database_list", "BEGIN",
        "VACUUM INTO '/tmp/x.db'", "REINDEX", "SELECT load_extension('/tmp/x.so')",
        "WITH t AS (SELECT 1) INSERT INTO node_names SELECT 1, 'x' FROM t"}) {
    const Error error = error_of(sql);
    EXPECT_EQ(error.code, ErrorCode::denied) << sql << ": " << error.message;
  }
  EXPECT_EQ(load(*jobs_).term, 1u);
}

TEST_F(SqlQueryTest, TimeLimitEndsAQuestionWithoutEnd) {
  const auto table =
      ask("WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t", 10, 50);
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code, ErrorCode::limit);
  EXPECT_THAT(table.error().message, HasSubstr("took longer than 50ms: ask for less"));
}

TEST_F(SqlQueryTest, ACancelledQuestionEndsSoon) {
  cancelled_ = std::make_shared<std::atomic<bool>>(false);
  std::thread canceller([this] { *cancelled_ = true; });
  const auto table =
      ask("WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t", 10, 60'000);
  canceller.join();
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().message, "the question was cancelled");
}

TEST_F(SqlQueryTest, SaysWhatToDoInsteadOfChangingSomething) {
  EXPECT_THAT(error_of("delete from telemetry").message,
              testing::AllOf(HasSubstr("DELETE is refused"), HasSubstr("telemetry_raw_days")));
  EXPECT_THAT(error_of("SELECT load_extension('x')").message, HasSubstr("can only read tables"));
}

TEST_F(SqlQueryTest, ListsWhatCanBeAsked) {
  const auto tables = query_->tables();
  ASSERT_TRUE(tables) << tables.error().message;
  std::vector<std::string> names;
  for (const auto& row : tables->rows) names.push_back(row[0].text);
  EXPECT_THAT(names, testing::IsSupersetOf({"telemetry", "telemetry_hour", "telemetry_minute", "telemetry_other",
                                            "jobs.jobs", "jobs.attempts"}));
}

TEST_F(SqlQueryTest, RowLimitCutsAndSaysSo) {
  const std::string numbers = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT n FROM t";
  const auto cut = ask(numbers, 3);
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->rows.size(), 3u);
  EXPECT_TRUE(cut->truncated);
  const auto whole = ask(numbers + " LIMIT 3", 3);
  EXPECT_EQ(whole->rows.size(), 3u);
  EXPECT_FALSE(whole->truncated);
}

TEST_F(SqlQueryTest, ValueThatIsTooLargeIsALimit) {
  EXPECT_EQ(error_of("SELECT zeroblob(1000000000)").code, ErrorCode::limit);
}

TEST_F(SqlQueryTest, AnswerThatIsTooLargeIsALimit) {
  const Error error = error_of(
      "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT hex(zeroblob(100000)) FROM t", 1000);
  EXPECT_EQ(error.code, ErrorCode::limit);
  EXPECT_THAT(error.message, HasSubstr("larger than 64 MiB"));
}

TEST_F(SqlQueryTest, AnswerOfOneWideRowThatIsTooLargeIsALimit) {
  std::string columns = "h";
  for (int i = 1; i < 399; ++i) columns += ", h";
  EXPECT_EQ(error_of("SELECT " + columns + " FROM (SELECT hex(zeroblob(120000)) AS h)").code, ErrorCode::limit);
  EXPECT_FALSE(ask("SELECT " + columns + ", h, h FROM (SELECT 1 AS h)", 10));
}

// A function is not interrupted: what it is given must be small enough.
TEST_F(SqlQueryTest, NoFunctionGetsATextOverWhichItWouldTakeForEver) {
  const std::string long_text = "hex(zeroblob(400000))";
  EXPECT_EQ(error_of("SELECT instr(" + long_text + ", hex(zeroblob(200000)) || '1')").code, ErrorCode::limit);
  EXPECT_FALSE(ask("SELECT 'aaaaaaaa' LIKE '%' || hex(zeroblob(1000)) || '1'", 10));
}

TEST_F(SqlQueryTest, WrongNamesGetTheNearest) {
  EXPECT_EQ(error_of("SELECT * FROM telemetri").message, "no such table: telemetri: did you mean 'telemetry'?");
  EXPECT_EQ(error_of("SELECT powr_w FROM telemetry").message, "no such column: powr_w: did you mean 'power_w'?");
  EXPECT_EQ(error_of("SELECT t.stat FROM tasks t").message, "no such column: t.stat: did you mean 'state'?");
}

TEST_F(SqlQueryTest, WrongSqlIsInvalid) {
  EXPECT_EQ(error_of("SELEC 1").code, ErrorCode::invalid);
  EXPECT_THAT(error_of("SELEC 1").message, HasSubstr("syntax error"));
  EXPECT_THAT(error_of("  -- nothing").message, HasSubstr("there is no SQL"));
  EXPECT_THAT(error_of("SELECT 1; SELECT 2").message, HasSubstr("one statement at a time"));
  EXPECT_THAT(error_of("SELECT '\xFF'").message, HasSubstr("not UTF-8"));
  EXPECT_EQ(first_text("SELECT 1; -- the end\n;"), "1");
}

TEST_F(SqlQueryTest, BytesBecomeTextThatJsonCanCarry) {
  EXPECT_EQ(first_text("SELECT x'6162'"), "ab");
  EXPECT_EQ(first_text("SELECT x'61ff'"), "x'61ff'");
  EXPECT_EQ(first_text("SELECT CAST(x'61ff' AS TEXT)"), "a\xEF\xBF\xBD");
  const auto infinite = ask("SELECT 1e999");
  ASSERT_TRUE(infinite);
  EXPECT_EQ(infinite->rows[0][0].kind, Kind::text);
}

TEST_F(SqlQueryTest, MissingJobsDatabaseIsSaid) {
  SqliteSqlQuery query(dir_ / "telemetry.db", dir_ / "elsewhere.db", [] {});
  const auto table = query.sql("SELECT 1", 1, 1000, {});
  ASSERT_FALSE(table);
  EXPECT_THAT(table.error().message, HasSubstr("elsewhere.db"));
}

}  // namespace
}  // namespace bramble::aggregator
