// What request bodies say, checked: any bytes become a value or one clear sentence. Pure; no socket, no store.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "aggregator/core/api.hpp"
#include "common/base/node_set.hpp"
#include "common/base/result.hpp"
#include "common/base/selector.hpp"

namespace bramble::aggregator::http {

// Limits of a submission. argv and env together must fit in one message to an agent, with room to spare for what JSON
// makes of control characters.
inline constexpr size_t kMaxArguments = 4096;
inline constexpr size_t kMaxVariables = 4096;
inline constexpr size_t kMaxCommandBytes = 128 << 10;  // argv and env together
inline constexpr size_t kMaxJobNameBytes = 200;
inline constexpr size_t kMaxResources = 32;
inline constexpr uint32_t kMaxCpus = 4096;
inline constexpr uint64_t kMaxBytes = uint64_t{1} << 50;  // memory, caps
inline constexpr int64_t kMaxTimeLimitMs = int64_t{366} * 24 * 3600 * 1000;
inline constexpr int64_t kMaxKillGraceMs = 3600 * 1000;
inline constexpr int32_t kMaxPriority = 1'000'000;  // and as far below 0
inline constexpr uint32_t kMaxRetries = 1000;
inline constexpr uint64_t kMaxTasks = 100'000'000;
inline constexpr size_t kMaxAppendedTasks = 1000;
inline constexpr size_t kMaxGatheredParts = 200'000;
inline constexpr uint64_t kMaxGatheredBytes = uint64_t{64} << 30;  // one node reads them as one input
inline constexpr size_t kMaxNodeSetBytes = 64 << 10;
inline constexpr size_t kMaxSqlBytes = 64 << 10;
inline constexpr uint64_t kMaxSqlRows = 100'000;
inline constexpr int64_t kMaxSqlMs = 60'000;
inline constexpr size_t kMaxReasonBytes = 1000;
inline constexpr int64_t kMaxTokenLifetimeS = int64_t{3660} * 24 * 3600;

struct Cancellation {
  JobSelector jobs;
};

struct Forgetting {
  JobSelector jobs;
};

struct Retrying {
  JobSelector jobs;
  bool all = false;  // what succeeded too
};

// A blob made of pieces of the outputs of one job's tasks.
struct Gathering {
  struct Part {
    TaskIndex task = 0;
    uint64_t offset = 0;
    uint64_t size_bytes = 0;
  };

  JobId job = 0;
  std::vector<Part> parts;
};

struct Draining {
  NodeSet nodes;
  std::string reason;
};

struct Adding {
  std::string node;
  bool replace = false;
};

struct Removing {
  NodeSet nodes;  // named, not all
  bool force = false;
  std::string reason;
};

struct Calibrating {
  NodeSet nodes;
  std::optional<wire::PowerModel> power;
};

struct Switching {
  NodeSet nodes;
  PowerRequest::Act act = PowerRequest::Act::on;
  PowerHow how = PowerHow::clean;
  std::string reason;
};

struct KnownBlob {  // one that should be there already
  std::string sha256;
  std::optional<uint64_t> size_bytes;  // where the caller knows it
};

struct SqlQuestion {
  std::string sql;
  size_t max_rows = 10'000;
  int64_t time_limit_ms = 10'000;
  std::string query_id;  // a UUID by which it can be cancelled; empty: none
};

Result<SubmitRequest> parse_submit(std::string_view body, const Caller& caller);
Result<AppendRequest> parse_append(std::string_view body, JobId job);
Result<KnownBlob> parse_keep(std::string_view body);
Result<CheckpointRequest> parse_checkpoint(std::string_view body, JobId job);
Status parse_close(std::string_view body);  // nothing, or an empty object
Result<Cancellation> parse_cancel(std::string_view body);
Result<Forgetting> parse_forget(std::string_view body);
Result<Retrying> parse_retry(std::string_view body);
Result<Gathering> parse_gather(std::string_view body);
Result<Draining> parse_drain(std::string_view body);
Result<Adding> parse_add_node(std::string_view body);
Result<Removing> parse_remove_nodes(std::string_view body);
Result<Calibrating> parse_calibrate(std::string_view body);
Result<Switching> parse_switch(std::string_view body);
Result<std::string> parse_reason(std::string_view body);     // of an object with nothing else; it may be empty
Result<NodeSet> parse_nodes_param(const std::string& text);  // empty: all
Result<AddTokenRequest> parse_token(std::string_view body);
Result<std::string> parse_token_name(std::string_view body);
Result<SqlQuestion> parse_sql(std::string_view body);
Result<std::string> parse_query_id(std::string_view body);

}  // namespace bramble::aggregator::http
