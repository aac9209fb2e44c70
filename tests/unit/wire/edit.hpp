// Valid messages with one thing made wrong.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace bramble::wire {

// The text with the value at `pointer` ("/launch/0/id") replaced by the JSON in `value`, or added.
inline std::string with(const std::string& text, const std::string& pointer, const std::string& value) {
  auto json = nlohmann::json::parse(text);
  json[nlohmann::json::json_pointer(pointer)] = nlohmann::json::parse(value);
  return json.dump();
}

inline std::string without(const std::string& text, const std::string& pointer) {
  return nlohmann::json::parse(text).patch({{{"op", "remove"}, {"path", pointer}}}).dump();
}

// A list of `count` times the JSON in `value`.
inline std::string list_of(size_t count, const std::string& value) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += (i == 0 ? "" : ",") + value;
  return "[" + text + "]";
}

}  // namespace bramble::wire
