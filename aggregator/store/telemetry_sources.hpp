// Nodes and lives of their agents as the small numbers that readings carry. A cache over node_names and sources.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "aggregator/store/rollup.hpp"
#include "aggregator/store/sqlite.hpp"

namespace bramble::aggregator {

struct Source {
  int64_t node_id = 0;
  Life life;
};

// One thread's. forget() after a transaction that made some was rolled back.
class TelemetrySources {
 public:
  Status prepare(sqlite::Connection& connection);
  Status prepare_reading(sqlite::Connection& connection);  // for source() alone

  // Makes what is not there yet.
  Result<int64_t> node_id(const std::string& node);
  Result<int64_t> source_id(const std::string& node, uint64_t run, bool power_measured, uint64_t number);
  Result<Source> source(int64_t source_id);
  // A reading of it was written; within the caller's transaction. Written down once an hour.
  Status told(int64_t source_id, int64_t ts_us);

  // Deletes those of the next max_sources that told nothing at or after before_us (before which there are no readings
  // any more) and whose last minute is gone or was another's. True: there are more to look at.
  Result<bool> purge(int64_t before_us, int64_t max_sources);
  void forget();

 private:
  struct Key {
    std::string node;
    uint64_t run;
    bool power_measured;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    size_t operator()(const Key& key) const {
      return std::hash<std::string>{}(key.node) ^ std::hash<uint64_t>{}(key.run * 2 + (key.power_measured ? 1 : 0));
    }
  };

  sqlite::Connection* connection_ = nullptr;
  sqlite::Statement add_node_;
  sqlite::Statement find_node_;
  sqlite::Statement add_source_;
  sqlite::Statement find_source_;
  sqlite::Statement read_source_;
  sqlite::Statement told_;
  std::unordered_map<std::string, int64_t> node_ids_;
  std::unordered_map<Key, int64_t, Hash> source_ids_;
  std::unordered_map<int64_t, Source> sources_;
  std::unordered_map<int64_t, int64_t> told_until_us_;  // by the source's id
  int64_t looked_through_ = 0;                          // by purge()
};

}  // namespace bramble::aggregator
