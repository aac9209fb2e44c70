#include "aggregator/http/routes.hpp"

#include <algorithm>
#include <charconv>

#include "common/base/nearest.hpp"
#include "common/base/utf8.hpp"

namespace bramble::aggregator::http {
namespace {

struct Pattern {
  std::string_view method;
  std::string_view path;  // below /api/v1; # stands for a number
  Endpoint endpoint;
  wire::Stream stream = wire::Stream::stdout_;
};

constexpr Pattern kPatterns[] = {
    {"GET", "/health", Endpoint::health},
    {"POST", "/jobs", Endpoint::submit},
    {"GET", "/jobs", Endpoint::list_jobs},
    {"POST", "/jobs/cancel", Endpoint::cancel},
    {"POST", "/jobs/retry", Endpoint::retry},
    {"POST", "/jobs/forget", Endpoint::forget},
    {"GET", "/jobs/#", Endpoint::show_job},
    {"POST", "/jobs/#/tasks", Endpoint::append},
    {"GET", "/jobs/#/tasks", Endpoint::list_tasks},
    {"POST", "/jobs/#/close", Endpoint::close},
    {"GET", "/jobs/#/explain", Endpoint::explain},
    {"GET", "/jobs/#/watch", Endpoint::watch_job},
    {"GET", "/jobs/#/tasks/#/output/stdout", Endpoint::read_output, wire::Stream::stdout_},
    {"GET", "/jobs/#/tasks/#/output/stderr", Endpoint::read_output, wire::Stream::stderr_},
    {"POST", "/blobs", Endpoint::upload_blob},
    {"GET", "/nodes", Endpoint::list_nodes},
    {"POST", "/nodes/add", Endpoint::add_node},
    {"POST", "/nodes/remove", Endpoint::remove_nodes},
    {"POST", "/nodes/calibrate", Endpoint::calibrate},
    {"GET", "/nodes/doctor", Endpoint::doctor},
    {"POST", "/nodes/drain", Endpoint::drain},
    {"POST", "/nodes/resume", Endpoint::resume},
    {"POST", "/query", Endpoint::query},
    {"POST", "/query/cancel", Endpoint::cancel_query},
    {"GET", "/query/tables", Endpoint::tables},
    {"GET", "/telemetry", Endpoint::telemetry},
    {"GET", "/energy", Endpoint::energy},
    {"GET", "/power", Endpoint::power_status},
    {"POST", "/power/switch", Endpoint::switch_power},
    {"POST", "/power/pause", Endpoint::pause_power},
    {"POST", "/power/resume", Endpoint::resume_power},
    {"POST", "/power/clear", Endpoint::clear_faults},
    {"GET", "/audit", Endpoint::audit},
};

constexpr std::string_view kPrefix = "/api/v1";
constexpr std::string_view kMetricsPath = "/metrics";  // where Prometheus looks by itself
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

std::variant<Route, NoRoute> to_route(const Pattern& pattern, const std::vector<std::string_view>& numbers) {
  Route route{pattern.endpoint, 0, 0, pattern.stream};
  if (!numbers.empty()) parse_whole(numbers[0], route.job);
  if (numbers.size() > 1 && !parse_whole(numbers[1], route.task)) {
    return NoRoute{404, "job " + std::string(numbers[0]) + " has no task " + std::string(numbers[1]), ""};
  }
  return route;
}

}  // namespace

std::variant<Route, NoRoute> find_route(std::string_view method, std::string_view path) {
  const std::string shown = to_utf8(path, kMaxShownBytes);
  NoRoute none{404, "there is nothing at " + shown + "; the API's paths begin with /api/v1/", ""};
  if (path == kMetricsPath && method == "GET") return Route{Endpoint::metrics};
  if (path == kMetricsPath) return NoRoute{405, shown + " takes GET only", "GET"};
  if (!path.starts_with(kPrefix)) return none;
  for (const Pattern& pattern : kPatterns) {
    const auto numbers = match(pattern.path, path.substr(kPrefix.size()));
    if (!numbers) continue;
    if (pattern.method == method) return to_route(pattern, *numbers);
    none.http_status = 405;
    none.allow += (none.allow.empty() ? "" : ", ") + std::string(pattern.method);
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
