// Every decoder of base, wire and packing on any bytes: none may crash, hang or overflow, and what decodes must encode
// to something that decodes to an equal value.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/base/array_spec.hpp"
#include "common/base/base64.hpp"
#include "common/base/duration.hpp"
#include "common/base/nearest.hpp"
#include "common/base/node_set.hpp"
#include "common/base/selector.hpp"
#include "common/base/size.hpp"
#include "common/base/utf8.hpp"
#include "common/packing/packing.hpp"
#include "common/wire/call_frames.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/frame.hpp"
#include "common/wire/topics.hpp"
#include "common/wire/warden_messages.hpp"

namespace bramble::wire {
namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

// An error is a sentence of bounded length, in UTF-8, however wild the input.
void require_clear(const Error& error) {
  require(!error.message.empty() && error.message.size() < 1000, "an error is one sentence");
  require(is_utf8(error.message), "an error is UTF-8");
}

template <typename Value, typename Encode, typename Decode>
void check(std::string_view text, Decode decode_it, Encode encode_it, const char* what) {
  const Result<Value> value = decode_it(text);
  if (!value) return require_clear(value.error());
  const Result<Value> again = decode_it(encode_it(*value));
  require(again.has_value() && *again == *value, what);
}

template <typename Message>
void check_message(std::string_view text, const char* what) {
  check<Message>(
      text, decode<Message>, [](const Message& message) { return encode(message); }, what);
}

void check_messages(std::string_view text) {
  check_message<NodeStatus>(text, "status round trip");
  check_message<Beat>(text, "beat round trip");
  check_message<Telemetry>(text, "telemetry round trip");
  check_message<TasksMessage>(text, "tasks round trip");
  check_message<EventsMessage>(text, "events round trip");
  check_message<Inventory>(text, "inventory round trip");
  check_message<BlobGet>(text, "blob/get round trip");
  check_message<BlobHave>(text, "blob/have round trip");
  check_message<OutputWant>(text, "blob/want round trip");
  check_message<Checkup>(text, "checkup round trip");
  check_message<Control>(text, "control round trip");
  check_message<CertificateRequest>(text, "certificate request round trip");
  check_message<NewCertificate>(text, "certificate round trip");
  check_message<AggregatorStatus>(text, "aggregator/status round trip");
}

void check_warden(std::string_view text) {
  check<WardenRequest>(
      text, decode_warden_request, [](const WardenRequest& request) { return encode(request); }, "request round trip");
  check<WardenReport>(
      text, decode_warden_report, [](const WardenReport& report) { return encode(report); }, "report round trip");
  check<WardenExited>(text, decode_exit_record, encode_exit_record, "exit record round trip");
  check<WardenStart>(text, decode_start_record, encode_start_record, "start record round trip");
  if (const auto task = parse_directory_name(text)) require(directory_name(*task) == text, "one name for a directory");
}

// However the bytes are cut, the same frames come out.
void check_frames(std::string_view bytes) {
  FrameReader reader(1000);
  std::string made;
  for (size_t at = 0; at < bytes.size(); at += 7) {
    reader.add(bytes.substr(at, 7));
    for (auto frame = reader.next(); frame && *frame; frame = reader.next()) made += make_frame(**frame);
  }
  require(bytes.starts_with(made), "frames are the bytes that came");
}

void check_calls(std::string_view bytes) {
  const auto calls = split_calls(bytes);
  if (!calls) return require_clear(calls.error());
  std::string again;
  for (const Call& call : *calls) append_call(again, call);
  require(again == bytes, "calls are the bytes that came");
}

// Read as they come, the replies are the same as all at once.
void check_replies(std::string_view bytes) {
  const auto replies = split_replies(bytes);
  std::string again;
  std::string_view rest = bytes;
  size_t count = 0;
  auto first = first_reply(rest);
  for (; first && *first && count < kMaxBatchCalls; first = first_reply(rest), ++count) {
    append_reply(again, **first);
    rest = bytes.substr(again.size());
  }
  require(bytes.starts_with(again), "replies are the bytes that came");
  if (!replies) return require_clear(replies.error());
  require(again == bytes && count == replies->size(), "replies are the same however they come");
}

void check_packed(std::string_view bytes) {
  constexpr size_t kMostBytes = 4096;
  const auto unpacked = packing::unpack(bytes, kMostBytes);
  if (!unpacked) require_clear(unpacked.error());
  if (unpacked) require(unpacked->size() <= kMostBytes, "no more is unpacked than may be");
  if (const auto packed = packing::pack(bytes)) {
    const auto again = packing::unpack(*packed, bytes.size());
    require(again.has_value() && *again == bytes, "what was packed is unpacked");
    require(!packing::unpack(*packed, bytes.size() - 1), "one byte too many is refused");
  }
}

std::string topic_of(const Topics& topics, const ParsedTopic& topic) {
  if (topic.kind == NodeTopic::blob_down) return topics.blob_down(topic.node, topic.sha256, topic.offset, topic.packed);
  if (topic.kind == NodeTopic::blob_up) {
    return topics.blob_up(topic.node, topic.store, topic.id, topic.stream, topic.offset);
  }
  return topics.node(topic.node, topic.kind);
}

void check_names(std::string_view text) {
  const Topics topics("home");
  if (const auto topic = topics.parse(text)) require(topic_of(topics, *topic) == text, "one text for a topic");
  if (const auto chunk = topics.parse_blob_shared(text)) {
    require(topics.blob_shared(chunk->sha256, chunk->offset, chunk->packed) == text, "one text for a shared topic");
  }
  if (const auto key = parse_attempt_key(text)) {
    require(bramble::to_string(*key) == text, "one text for an attempt");
  }
  if (const auto bytes = base64_decode(text)) require(base64_encode(*bytes) == text, "one base64 for its bytes");
  const std::string clean = to_utf8(text, 100);
  require(is_utf8(clean) && clean.size() <= 100, "mended text is UTF-8 within its limit");
  require(!is_utf8(text) || text.size() > 100 || clean == text, "good text stays as it is");
}

void check_node_set(std::string_view text) {
  auto names = expand_node_set(text);
  if (!names) return require_clear(names.error());
  require(!names->empty() && names->size() <= kMaxNodeSetNames, "a node set has names, within the limit");
  auto again = expand_node_set(fold_node_set(*names));
  require(again.has_value(), "a folded node set expands");
  std::sort(names->begin(), names->end());
  std::sort(again->begin(), again->end());
  require(*names == *again, "a folded node set names the same nodes");
}

void check_people_input(std::string_view text) {
  check_node_set(text);
  check<JobSelector>(
      text, parse_job_selector, [](const JobSelector& selector) { return bramble::to_string(selector); },
      "selector round trip");
  check<ArraySpec>(
      text, parse_array_spec, [](const ArraySpec& spec) { return bramble::to_string(spec); }, "array round trip");
  if (const auto ms = parse_duration_ms(text)) require(*ms >= 0 && *ms <= kMaxDurationMs, "a duration in its limits");
  if (const auto bytes = parse_size_bytes(text)) require(!format_size(*bytes).empty(), "a size can be shown");
  require(is_utf8(unknown("word", text, {"node", "list", "info"})), "a question is UTF-8");
}

}  // namespace
}  // namespace bramble::wire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  bramble::wire::check_messages(text);
  bramble::wire::check_warden(text);
  bramble::wire::check_frames(text);
  bramble::wire::check_calls(text);
  bramble::wire::check_replies(text);
  bramble::wire::check_packed(text);
  bramble::wire::check_names(text);
  bramble::wire::check_people_input(text);
  return 0;
}
