// SQL from people, answered read-only: telemetry.db, with jobs.db attached as "jobs".
#pragma once

#include <functional>
#include <string>

#include "aggregator/core/store.hpp"

namespace bramble::aggregator {

// Thread-safe: a connection of its own for each question. Nothing can be written, attached, or set; one statement at a
// time; the size of a value and of the whole answer is limited.
class SqliteSqlQuery final : public SqlQuery {
 public:
  // flush_telemetry: called before each question, so that it sees new readings; its errors are not the asker's.
  SqliteSqlQuery(std::string telemetry_path, std::string jobs_path, std::function<void()> flush_telemetry);

  // Errors: invalid (the SQL is wrong; names the nearest table or column), limit (too slow, too large), denied (it is
  // no question).
  Result<SqlTable> sql(const std::string& text, size_t max_rows, int64_t time_limit_ms,
                       const CancelFlag& cancelled) override;
  Result<SqlTable> tables() override;

 private:
  const std::string telemetry_path_;
  const std::string jobs_path_;
  const std::function<void()> flush_telemetry_;
};

}  // namespace bramble::aggregator
