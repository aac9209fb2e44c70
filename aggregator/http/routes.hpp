// Which request is meant: method and path become a route with its numbers. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "aggregator/core/roles.hpp"
#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/wire/messages.hpp"

namespace bramble::aggregator::http {

enum class Endpoint {
  health,
  metrics,
  submit,
  append,
  close,
  keep_checkpoint,
  read_checkpoint,
  cancel,
  retry,
  forget,
  list_jobs,
  show_job,
  list_tasks,
  explain,
  watch_job,
  read_output,
  upload_blob,
  keep_blob,
  gather_blob,
  list_nodes,
  calibrate,
  doctor,
  add_node,
  remove_nodes,
  drain,
  resume,
  query,
  cancel_query,
  tables,
  telemetry,
  energy,
  power_status,
  switch_power,
  pause_power,
  resume_power,
  clear_faults,
  audit,
  list_tokens,
  add_token,
  remove_token,
};

// One row of the table of all that can be asked, and who may ask it.
struct Rule {
  std::string_view method;
  std::string_view path;  // # stands for a number
  Endpoint endpoint;
  Role role;  // that a caller needs at least; of submitters, jobs of others are kept by whoever handles the request
  wire::Stream stream = wire::Stream::stdout_;
};

std::span<const Rule> rules();
Role role_for(Endpoint endpoint);

struct Route {
  Endpoint endpoint = Endpoint::health;
  JobId job = 0;       // those below /jobs/N
  TaskIndex task = 0;  // read_output
  wire::Stream stream = wire::Stream::stdout_;

  bool operator==(const Route&) const = default;
};

struct NoRoute {
  int http_status = 404;  // or 405
  std::string sentence;
  std::string allow;  // 405: the method that this path takes
};

std::variant<Route, NoRoute> find_route(std::string_view method, std::string_view path);

// The query of a request, strictly: a name that the route does not know, or one said twice, is an error.
class Params {
 public:
  Params(const std::vector<std::pair<std::string, std::string>>& given, std::vector<std::string> known);

  // Absent: `fallback`. Wrong: the error is kept, and `fallback` too.
  uint64_t number(std::string_view name, uint64_t fallback, uint64_t min, uint64_t max);
  std::string text(std::string_view name) const;  // absent: empty

  const Status& status() const { return status_; }

 private:
  const std::string* find(std::string_view name) const;

  const std::vector<std::pair<std::string, std::string>>& given_;
  Status status_;
};

}  // namespace bramble::aggregator::http
