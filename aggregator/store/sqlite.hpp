// SQLite as values with owners: a connection, a prepared statement, a transaction. Errors are Status, never exceptions.
//
// A connection and its statements belong to one thread at a time. Statements must be destroyed before their connection.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "common/base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace bramble::aggregator::sqlite {

// What SQLite says about its last failure, as one sentence with what to do. Codes: unavailable (disk full, locked: the
// same may be tried again), corrupt (damaged), io (read-only, cannot be opened, disk errors), limit (interrupted, too
// big), invalid (the SQL or its values are wrong).
Error describe_error(sqlite3* database, int code);

// Whether the same may be written when what is wrong with the disk or the file has passed; else it never can be.
constexpr bool may_work_later(const Error& error) {
  return error.code == ErrorCode::unavailable || error.code == ErrorCode::io || error.code == ErrorCode::corrupt;
}

struct Blob {
  std::string_view bytes;
};

class Statement {
 public:
  Statement() = default;

  // Binds every argument and steps to the end, ready to be used again. For statements whose rows do not matter.
  template <typename... Args>
  Status run(const Args&... args) {
    bind_all(args...);
    return finish();
  }

  // Binds every argument and calls on_row(statement) -> Status for each row, until one fails.
  template <typename OnRow, typename... Args>
  Status each(OnRow&& on_row, const Args&... args) {
    bind_all(args...);
    while (true) {
      const auto row = step();
      if (!row) return tl::unexpected<Error>(row.error());
      if (!*row) break;
      if (Status status = on_row(*this); !status) {
        reset();
        return status;
      }
    }
    return {};
  }

  // One value by its place, from 1, where the number of values is known only at run time; then run_bound(), or step().
  template <typename Value>
  void bind_at(int index, const Value& value) {
    bind(index, value);
  }
  Status run_bound() { return finish(); }

  Result<bool> step();  // true: there is a row. After the last row, or an error, the statement is reset.
  void reset();

  // Columns of the current row, from 0. Views are valid until the next step.
  bool is_null(int column) const;
  int64_t integer(int column) const;
  double real(int column) const;
  std::string_view text(int column) const;  // blobs too

  uint64_t natural(int column) const { return static_cast<uint64_t>(integer(column)); }
  uint32_t natural32(int column) const { return static_cast<uint32_t>(integer(column)); }
  std::string string(int column) const { return std::string(text(column)); }

  sqlite3_stmt* raw() const { return handle_.get(); }

 private:
  friend class Connection;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };

  explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}

  template <typename... Args>
  void bind_all(const Args&... args) {
    [[maybe_unused]] int index = 0;
    (bind(++index, args), ...);
  }

  template <typename Value>
  void bind(int index, const Value& value) {
    if constexpr (std::is_floating_point_v<Value>) {
      bind_real(index, value);
    } else if constexpr (std::is_integral_v<Value>) {
      bind_integer(index, static_cast<int64_t>(value));
    } else if constexpr (std::is_floating_point_v<Value>) {
      bind_real(index, static_cast<double>(value));
    } else if constexpr (std::is_convertible_v<Value, std::string_view>) {
      bind_text(index, value);
    } else {
      bind_blob(index, value);
    }
  }
  template <typename Value>
  void bind(int index, const std::optional<Value>& value) {
    value ? bind(index, *value) : bind_null(index);
  }

  void bind_integer(int index, int64_t value);
  void bind_real(int index, double value);
  void bind_text(int index, std::string_view value);  // must outlive the step
  void bind_blob(int index, Blob value);              // must outlive the step
  void bind_null(int index);
  Status finish();

  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

// How long who only reads waits for a writer that holds the database.
inline constexpr int kReaderBusyTimeoutMs = 2000;

enum class OpenMode { read_write, read_only };

class Connection {
 public:
  // read_write makes the file where there is none. busy_timeout_ms: how long to wait for another's lock.
  static Result<Connection> open(const std::string& path, OpenMode mode, int busy_timeout_ms);

  // Only the first statement of `sql`; *rest is set to what follows it. Empty SQL gives a statement without raw().
  Result<Statement> prepare(std::string_view sql, const char** rest = nullptr);
  Status execute(const std::string& sql);         // one or more statements without values
  Result<int64_t> integer(std::string_view sql);  // the first column of the first row

  int changes() const;  // rows that the last statement changed
  bool in_transaction() const;
  std::string name() const;  // the file's name without its folder, for messages
  sqlite3* raw() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };

  explicit Connection(sqlite3* handle) : handle_(handle) {}

  std::unique_ptr<sqlite3, Close> handle_;
};

// Takes the write lock at once, so that a commit cannot find it taken halfway. Rolls back unless committed.
class Transaction {
 public:
  static Result<Transaction> begin(Connection& connection);
  Transaction(Transaction&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  Status commit();

 private:
  explicit Transaction(Connection* connection) : connection_(connection) {}
  Connection* connection_;
};

}  // namespace bramble::aggregator::sqlite
