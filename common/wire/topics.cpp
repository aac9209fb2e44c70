#include "common/wire/topics.hpp"

#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "common/wire/codec.hpp"

namespace bramble::wire {
namespace {

constexpr size_t kMaxTopicBytes = 512;

constexpr std::array<std::pair<NodeTopic, std::string_view>, 13> kPlain = {
    {{NodeTopic::status, "status"},
     {NodeTopic::beat, "beat"},
     {NodeTopic::telemetry, "telemetry"},
     {NodeTopic::tasks, "tasks"},
     {NodeTopic::events, "events"},
     {NodeTopic::inventory, "inventory"},
     {NodeTopic::checkup, "checkup"},
     {NodeTopic::control, "control"},
     {NodeTopic::blob_get, "blob/get"},
     {NodeTopic::blob_have, "blob/have"},
     {NodeTopic::blob_want, "blob/want"},
     {NodeTopic::certificate_request, "certificate/request"},
     {NodeTopic::certificate, "certificate"}}};
constexpr std::string_view kBlobDown = "blob/down/";
constexpr std::string_view kPacked = "/zstd";
constexpr std::string_view kBlobUp = "blob/up/";
constexpr std::string_view kBlobShared = "blob/";
constexpr std::string_view kAlert = "alert/";

std::string_view plain_name(NodeTopic kind) {
  for (const auto& [each, name] : kPlain) {
    if (each == kind) return name;
  }
  return kind == NodeTopic::blob_down ? "blob/down/#" : "blob/up/#";
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// The text up to the next separator, which is taken too; all of it if there is none.
std::string_view take_until(std::string_view& text, char separator) {
  const size_t end = text.find(separator);
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return part;
}

// Exactly one text for each number, so that two topics never mean one chunk.
bool parse_offset(std::string_view text, uint64_t& offset) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
  return error == std::errc{} && end == text.data() + text.size() && (text.size() == 1 || text.front() != '0');
}

// <sha256>/<offset>, or <sha256>/<offset>/zstd
template <typename Topic>
bool parse_chunk(std::string_view rest, Topic& topic) {
  topic.sha256 = take_until(rest, '/');
  topic.packed = rest.ends_with(kPacked);
  if (topic.packed) rest.remove_suffix(kPacked.size());
  return is_sha256(topic.sha256) && parse_offset(rest, topic.offset);
}

std::string chunk_name(std::string_view sha256, uint64_t offset, bool packed) {
  return std::string(sha256) + "/" + std::to_string(offset) + std::string(packed ? kPacked : "");
}

bool parse_blob_down(std::string_view rest, ParsedTopic& topic) {
  topic.kind = NodeTopic::blob_down;
  return parse_chunk(rest, topic);
}

// <job>.<task>.<attempt>.<stream>
bool parse_output_name(std::string_view name, ParsedTopic& topic) {
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return false;
  std::string key(name.substr(0, dot));
  for (char& c : key) {
    if (c == '/') return false;
    if (c == '.') c = '/';
  }
  const Result<AttemptKey> id = parse_attempt_key(key);
  const Result<Stream> stream = parse_stream(name.substr(dot + 1));
  if (!id || !stream) return false;
  topic.id = *id;
  topic.stream = *stream;
  return true;
}

// <job>.<task>.<attempt>.<stream>/<store>/<offset>
bool parse_blob_up(std::string_view rest, ParsedTopic& topic) {
  topic.kind = NodeTopic::blob_up;
  if (!parse_output_name(take_until(rest, '/'), topic)) return false;
  topic.store = take_until(rest, '/');
  return is_uuid(topic.store) && parse_offset(rest, topic.offset);
}

bool parse_kind(std::string_view rest, ParsedTopic& topic) {
  for (const auto& [kind, name] : kPlain) {
    if (name != rest) continue;
    topic.kind = kind;
    return true;
  }
  if (take_prefix(rest, kBlobDown)) return parse_blob_down(rest, topic);
  return take_prefix(rest, kBlobUp) && parse_blob_up(rest, topic);
}

}  // namespace

Topics::Topics(std::string cluster) : prefix_("bramble/" + std::move(cluster) + "/") {}

std::string Topics::node(std::string_view node, NodeTopic kind) const {
  return prefix_ + "node/" + std::string(node) + "/" + std::string(plain_name(kind));
}

std::string Topics::blob_down(std::string_view node, std::string_view sha256, uint64_t offset, bool packed) const {
  return prefix_ + "node/" + std::string(node) + "/" + std::string(kBlobDown) + chunk_name(sha256, offset, packed);
}

std::string Topics::blob_up(std::string_view node, const StoreId& store, const AttemptKey& id, Stream stream,
                            uint64_t offset) const {
  const std::string name = std::to_string(id.job) + "." + std::to_string(id.task) + "." + std::to_string(id.attempt) +
                           "." + std::string(to_string(stream));
  return prefix_ + "node/" + std::string(node) + "/" + std::string(kBlobUp) + name + "/" + store + "/" +
         std::to_string(offset);
}

std::string Topics::blob_shared(std::string_view sha256, uint64_t offset, bool packed) const {
  return prefix_ + std::string(kBlobShared) + chunk_name(sha256, offset, packed);
}

std::string Topics::blob_shared_filter(std::string_view sha256) const {
  return prefix_ + std::string(kBlobShared) + std::string(sha256) + "/#";
}

std::string Topics::every_blob_shared() const { return prefix_ + std::string(kBlobShared) + "#"; }

std::optional<SharedChunk> Topics::parse_blob_shared(std::string_view topic) const {
  SharedChunk chunk;
  const bool is_one = topic.size() <= kMaxTopicBytes && take_prefix(topic, prefix_) &&
                      take_prefix(topic, kBlobShared) && parse_chunk(topic, chunk);
  return is_one ? std::optional(std::move(chunk)) : std::nullopt;
}

std::string Topics::aggregator_status() const { return prefix_ + "aggregator/status"; }

std::string Topics::aggregator_ping() const { return prefix_ + "aggregator/ping"; }

std::string Topics::alert(std::string_view alert, std::string_view node_name) const {
  std::string topic = prefix_ + std::string(kAlert) + std::string(alert);
  if (!node_name.empty()) topic.append("/").append(node_name);
  return topic;
}

std::string Topics::every_node(NodeTopic kind) const { return node("+", kind); }

std::string Topics::blob_down_filter(std::string_view node_name) const { return node(node_name, NodeTopic::blob_down); }

std::string Topics::every_alert() const { return prefix_ + std::string(kAlert) + "#"; }

std::optional<AlertTopic> Topics::parse_alert(std::string_view topic) const {
  if (!take_prefix(topic, prefix_) || !take_prefix(topic, kAlert)) return {};
  AlertTopic parsed;
  parsed.alert = take_until(topic, '/');
  parsed.node = topic;
  return parsed;
}

Result<ParsedTopic> Topics::parse(std::string_view topic) const {
  ParsedTopic parsed;
  std::string_view rest = topic;
  if (topic.size() <= kMaxTopicBytes && take_prefix(rest, prefix_) && take_prefix(rest, "node/")) {
    parsed.node = take_until(rest, '/');
    if (is_valid_name(parsed.node) && parse_kind(rest, parsed)) return parsed;
  }
  return fail("not a topic of a node of this cluster (" + prefix_ + "node/...)");
}

}  // namespace bramble::wire
