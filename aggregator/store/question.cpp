#include "aggregator/store/question.hpp"

#include <sqlite3.h>

#include "common/base/duration.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::aggregator {
namespace {

constexpr int kStepsBetweenClockReadings = 1000;
constexpr int kMaxSqlBytes = 100'000;
// Functions are not interrupted, and some take the square of a text's length: instr() of this much takes half a second.
constexpr int kMaxValueBytes = 256 << 10;
constexpr int kMaxPatternBytes = 1'000;  // of LIKE and GLOB, likewise
constexpr int kMaxColumns = 400;

}  // namespace

Result<std::unique_ptr<Question>> Question::begin(const std::string& telemetry_path, const std::string& jobs_path,
                                                  int64_t time_limit_ms, CancelFlag cancelled) {
  auto connection = sqlite::Connection::open(telemetry_path, sqlite::OpenMode::read_only, sqlite::kReaderBusyTimeoutMs);
  if (!connection) return fail(connection.error());
  if (!jobs_path.empty()) {
    auto attach = connection->prepare("ATTACH DATABASE ? AS jobs");  // read-only as well: it inherits the mode
    if (!attach) return fail(attach.error());
    if (Status status = attach->run(jobs_path); !status) return in_context(jobs_path, status.error());
  }
  return std::unique_ptr<Question>(new Question(std::move(*connection), time_limit_ms, std::move(cancelled)));
}

Question::Question(sqlite::Connection connection, int64_t time_limit_ms, CancelFlag cancelled)
    : connection_(std::move(connection)),
      time_limit_ms_(time_limit_ms),
      deadline_(posix::mono_now() + time_limit_ms),
      cancelled_(std::move(cancelled)) {
  sqlite3* database = connection_.raw();
  sqlite3_limit(database, SQLITE_LIMIT_SQL_LENGTH, kMaxSqlBytes);
  sqlite3_limit(database, SQLITE_LIMIT_LENGTH, kMaxValueBytes);
  sqlite3_limit(database, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, kMaxPatternBytes);
  sqlite3_limit(database, SQLITE_LIMIT_COLUMN, kMaxColumns);
  sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  const auto is_over = [](void* self) { return static_cast<const Question*>(self)->must_end() ? 1 : 0; };
  sqlite3_progress_handler(database, kStepsBetweenClockReadings, is_over, this);
}

bool Question::must_end() const { return (cancelled_ && *cancelled_) || posix::mono_now() > deadline_; }

Error Question::explain(Error error) const {
  const bool interrupted = sqlite3_errcode(connection_.raw()) == SQLITE_INTERRUPT || error.code == ErrorCode::limit;
  if (!interrupted || !must_end()) return error;
  if (cancelled_ && *cancelled_) return {ErrorCode::limit, "the question was cancelled"};
  return {ErrorCode::limit, "the question took longer than " + format_duration(time_limit_ms_) +
                                ": ask for less (in SQL, for example, by time_us), or raise time_limit_ms"};
}

}  // namespace bramble::aggregator
