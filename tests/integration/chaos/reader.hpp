// Reads what the aggregator says, over its HTTP API on one kept connection (aggregator/http/README.md): thousands of
// tasks with their outputs in seconds, where a command for each would take many minutes. One thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "aggregator/cli/http_client.hpp"
#include "common/base/result.hpp"
#include "history.hpp"

namespace bramble::test::chaos {

// Errors are ErrorCode::unavailable where no answer came, else not_found.
class Reader {
 public:
  explicit Reader(const std::string& url);

  // Of those that are there.
  Result<std::map<uint64_t, std::string>> states(const std::vector<uint64_t>& jobs);

  // With the outputs of the succeeded tasks for which wants_output() is true.
  Result<JobSeen> job(uint64_t number, const std::function<bool()>& wants_output);

  // True: answered, and it is forgotten now, or was already.
  bool forget(uint64_t job);

 private:
  Result<nlohmann::json> get(const std::string& path);
  Result<std::optional<Output>> output(uint64_t job, uint64_t task);

  cli::HttpClient client_;
};

// What a task's standard output says of itself; nothing: it is none of the chaos task's.
std::optional<Output> parse_output(const std::string& text);

}  // namespace bramble::test::chaos
