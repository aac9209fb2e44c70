#include "aggregator/store/sql_query.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <vector>

#include "aggregator/store/question.hpp"
#include "common/base/nearest.hpp"
#include "common/base/utf8.hpp"

namespace bramble::aggregator {
namespace {

constexpr int64_t kTablesMs = 5000;
constexpr size_t kMaxTables = 1000;
constexpr size_t kMaxAnswerBytes = size_t{64} << 20;

// Reading, and calling functions, is all that a question does. SQLite's own pragma_... tables come here as PRAGMA.
// Who may only look is not told who holds tokens, nor their digests.
int authorize(void*, int action, const char* table, const char* function, const char*, const char*) {
  if (action == SQLITE_READ && std::strcmp(table, "tokens_raw") == 0) return SQLITE_DENY;
  if (action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_RECURSIVE) return SQLITE_OK;
  const bool harmless = action == SQLITE_FUNCTION && std::strcmp(function, "load_extension") != 0;
  return harmless ? SQLITE_OK : SQLITE_DENY;
}

// --- what is wrong with the SQL
// ---------------------------------------------------------------------------------------

std::vector<std::string> names(sqlite::Connection& connection, bool columns) {
  const std::string tables =
      "SELECT name, 'main' AS home FROM main.sqlite_schema WHERE type IN ('table', 'view') "
      "UNION ALL SELECT name, 'jobs' FROM jobs.sqlite_schema WHERE type IN ('table', 'view')";
  auto statement = connection.prepare(
      columns ? "SELECT c.name FROM (" + tables + ") t JOIN pragma_table_info(t.name, t.home) c" : tables);
  std::vector<std::string> found;
  if (!statement) return found;
  (void)statement->each([&](const sqlite::Statement& row) -> Status {
    found.push_back(row.string(0));
    return {};
  });
  return found;
}

// "no such column: load" -> "..., did you mean 'load1'?"
std::string suggestion(sqlite::Connection& connection, const std::string& message) {
  const bool table = message.starts_with("no such table: ");
  if (!table && !message.starts_with("no such column: ")) return "";
  const std::string word = message.substr(message.find_last_of(": .") + 1);
  sqlite3_set_authorizer(connection.raw(), nullptr, nullptr);
  const auto known = nearest(word, names(connection, !table));
  return known ? ": did you mean '" + *known + "'?" : "";
}

// "DELETE FROM ..." -> "DELETE". In upper case.
std::string first_word(const std::string& text) {
  std::string word;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !word.empty()) break;
    if (letter) word += static_cast<char>(c & ~0x20);
  }
  return word;
}

bool changes_something(const std::string& word) {
  static const std::set<std::string> kWords = {"ALTER",   "ANALYZE", "ATTACH",   "BEGIN",     "COMMIT", "CREATE",
                                               "DELETE",  "DETACH",  "DROP",     "INSERT",    "PRAGMA", "REINDEX",
                                               "RELEASE", "REPLACE", "ROLLBACK", "SAVEPOINT", "UPDATE", "VACUUM"};
  return kWords.contains(word);
}

tl::unexpected<Error> explain(Question& question, Error error, const std::string& text) {
  sqlite::Connection& connection = question.connection();
  const std::string word = first_word(text);
  if (changes_something(word)) {
    return fail(ErrorCode::denied,
                "nothing can be changed by a question, so " + word +
                    " is refused: write one SELECT (bramble query --tables lists what there is); old "
                    "readings go by telemetry_raw_days, jobs by bramble job forget");
  }
  if (error.message.find("tokens_raw") != std::string::npos) {
    return fail(ErrorCode::denied, "tokens are not asked about in SQL: bramble token list shows them to operators");
  }
  // Refused functions and pragma_... tables are plain errors to SQLite.
  if (sqlite3_errcode(connection.raw()) == SQLITE_AUTH || error.message.starts_with("not authorized")) {
    return fail(ErrorCode::denied,
                "a question can only read tables and call plain functions: this one would set or change something (" +
                    error.message + ")");
  }
  if (error.code == ErrorCode::invalid) error.message += suggestion(connection, error.message);
  return tl::unexpected<Error>(question.explain(std::move(error)));
}

// --- the answer
// -------------------------------------------------------------------------------------------------------

std::string hex_literal(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "x'";
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    text += kDigits[value >> 4];
    text += kDigits[value & 15];
  }
  return text + "'";
}

