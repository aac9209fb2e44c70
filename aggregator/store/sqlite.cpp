#include "aggregator/store/sqlite.hpp"

#include <sqlite3.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace bramble::aggregator::sqlite {
namespace {

std::string file_name(sqlite3* database) {
  const char* path = database == nullptr ? nullptr : sqlite3_db_filename(database, "main");
  return path == nullptr || *path == '\0' ? "the database" : std::filesystem::path(path).filename().string();
}

bool is_disk_full(sqlite3* database, int code) {
  if (code == SQLITE_FULL) return true;
  const int cause = database == nullptr ? 0 : sqlite3_system_errno(database);
  return code == SQLITE_IOERR && (cause == ENOSPC || cause == EDQUOT);
}

Error io_error(sqlite3* database, const std::string& name) {
  const int cause = database == nullptr ? 0 : sqlite3_system_errno(database);
  const std::string why = cause == 0 ? sqlite3_errmsg(database) : std::strerror(cause);
  return {ErrorCode::io, name + ": the disk failed (" + why + "): check the disk, then restart"};
}

}  // namespace

Error describe_error(sqlite3* database, int code) {
  const std::string name = file_name(database);
  const int primary = code & 0xFF;
  if (is_disk_full(database, primary)) {
    return {ErrorCode::unavailable, name + ": the disk is full: make room"};
  }
  switch (primary) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorCode::unavailable, name + " is locked by another process: end the program that has it open"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {ErrorCode::corrupt, name + " is damaged (" + sqlite3_errstr(primary) +
                                      "): restore a backup, or move it away to start with an empty one"};
    case SQLITE_READONLY:
      return {ErrorCode::io, name + " is read-only: let this user write the file and its directory"};
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return {ErrorCode::io,
              name + " cannot be opened: its directory must exist, and this user must be able to write it"};
    case SQLITE_IOERR:
      return io_error(database, name);
    case SQLITE_NOMEM:
      return {ErrorCode::unavailable, name + ": out of memory"};
    case SQLITE_INTERRUPT:
    case SQLITE_TOOBIG:
      return {ErrorCode::limit, std::string(sqlite3_errstr(primary))};
    default:
      return {ErrorCode::invalid, database == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(database)};
  }
}

// --- Statement
// --------------------------------------------------------------------------------------------------------

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Result<bool> Statement::step() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  const bool done = code == SQLITE_DONE;
  Error error;
  if (!done) error = describe_error(sqlite3_db_handle(handle_.get()), code);
  reset();
  if (done) return false;
  return tl::unexpected<Error>(std::move(error));
}

Status Statement::finish() {
  while (true) {
    const auto row = step();
    if (!row) return tl::unexpected<Error>(row.error());
    if (!*row) return {};
  }
}

void Statement::reset() { sqlite3_reset(handle_.get()); }

bool Statement::is_null(int column) const { return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL; }
int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_.get(), column); }
double Statement::real(int column) const { return sqlite3_column_double(handle_.get(), column); }

std::string_view Statement::text(int column) const {
  const void* bytes = sqlite3_column_blob(handle_.get(), column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(handle_.get(), column));
  return bytes == nullptr ? std::string_view{} : std::string_view(static_cast<const char*>(bytes), size);
}

// A failing bind is a wrong index or no memory; the step that follows then fails or finds NULL where the schema has
// NOT NULL.
void Statement::bind_integer(int index, int64_t value) { sqlite3_bind_int64(handle_.get(), index, value); }
void Statement::bind_real(int index, double value) { sqlite3_bind_double(handle_.get(), index, value); }
void Statement::bind_null(int index) { sqlite3_bind_null(handle_.get(), index); }

void Statement::bind_text(int index, std::string_view value) {
  // An empty view may have no address, which would bind NULL.
  const char* bytes = value.empty() ? "" : value.data();
  sqlite3_bind_text64(handle_.get(), index, bytes, value.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void Statement::bind_blob(int index, Blob value) {
  const char* bytes = value.bytes.empty() ? "" : value.bytes.data();
  sqlite3_bind_blob64(handle_.get(), index, bytes, value.bytes.size(), SQLITE_STATIC);
}

// --- Connection
// -------------------------------------------------------------------------------------------------------

void Connection::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Result<Connection> Connection::open(const std::string& path, OpenMode mode, int busy_timeout_ms) {
  const int access = mode == OpenMode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &handle, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  Connection connection(handle);
  if (code != SQLITE_OK) return tl::unexpected<Error>(describe_error(handle, code));
  // SQLite opens a file that it may not write for reading only, and would say so at the first write.
  if (mode == OpenMode::read_write && sqlite3_db_readonly(handle, "main") == 1) {
    return tl::unexpected<Error>(describe_error(handle, SQLITE_READONLY));
  }
  sqlite3_busy_timeout(handle, busy_timeout_ms);
  return connection;
}

Result<Statement> Connection::prepare(std::string_view sql, const char** rest) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v3(raw(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, rest);
  if (code != SQLITE_OK) return tl::unexpected<Error>(describe_error(raw(), code));
  return Statement(statement);
}

Status Connection::execute(const std::string& sql) {
  const int code = sqlite3_exec(raw(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return tl::unexpected<Error>(describe_error(raw(), code));
  return {};
}

Result<int64_t> Connection::integer(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return tl::unexpected<Error>(statement.error());
  const auto row = statement->step();
  if (!row) return tl::unexpected<Error>(row.error());
  return *row ? statement->integer(0) : 0;
}

int Connection::changes() const { return sqlite3_changes(raw()); }
bool Connection::in_transaction() const { return sqlite3_get_autocommit(raw()) == 0; }
std::string Connection::name() const { return file_name(raw()); }

// --- Transaction
// ------------------------------------------------------------------------------------------------------

Result<Transaction> Transaction::begin(Connection& connection) {
  if (Status status = connection.execute("BEGIN IMMEDIATE"); !status) return tl::unexpected<Error>(status.error());
  return Transaction(&connection);
}

Transaction::~Transaction() {
  // SQLite itself has rolled back after some errors (disk full among them).
  if (connection_ != nullptr && connection_->in_transaction()) (void)connection_->execute("ROLLBACK");
}

Status Transaction::commit() { return connection_->execute("COMMIT"); }

}  // namespace bramble::aggregator::sqlite
