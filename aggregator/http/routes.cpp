#include "aggregator/http/routes.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "common/base/nearest.hpp"
#include "common/base/utf8.hpp"

namespace bramble::aggregator::http {
namespace {

constexpr Rule kRules[] = {
    {"GET", "/api/v1/health", Endpoint::health, Role::viewer},
    {"POST", "/api/v1/jobs", Endpoint::submit, Role::submitter},
    {"GET", "/api/v1/jobs", Endpoint::list_jobs, Role::viewer},
    {"POST", "/api/v1/jobs/cancel", Endpoint::cancel, Role::submitter},
    {"POST", "/api/v1/jobs/retry", Endpoint::retry, Role::submitter},
    {"POST", "/api/v1/jobs/forget", Endpoint::forget, Role::submitter},
    {"GET", "/api/v1/jobs/#", Endpoint::show_job, Role::viewer},
    {"POST", "/api/v1/jobs/#/tasks", Endpoint::append, Role::submitter},
    {"GET", "/api/v1/jobs/#/tasks", Endpoint::list_tasks, Role::viewer},
    {"POST", "/api/v1/jobs/#/close", Endpoint::close, Role::submitter},
    {"POST", "/api/v1/jobs/#/checkpoint", Endpoint::keep_checkpoint, Role::submitter},
    {"GET", "/api/v1/jobs/#/checkpoint", Endpoint::read_checkpoint, Role::viewer},
    {"GET", "/api/v1/jobs/#/explain", Endpoint::explain, Role::viewer},
    {"GET", "/api/v1/jobs/#/watch", Endpoint::watch_job, Role::viewer},
    {"GET", "/api/v1/jobs/#/tasks/#/output/stdout", Endpoint::read_output, Role::viewer, wire::Stream::stdout_},
    {"GET", "/api/v1/jobs/#/tasks/#/output/stderr", Endpoint::read_output, Role::viewer, wire::Stream::stderr_},
    {"POST", "/api/v1/blobs", Endpoint::upload_blob, Role::submitter},
    {"POST", "/api/v1/blobs/keep", Endpoint::keep_blob, Role::submitter},
    {"POST", "/api/v1/blobs/gather", Endpoint::gather_blob, Role::submitter},
    {"GET", "/api/v1/nodes", Endpoint::list_nodes, Role::viewer},
    {"POST", "/api/v1/nodes/add", Endpoint::add_node, Role::operator_},
    {"POST", "/api/v1/nodes/remove", Endpoint::remove_nodes, Role::operator_},
    {"POST", "/api/v1/nodes/calibrate", Endpoint::calibrate, Role::operator_},
    {"GET", "/api/v1/nodes/doctor", Endpoint::doctor, Role::viewer},
    {"POST", "/api/v1/nodes/drain", Endpoint::drain, Role::operator_},
    {"POST", "/api/v1/nodes/resume", Endpoint::resume, Role::operator_},
    {"POST", "/api/v1/query", Endpoint::query, Role::viewer},
    {"POST", "/api/v1/query/cancel", Endpoint::cancel_query, Role::viewer},
    {"GET", "/api/v1/query/tables", Endpoint::tables, Role::viewer},
    {"GET", "/api/v1/telemetry", Endpoint::telemetry, Role::viewer},
    {"GET", "/api/v1/energy", Endpoint::energy, Role::viewer},
    {"GET", "/api/v1/power", Endpoint::power_status, Role::viewer},
    {"POST", "/api/v1/power/switch", Endpoint::switch_power, Role::operator_},
    {"POST", "/api/v1/power/pause", Endpoint::pause_power, Role::operator_},
    {"POST", "/api/v1/power/resume", Endpoint::resume_power, Role::operator_},
    {"POST", "/api/v1/power/clear", Endpoint::clear_faults, Role::operator_},
    {"GET", "/api/v1/audit", Endpoint::audit, Role::viewer},
    {"GET", "/api/v1/tokens", Endpoint::list_tokens, Role::operator_},
    {"POST", "/api/v1/tokens", Endpoint::add_token, Role::operator_},
    {"POST", "/api/v1/tokens/remove", Endpoint::remove_token, Role::operator_},
    {"GET", "/metrics", Endpoint::metrics, Role::viewer},  // where Prometheus looks by itself
};

static_assert(std::all_of(std::begin(kRules), std::end(kRules),
                          [](const Rule& rule) { return rule.role != Role::none; }),
              "who may ask it? Every endpoint needs a role");

constexpr size_t kMaxShownBytes = 200;

template <typename Number>
bool parse_whole(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

std::string_view take_part(std::string_view& path) {
  const size_t end = std::min(path.find('/', 1), path.size());
  const std::string_view part = path.substr(0, end);
  path.remove_prefix(end);
  return part;
}

bool is_number(std::string_view part) {
  uint64_t number = 0;
  return part.size() > 1 && parse_whole(part.substr(1), number);
}

// The numbers where # stands, or nothing if the path is another one.
std::optional<std::vector<std::string_view>> match(std::string_view pattern, std::string_view path) {
  std::vector<std::string_view> numbers;
  while (!pattern.empty() && !path.empty()) {
    const std::string_view want = take_part(pattern);
    const std::string_view part = take_part(path);
    if (want == "/#" && is_number(part)) {
      numbers.push_back(part.substr(1));
    } else if (want != part) {
      return std::nullopt;
    }
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return numbers;
}

std::variant<Route, NoRoute> to_route(const Rule& rule, const std::vector<std::string_view>& numbers) {
  Route route{rule.endpoint, 0, 0, rule.stream};
  if (!numbers.empty()) parse_whole(numbers[0], route.job);
  if (numbers.size() > 1 && !parse_whole(numbers[1], route.task)) {
    return NoRoute{404, "job " + std::string(numbers[0]) + " has no task " + std::string(numbers[1]), ""};
  }
  return route;
}

}  // namespace

std::span<const Rule> rules() { return kRules; }

Role role_for(Endpoint endpoint) {
  const auto* found =
      std::find_if(std::begin(kRules), std::end(kRules), [&](const Rule& rule) { return rule.endpoint == endpoint; });
  return found == std::end(kRules) ? Role::operator_ : found->role;
}

std::variant<Route, NoRoute> find_route(std::string_view method, std::string_view path) {
  const std::string shown = to_utf8(path, kMaxShownBytes);
  NoRoute none{404, "there is nothing at " + shown + "; the API's paths begin with /api/v1/", ""};
  for (const Rule& rule : kRules) {
    const auto numbers = match(rule.path, path);
    if (!numbers) continue;
    if (rule.method == method) return to_route(rule, *numbers);
    none.http_status = 405;
    none.allow += (none.allow.empty() ? "" : ", ") + std::string(rule.method);
    none.sentence = shown + " takes " + none.allow + " only";
  }
  return none;
}

Params::Params(const std::vector<std::pair<std::string, std::string>>& given, std::vector<std::string> known)
    : given_(given) {
  for (auto entry = given.begin(); entry != given.end() && status_; ++entry) {
    const std::string& name = entry->first;
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      status_ = fail(unknown("parameter", name, known));
    } else if (std::any_of(given.begin(), entry, [&](const auto& other) { return other.first == name; })) {
      status_ = fail("the parameter " + name + " is there twice");
    }
  }
}

const std::string* Params::find(std::string_view name) const {
  for (const auto& [key, value] : given_) {
    if (key == name) return &value;
  }
  return nullptr;
}

uint64_t Params::number(std::string_view name, uint64_t fallback, uint64_t min, uint64_t max) {
  const std::string* value = find(name);
  if (value == nullptr) return fallback;
  uint64_t number = 0;
  if (parse_whole(*value, number) && number >= min && number <= max) return number;
  if (status_) {
    status_ = fail("the parameter " + std::string(name) + " must be a whole number from " + std::to_string(min) +
                   " to " + std::to_string(max));
  }
  return fallback;
}

std::string Params::text(std::string_view name) const {
  const std::string* value = find(name);
  return value == nullptr ? "" : *value;
}

}  // namespace bramble::aggregator::http