// Text that JSON can carry, whatever the bytes.
SqlValue read_value(const sqlite::Statement& row, int column) {
  switch (sqlite3_column_type(row.raw(), column)) {
    case SQLITE_NULL:
      return {SqlValue::Kind::null, ""};
    case SQLITE_INTEGER:
      return {SqlValue::Kind::integer, std::to_string(row.integer(column))};
    case SQLITE_FLOAT: {
      const bool finite = std::isfinite(row.real(column));
      return {finite ? SqlValue::Kind::real : SqlValue::Kind::text, row.string(column)};
    }
    case SQLITE_BLOB:
      if (!is_utf8(row.text(column))) return {SqlValue::Kind::text, hex_literal(row.text(column))};
      return {SqlValue::Kind::text, row.string(column)};
    default:
      return {SqlValue::Kind::text, to_utf8(row.text(column), std::numeric_limits<size_t>::max())};
  }
}

// Fills the table; its error is explained by the caller.
Status read_answer(sqlite::Statement& statement, size_t max_rows, SqlTable& table) {
  const int width = sqlite3_column_count(statement.raw());
  for (int column = 0; column < width; ++column) {
    table.columns.emplace_back(sqlite3_column_name(statement.raw(), column));
  }
  size_t bytes = 0;
  while (true) {
    const auto row = statement.step();
    if (!row) return fail(row.error());
    if (!*row) return {};
    table.truncated = table.rows.size() >= max_rows;
    if (table.truncated) return {};
    auto& values = table.rows.emplace_back();
    for (int column = 0; column < width; ++column) {
      values.push_back(read_value(statement, column));
      bytes += values.back().text.size() + sizeof(SqlValue);
      if (bytes > kMaxAnswerBytes) {
        return fail(ErrorCode::limit, "the answer is larger than " + std::to_string(kMaxAnswerBytes >> 20) +
                                          " MiB: ask for fewer rows or columns");
      }
    }
  }
}

// True when something other than blanks, comments and semicolons follows the first statement.
bool has_more(sqlite3* database, const char* rest) {
  sqlite3_stmt* next = nullptr;
  const int code = sqlite3_prepare_v2(database, rest, -1, &next, nullptr);
  const bool more = code != SQLITE_OK || next != nullptr;
  sqlite3_finalize(next);
  return more;
}

}  // namespace

SqliteSqlQuery::SqliteSqlQuery(std::string telemetry_path, std::string jobs_path, std::function<void()> flush_telemetry)
    : telemetry_path_(std::move(telemetry_path)),
      jobs_path_(std::move(jobs_path)),
      flush_telemetry_(std::move(flush_telemetry)) {}

Result<SqlTable> SqliteSqlQuery::sql(const std::string& text, size_t max_rows, int64_t time_limit_ms,
                                     const CancelFlag& cancelled) {
  if (!is_utf8(text) || text.find('\0') != std::string::npos) return fail("the SQL is not UTF-8 text");
  flush_telemetry_();
  auto begun = Question::begin(telemetry_path_, jobs_path_, time_limit_ms, cancelled);
  if (!begun) return fail(begun.error());
  Question& question = **begun;
  sqlite3* database = question.connection().raw();
  sqlite3_set_authorizer(database, authorize, nullptr);

  const char* rest = nullptr;
  auto statement = question.connection().prepare(text, &rest);
  if (!statement) return explain(question, statement.error(), text);
  if (statement->raw() == nullptr) return fail("there is no SQL: ask for example SELECT * FROM telemetry LIMIT 10");
  if (has_more(database, rest)) return fail("one statement at a time: leave out what follows the first semicolon");

  SqlTable table;
  Status status = read_answer(*statement, max_rows, table);
  if (!status) return explain(question, status.error(), text);
  return table;
}

// The views, and the tables that are for people as they are.
Result<SqlTable> SqliteSqlQuery::tables() {
  auto begun = Question::begin(telemetry_path_, jobs_path_, kTablesMs, {});
  if (!begun) return fail(begun.error());
  auto statement = (*begun)->connection().prepare(
      "SELECT iif(home = 'jobs', 'jobs.', '') || t.name, group_concat(c.name, ' ') FROM ("
      "SELECT name, 'main' AS home FROM main.sqlite_schema WHERE type = 'view' UNION ALL "
      "SELECT name, 'jobs' FROM jobs.sqlite_schema WHERE type = 'view') t JOIN pragma_table_info(t.name, t.home) c "
      "GROUP BY home, t.name ORDER BY home DESC, t.name");
  if (!statement) return fail(statement.error());
  SqlTable table;
  Status status = read_answer(*statement, kMaxTables, table);
  if (!status) return fail(status.error());
  table.columns = {"table", "columns"};
  return table;
}

}  // namespace bramble::aggregator
