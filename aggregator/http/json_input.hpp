// Reading a JSON object that a person or a script wrote, field by field; the first thing that is wrong becomes one
// sentence that names it. Private to this folder: only its .cpp files include it.
#pragma once

#include <concepts>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.hpp"
#include "common/wire/messages.hpp"

namespace bramble::aggregator::http {

using Json = nlohmann::json;

// One object, nested at most 16 deep.
Result<Json> parse_object(std::string_view text);

struct TextRule {
  size_t min_bytes = 0;
  size_t max_bytes = 0;
  bool one_line = true;  // no control characters; NUL is never allowed
};

// The rule for one text, `name` being what the sentence calls it.
Status check_text(const Json& value, const std::string& name, const TextRule& rule);

// Fields that are absent leave their targets as they are; null is not absent.
class Fields {
 public:
  // `path` is put in front of the names in sentences: "array." makes "array.first".
  Fields(const Json& object, std::string path, std::vector<std::string> known);

  Fields& need(const char* key);
  Fields& flag(const char* key, bool& into);
  Fields& text(const char* key, std::string& into, const TextRule& rule);
  Fields& blob(const char* key, std::optional<wire::BlobRef>& into);

  // From min to max, both included.
  template <std::integral T>
  Fields& whole(const char* key, T& into, T min, T max) {
    if (const Json* value = find(key)) status_ = read_whole(*value, path_ + key, into, min, max);
    return *this;
  }

  // read is callable as Status(const Json& value, const std::string& name).
  template <typename Read>
  Fields& with(const char* key, const Read& read) {
    if (const Json* value = find(key)) status_ = read(*value, path_ + key);
    return *this;
  }

  // A rule about several fields.
  Fields& rule(bool holds, const std::string& complaint) {
    if (status_ && !holds) status_ = fail(complaint);
    return *this;
  }

  const Status& status() const { return status_; }

 private:
  const Json* find(const char* key) const;  // nothing when absent or when something was wrong before

  template <std::integral T>
  static Status read_whole(const Json& value, const std::string& name, T& into, T min, T max) {
    const bool fits = value.is_number_unsigned()
                          ? take(value.get<uint64_t>(), into, min, max)
                          : value.is_number_integer() && take(value.get<int64_t>(), into, min, max);
    if (fits) return {};
    return fail(name + " must be a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  }

  template <typename Wide, typename T>
  static bool take(Wide value, T& into, T min, T max) {
    if (std::cmp_less(value, min) || std::cmp_greater(value, max)) return false;
    into = static_cast<T>(value);
    return true;
  }

  const Json& object_;
  std::string path_;
  Status status_;
};

// A list of {"name", "blob", "size_bytes"}.
Status read_files(const Json& value, const std::string& name, std::vector<wire::InputFile>& into);
Status read_blob(const Json& value, const std::string& name, wire::BlobRef& into);  // name empty: the whole body

}  // namespace bramble::aggregator::http
