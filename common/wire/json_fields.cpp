#include "common/wire/json_fields.hpp"

#include <charconv>
#include <cmath>

#include "common/base/base64.hpp"
#include "common/base/utf8.hpp"
#include "common/wire/codec.hpp"

namespace bramble::wire {
namespace {

// How deep text is nested, looking at brackets outside of strings only; right for every text that is JSON. Done before
// parsing, so that a hostile text never makes a deep tree.
bool is_nested_at_most(std::string_view text, size_t max_depth) {
  size_t depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > max_depth) return false;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return true;
}

const std::string* string_in(const Json& json) { return json.get_ptr<const Json::string_t*>(); }

Status check_length(std::string_view text, size_t max_bytes) {
  if (text.size() > max_bytes) return fail("longer than " + std::to_string(max_bytes) + " bytes");
  return {};
}

// Reads a string that `good` accepts.
Status read_checked(const Json& json, std::string& into, bool (*good)(std::string_view), const char* complaint) {
  const std::string* text = string_in(json);
  if (text == nullptr || !good(*text)) return fail(complaint);
  into = *text;
  return {};
}

template <typename T>
Status read_parsed(const Json& json, T& into, Result<T> (*parse)(std::string_view)) {
  const std::string* text = string_in(json);
  if (text == nullptr) return fail("must be a string");
  Result<T> value = parse(*text);
  if (!value) return tl::unexpected(std::move(value.error()));
  into = *value;
  return {};
}

constexpr const char* kNameRule = "must be 1 to 63 letters, digits, '-', '_' or '.', beginning with a letter or digit";

}  // namespace

Result<Json> parse_json(std::string_view text, size_t max_bytes) {
  if (text.size() > max_bytes) return fail(ErrorCode::limit, "longer than " + std::to_string(max_bytes) + " bytes");
  if (!is_nested_at_most(text, kMaxNesting)) {
    return fail(ErrorCode::limit, "nested deeper than " + std::to_string(kMaxNesting));
  }
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return fail("not JSON");
  return json;
}

std::string to_text(const OutJson& json) { return json.dump(-1, ' ', false, OutJson::error_handler_t::replace); }

Status Text::operator()(const Json& json, std::string& into) const {
  const std::string* text = string_in(json);
  if (text == nullptr) return fail("must be a string");
  if (Status short_enough = check_length(*text, max_bytes); !short_enough) return short_enough;
  into = *text;
  return {};
}

Status ByteText::operator()(const Json& json, std::string& into) const {
  std::string bytes;
  const Status got = json.is_object() ? Fields(json).required("base64", bytes, Base64{max_bytes}).status()
                                      : Text{max_bytes}(json, bytes);
  if (!got) return got;
  if (bytes.find('\0') != std::string::npos) return fail("must not hold a NUL byte");
  into = std::move(bytes);
  return {};
}

Status Base64::operator()(const Json& json, std::string& into) const {
  const std::string* text = string_in(json);
  if (text == nullptr) return fail("must be a string of base64");
  if (text->size() > (max_bytes + 2) / 3 * 4) return fail("longer than " + std::to_string(max_bytes) + " bytes");
  Result<std::string> bytes = base64_decode(*text);
  if (!bytes) return tl::unexpected(std::move(bytes.error()));
  if (Status short_enough = check_length(*bytes, max_bytes); !short_enough) return short_enough;
  into = std::move(*bytes);
  return {};
}

Status read_bool(const Json& json, bool& into) {
  if (!json.is_boolean()) return fail("must be true or false");
  into = json.get<bool>();
  return {};
}

Status read_finite(const Json& json, double& into) {
  if (!json.is_number()) return fail("must be a number");
  into = json.get<double>();
  if (!std::isfinite(into)) return fail("must be a finite number");
  return {};
}

Status read_name(const Json& json, std::string& into) { return read_checked(json, into, is_valid_name, kNameRule); }

Status read_uuid(const Json& json, std::string& into) {
  return read_checked(json, into, is_uuid, "must be a UUID in lower case");
}

Status read_sha256(const Json& json, std::string& into) {
  return read_checked(json, into, is_sha256, "must be a SHA-256: 64 hexadecimal digits in lower case");
}

Status read_attempt(const Json& json, AttemptKey& into) { return read_parsed(json, into, parse_attempt_key); }

Status read_stream(const Json& json, Stream& into) { return read_parsed(json, into, parse_stream); }

Status read_outcome(const Json& json, Outcome& into) { return read_parsed(json, into, parse_outcome); }

Result<std::string> name_key(const std::string& name) {
  if (!is_valid_name(name)) return fail("name of a field " + std::string(kNameRule));
  return name;
}

Result<JobId> job_key(const std::string& name) {
  JobId job = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), job);
  if (error != std::errc{} || end != name.data() + name.size() || job == 0 || name.front() == '0') {
    return fail("not a job's number: '" + to_utf8(name, 32) + "'");
  }
  return job;
}

OutJson byte_text(std::string_view bytes) {
  if (is_utf8(bytes)) return bytes;
  return {{"base64", base64_encode(bytes)}};
}

OutJson attempt_list(const std::vector<AttemptKey>& ids) {
  OutJson list = OutJson::array();
  for (const AttemptKey& id : ids) list.push_back(bramble::to_string(id));
  return list;
}

}  // namespace bramble::wire
