// A read-only connection for one question: telemetry.db, with jobs.db attached as "jobs" where its path is given, a
// time limit, and a flag by which whoever asked can end it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "aggregator/core/store.hpp"
#include "aggregator/store/sqlite.hpp"
#include "common/base/clock.hpp"

namespace bramble::aggregator {

class Question {
 public:
  static Result<std::unique_ptr<Question>> begin(const std::string& telemetry_path, const std::string& jobs_path,
                                                 int64_t time_limit_ms, CancelFlag cancelled);

  sqlite::Connection& connection() { return connection_; }

  // Why it was ended, if it was; else the error as it is.
  Error explain(Error error) const;

 private:
  Question(sqlite::Connection connection, int64_t time_limit_ms, CancelFlag cancelled);
  bool must_end() const;

  sqlite::Connection connection_;
  const int64_t time_limit_ms_;
  const MonoTime deadline_;
  const CancelFlag cancelled_;
};

}  // namespace bramble::aggregator
