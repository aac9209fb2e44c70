// What stands in the API's JSON, and in its addresses.
#include <fmt/format.h>

#include <cctype>
#include <cstring>
#include <nlohmann/json.hpp>

#include "aggregator/cli/api.hpp"

namespace bramble::cli {

using nlohmann::json;

std::string text_field(const json& object, const char* name) {
  if (!object.is_object()) return "";
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::vector<std::string> texts_in(const json& list) {
  std::vector<std::string> texts;
  if (!list.is_array()) return texts;
  for (const json& value : list) {
    if (value.is_string()) texts.push_back(value.get<std::string>());
  }
  return texts;
}

int64_t number_field(const json& object, const char* name, int64_t fallback) {
  if (!object.is_object()) return fallback;
  const auto found = object.find(name);
  return found != object.end() && found->is_number() ? found->get<int64_t>() : fallback;
}

bool flag_field(const json& object, const char* name) {
  if (!object.is_object()) return false;
  const auto found = object.find(name);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

ProgressCounts counts_field(const json& job) {
  ProgressCounts counts;
  counts.open = flag_field(job, "open");
  const auto tasks = job.find("tasks");
  if (tasks == job.end()) return counts;
  const auto count = [&](const char* name) { return static_cast<uint64_t>(number_field(*tasks, name)); };
  counts.total = count("total");
  counts.succeeded = count("succeeded");
  counts.failed = count("failed");
  counts.cancelled = count("cancelled");
  counts.running = count("running");
  return counts;
}

std::string url_encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || std::strchr("-_.~", c)) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", byte);
    }
  }
  return encoded;
}

}  // namespace bramble::cli
