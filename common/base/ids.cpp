#include "common/base/ids.hpp"

#include <algorithm>
#include <charconv>

namespace bramble {
namespace {

bool is_lower_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// Takes a decimal number off the front of text; false if there is none or it does not fit. No leading zeros: a thing
// has one name.
template <typename Number>
bool take_plain_number(std::string_view& text, Number& number) {
  if (text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9') return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end == text.data()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

bool take_char(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string to_string(const AttemptKey& key) { return to_string(key.task_key()) + "/" + std::to_string(key.attempt); }

std::string to_string(const TaskKey& key) { return std::to_string(key.job) + "/" + std::to_string(key.task); }

Result<AttemptKey> parse_attempt_key(std::string_view text) {
  AttemptKey key;
  std::string_view rest = text;
  const bool good = take_plain_number(rest, key.job) && take_char(rest, '/') && take_plain_number(rest, key.task) &&
                    take_char(rest, '/') && take_plain_number(rest, key.attempt) && rest.empty();
  if (!good) return fail("not an attempt (JOB/TASK/ATTEMPT): '" + std::string(text.substr(0, 64)) + "'");
  if (key.job == 0 || key.attempt == 0) return fail("job and attempt numbers begin at 1");
  return key;
}

bool is_valid_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes || !is_name_start(name.front())) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return is_name_start(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_lower_hex(text[i])) return false;
  }
  return true;
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), is_lower_hex);
}

}  // namespace bramble
