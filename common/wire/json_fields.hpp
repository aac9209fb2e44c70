// Reading JSON that a stranger wrote: each field by name, with its rule, and a sentence that says where it broke.
// Private to this folder: only its .cpp files include it.
//
// A *reader* is anything callable as Status(const Json&, T& into). Readers compose: ListOf{read_attempt},
// MapOf{name_key, Whole<int64_t>{}}. Fields strings them together and keeps the first error:
//
//   return Fields(json).required("id", launch.id, read_attempt).optional("stdin", launch.stdin_blob,
//   read_blob).status();
#pragma once

#include <concepts>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/wire/messages.hpp"

namespace bramble::wire {

using Json = nlohmann::json;             // for reading: looking up a key is fast whatever a stranger sends
using OutJson = nlohmann::ordered_json;  // for writing: fields stand in the order in which they were put

inline constexpr size_t kMaxNesting = 16;
inline constexpr size_t kMaxShortTextBytes = 256;       // versions, models, label values
inline constexpr size_t kMaxLongTextBytes = 4096;       // reasons and notes
inline constexpr size_t kMaxPathBytes = 4095;           // PATH_MAX without its NUL
inline constexpr size_t kMaxArgumentBytes = 128 << 10;  // MAX_ARG_STRLEN: execve refuses what is longer

// Parses text that is at most max_bytes long and nested at most kMaxNesting deep.
Result<Json> parse_json(std::string_view text, size_t max_bytes);

// One line without spaces; a human text's damaged bytes are replaced, never an exception.
std::string to_text(const OutJson& json);

class Fields {
 public:
  explicit Fields(const Json& json) : json_(json) {
    if (!json.is_object()) status_ = fail("must be an object");
  }

  template <typename T, typename Read>
  Fields& required(const char* name, T& into, const Read& read) {
    return take(name, into, read, true);
  }

  // Leaves `into` as it is when the field is absent.
  template <typename T, typename Read>
  Fields& optional(const char* name, T& into, const Read& read) {
    return take(name, into, read, false);
  }

  template <typename T, typename Read>
  Fields& optional(const char* name, std::optional<T>& into, const Read& read) {
    if (status_ && json_.contains(name)) take(name, into.emplace(), read, true);
    return *this;
  }

  // A rule about several fields, looked at only if all of them could be read.
  Fields& check(bool holds, const char* complaint) {
    if (status_ && !holds) status_ = fail(complaint);
    return *this;
  }

  const Status& status() const { return status_; }

 private:
  template <typename T, typename Read>
  Fields& take(const char* name, T& into, const Read& read, bool needed) {
    if (!status_) return *this;
    const auto found = json_.find(name);
    if (found == json_.end()) {
      if (needed) status_ = fail(std::string("field '") + name + "' is missing");
      return *this;
    }
    if (Status got = read(*found, into); !got) status_ = in_context(name, std::move(got.error()));
    return *this;
  }

  const Json& json_;
  Status status_;
};

// A whole number from min to max, both included.
template <std::integral T>
struct Whole {
  T min = 0;
  T max = std::numeric_limits<T>::max();

  Status operator()(const Json& json, T& into) const {
    if (!json.is_number_integer()) return fail("must be a whole number");
    const bool taken = json.is_number_unsigned() ? take(json.get<uint64_t>(), into) : take(json.get<int64_t>(), into);
    if (!taken) return fail("must be from " + std::to_string(min) + " to " + std::to_string(max));
    return {};
  }

 private:
  template <typename Wide>
  bool take(Wide value, T& into) const {
    if (std::cmp_less(value, min) || std::cmp_greater(value, max)) return false;
    into = static_cast<T>(value);
    return true;
  }
};

// A human text.
struct Text {
  size_t max_bytes = kMaxShortTextBytes;
  Status operator()(const Json& json, std::string& into) const;
};

// Bytes that only look like text (arguments, paths): a string where they are UTF-8, else {"base64": "..."}. Without
// NUL, which no argument and no path can hold.
struct ByteText {
  size_t max_bytes = kMaxArgumentBytes;
  Status operator()(const Json& json, std::string& into) const;
};

// Base64 of at most max_bytes bytes.
struct Base64 {
  size_t max_bytes = kMaxInlineOutputBytes;
  Status operator()(const Json& json, std::string& into) const;
};

template <typename Read>
struct ListOf {
  Read read;

  template <typename T>
  Status operator()(const Json& json, std::vector<T>& into) const {
    if (!json.is_array()) return fail("must be a list");
    if (json.size() > kMaxListEntries) return fail("more than " + std::to_string(kMaxListEntries) + " entries");
    into.clear();
    into.reserve(json.size());
    for (const Json& entry : json) {
      if (Status got = read(entry, into.emplace_back()); !got) {
        return in_context("[" + std::to_string(into.size() - 1) + "]", std::move(got.error()));
      }
    }
    return {};
  }
};
template <typename Read>
ListOf(Read) -> ListOf<Read>;

// ReadKey is callable as Result<Key>(const std::string&).
template <typename ReadKey, typename Read>
struct MapOf {
  ReadKey read_key;
  Read read;

  template <typename Key, typename T>
  Status operator()(const Json& json, std::map<Key, T>& into) const {
    if (!json.is_object()) return fail("must be an object");
    if (json.size() > kMaxListEntries) return fail("more than " + std::to_string(kMaxListEntries) + " entries");
    into.clear();
    for (const auto& [name, entry] : json.items()) {
      Result<Key> key = read_key(name);
      if (!key) return tl::unexpected(std::move(key.error()));
      if (Status got = read(entry, into[*key]); !got) return in_context(name, std::move(got.error()));
    }
    return {};
  }
};
template <typename ReadKey, typename Read>
MapOf(ReadKey, Read) -> MapOf<ReadKey, Read>;

Status read_bool(const Json& json, bool& into);
Status read_finite(const Json& json, double& into);
Status read_name(const Json& json, std::string& into);
Status read_uuid(const Json& json, std::string& into);
Status read_sha256(const Json& json, std::string& into);
Status read_attempt(const Json& json, AttemptKey& into);
Status read_stream(const Json& json, Stream& into);
Status read_outcome(const Json& json, Outcome& into);
Result<std::string> name_key(const std::string& name);
Result<JobId> job_key(const std::string& name);

// Decodes one whole text; errors begin with `what`.
template <typename Message, typename Read>
Result<Message> read_payload(const char* what, std::string_view text, const Read& read,
                             size_t max_bytes = kMaxMessageBytes) {
  Result<Json> json = parse_json(text, max_bytes);
  if (!json) return in_context(what, std::move(json.error()));
  Message message;
  if (Status got = read(*json, message); !got) return in_context(what, std::move(got.error()));
  return message;
}

// --- writing ---

// The counterpart of ByteText.
OutJson byte_text(std::string_view bytes);

OutJson attempt_list(const std::vector<AttemptKey>& ids);

// What is at its default is left out, so that messages stay small.
template <typename T>
void put_unless(OutJson& json, const char* name, const T& value, const T& default_value) {
  if (!(value == default_value)) json[name] = value;
}

}  // namespace bramble::wire
