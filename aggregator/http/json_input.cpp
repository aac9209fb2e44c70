#include "aggregator/http/json_input.hpp"

#include <algorithm>

#include "common/base/ids.hpp"
#include "common/base/nearest.hpp"
#include "common/wire/input_files.hpp"

namespace bramble::aggregator::http {
namespace {

constexpr int kMaxNesting = 16;

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

}  // namespace

Result<Json> parse_object(std::string_view text) {
  bool too_deep = false;
  const auto keep = [&too_deep](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMaxNesting;
    return !too_deep;
  };
  try {
    Json json = Json::parse(text, keep);
    if (too_deep) return fail("the body is JSON that is nested too deeply");
    if (!json.is_object()) return fail("the body must be a JSON object");
    return json;
  } catch (const Json::parse_error& error) {
    return fail("the body is not JSON: it breaks off or goes wrong at byte " + std::to_string(error.byte));
  }
}

Status check_text(const Json& value, const std::string& name, const TextRule& rule) {
  if (!value.is_string()) return fail(name + " must be a text");
  const auto& text = value.get_ref<const std::string&>();
  if (text.size() < rule.min_bytes) return fail(name + " must not be empty");
  if (text.size() > rule.max_bytes) {
    return fail(name + " has " + std::to_string(text.size()) + " bytes; at most " + std::to_string(rule.max_bytes) +
                " are allowed");
  }
  if (text.find('\0') != std::string::npos) return fail(name + " must not hold a NUL byte");
  if (rule.one_line && std::any_of(text.begin(), text.end(), is_control)) {
    return fail(name + " must not hold control characters");
  }
  return {};
}

Fields::Fields(const Json& object, std::string path, std::vector<std::string> known)
    : object_(object), path_(std::move(path)) {
  if (!object.is_object()) {
    status_ = fail(path_.empty() ? "the body must be a JSON object"
                                 : path_.substr(0, path_.size() - 1) + " must be an object");
    return;
  }
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    for (std::string& name : known) name.insert(0, path_);
    status_ = fail(unknown("key", path_ + key, known));
    return;
  }
}

const Json* Fields::find(const char* key) const {
  if (!status_) return nullptr;
  const auto found = object_.find(key);
  return found == object_.end() ? nullptr : &*found;
}

Fields& Fields::need(const char* key) {
  if (status_ && !object_.contains(key)) status_ = fail(path_ + key + " is missing");
  return *this;
}

Fields& Fields::flag(const char* key, bool& into) {
  if (const Json* value = find(key)) {
    if (value->is_boolean()) {
      into = value->get<bool>();
    } else {
      status_ = fail(path_ + key + " must be true or false");
    }
  }
  return *this;
}

Fields& Fields::text(const char* key, std::string& into, const TextRule& rule) {
  if (const Json* value = find(key)) {
    status_ = check_text(*value, path_ + key, rule);
    if (status_) into = value->get<std::string>();
  }
  return *this;
}

Fields& Fields::blob(const char* key, std::optional<wire::BlobRef>& into) {
  if (const Json* value = find(key)) status_ = read_blob(*value, path_ + key, into.emplace());
  return *this;
}

Status read_blob(const Json& value, const std::string& name, wire::BlobRef& into) {
  const std::string place = name.empty() ? "" : name + ".";
  Fields fields(value, place, {"blob", "size_bytes"});
  fields.need("blob")
      .need("size_bytes")
      .text("blob", into.sha256, {1, 64})
      .whole<uint64_t>("size_bytes", into.size_bytes, 0, uint64_t{1} << 50);
  return fields.rule(is_sha256(into.sha256), place + "blob must be a SHA-256 in 64 lower-case hexadecimal digits")
      .status();
}

Status read_files(const Json& value, const std::string& name, std::vector<wire::InputFile>& into) {
  if (!value.is_array()) return fail(name + " must be a list of objects");
  if (value.size() > wire::kMaxInputFiles) {
    return fail(name + " has " + std::to_string(value.size()) + " entries; at most " +
                std::to_string(wire::kMaxInputFiles) + " are allowed: pack them (tar)");
  }
  for (const Json& entry : value) {
    const std::string place = name + "[" + std::to_string(into.size()) + "].";
    wire::InputFile& file = into.emplace_back();
    Fields fields(entry, place, {"name", "blob", "size_bytes"});
    fields.need("name")
        .need("blob")
        .need("size_bytes")
        .text("name", file.name, {1, wire::kMaxFileNameBytes})
        .text("blob", file.blob.sha256, {1, 64})
        .whole<uint64_t>("size_bytes", file.blob.size_bytes, 0, uint64_t{1} << 50)
        .rule(is_sha256(file.blob.sha256), place + "blob must be a SHA-256 in 64 lower-case hexadecimal digits");
    if (!fields.status()) return fields.status();
    if (const Status good = wire::check_file_name(file.name); !good)
      return fail(place + "name: " + good.error().message);
  }
  if (const Status good = wire::check_file_names(into); !good) return fail(name + ": " + good.error().message);
  return {};
}

}  // namespace bramble::aggregator::http
