// Metrics that bramble does not know (people's own sensors), in telemetry.db: values by name, hours of those that are
// gone. The writer's thread.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "aggregator/store/sqlite.hpp"

namespace bramble::aggregator {

class TelemetryOthers {
 public:
  static constexpr size_t kLeastNamesOfNode = 20;

  // max_names: so many names are stored, and of those that one node was the first to tell a quarter, or
  // kLeastNamesOfNode where that is more: so one node cannot take them all. Values of further ones are counted.
  TelemetryOthers(sqlite::Connection& connection, size_t max_names) : connection_(connection), max_names_(max_names) {}

  Status prepare();
  Status load();  // also after a transaction that made some names was rolled back

  // Within the caller's transaction.
  Status write(const std::vector<std::pair<std::string, double>>& values, int64_t ts_us, int64_t node_id);
  // What makes hours of the values up to that time, and deletes these. A part of an hour may come at a time.
  static std::string make_hours_sql(int64_t through_us);

  Result<bool> purge_hours(int64_t before_us, int64_t max_rows);  // true: there is more to delete
  Status purge_names(int64_t before_us);  // before which there are neither values nor hours any more

  uint64_t refused() const { return refused_; }
  void set_refused(uint64_t refused) { refused_ = refused; }  // as it was before what was rolled back

 private:
  struct Name {
    int64_t id = 0;
    int64_t node_id = 0;
    int64_t told_until_us = 0;
  };
  size_t max_names_of_node() const;
  Result<Name*> find_or_add(const std::string& metric, int64_t node_id);

  sqlite::Connection& connection_;
  const size_t max_names_;
  uint64_t refused_ = 0;
  std::unordered_map<std::string, Name> names_;
  std::unordered_map<int64_t, size_t> names_of_node_;
  sqlite::Statement insert_;
  sqlite::Statement add_;
  sqlite::Statement told_;
};

}  // namespace bramble::aggregator
