// The small messages: status, beat, telemetry, requests for bytes.
#include "common/wire/codec.hpp"

#include <cmath>

#include "common/base/utf8.hpp"
#include "common/wire/json_parts.hpp"
#include "common/wire/metrics.hpp"
#include "common/wire/plain_telemetry.hpp"

namespace bramble::wire {
namespace {

std::string short_text(std::string_view text) { return to_utf8(text, kMaxShortTextBytes); }

void put_node(OutJson& json, const NodeStatus& status) {
  json["protocol"] = status.protocol;
  json["version"] = short_text(status.version);
  json["model"] = short_text(status.model);
  json["arch"] = short_text(status.arch);
  if (!status.store.empty()) json["store"] = status.store;
  put_unless(json, "term", status.term, TermId{0});
  put_unless(json, "session", status.session, SessionId{0});
  json["cores"] = status.cores;
  json["memory_bytes"] = status.memory_bytes;
  if (!status.resources.empty()) json["resources"] = status.resources;
  if (status.containment != Containment{}) json["containment"] = to_json(status.containment);
  put_unless(json, "revision", status.revision, uint64_t{0});
  if (status.labels.empty()) return;
  OutJson& labels = json["labels"] = OutJson::object();
  for (const auto& [name, value] : status.labels) labels[name] = short_text(value);
}

void read_node(Fields& fields, NodeStatus& status) {
  fields.required("machine_id", status.machine_id, read_name)
      .required("protocol", status.protocol, Whole<int>{})
      .optional("version", status.version, Text{})
      .optional("model", status.model, Text{})
      .optional("arch", status.arch, Text{})
      .optional("store", status.store, read_uuid)
      .optional("term", status.term, Whole<uint64_t>{})
      .optional("session", status.session, Whole<uint64_t>{})
      .required("cores", status.cores, Whole<uint32_t>{})
      .optional("memory_bytes", status.memory_bytes, Whole<uint64_t>{})
      .optional("resources", status.resources, read_resources)
      .optional("labels", status.labels, MapOf{name_key, Text{}})
      .optional("containment", status.containment, read_containment)
      .optional("revision", status.revision, Whole<uint64_t>{});
}

Status read_status(const Json& json, NodeStatus& status) {
  Fields fields(json);
  fields.required("online", status.online, read_bool)
      .required("node", status.node, read_name)
      .required("agent_id", status.agent_id, read_uuid)
      .required("boot_id", status.boot_id, read_name)
      .required("counter", status.counter, Whole<uint64_t>{});
  if (status.online) {
    read_node(fields, status);
  } else {
    fields.optional("machine_id", status.machine_id, read_name).optional("reason", status.reason, Text{});
  }
  return fields.status();
}

Status read_beat(const Json& json, Beat& beat) {
  return Fields(json)
      .required("number", beat.number, Whole<uint64_t>{})
      .required("session", beat.session, Whole<uint64_t>{})
      .required("sent_ms", beat.sent_ms, Whole<int64_t>{})
      .required("running", beat.running, Whole<uint32_t>{})
      .required("queued", beat.queued, Whole<uint32_t>{})
      .optional("spool_bytes", beat.spool_bytes, Whole<uint64_t>{})
      .optional("spool_full", beat.spool_full, read_bool)
      .optional("warden_silent_ms", beat.warden_silent_ms, Whole<int64_t>{.min = 0})
      .optional("revision", beat.revision, Whole<uint64_t>{})
      .status();
}

// A value that cannot be says that its sender is broken: nothing of it is believed.
Status read_values(const Json& json, std::map<std::string, double>& values) {
  if (json.size() > kMaxMetrics) return fail("more than " + std::to_string(kMaxMetrics) + " metrics");
  if (Status got = MapOf{name_key, read_finite}(json, values); !got) return got;
  for (const auto& [name, value] : values) {
    if (const char* why = why_impossible(name, value)) return in_context(name, Error{.message = why});
  }
  return {};
}

Status read_telemetry(const Json& json, Telemetry& telemetry) {
  return Fields(json)
      .required("number", telemetry.number, Whole<uint64_t>{})
      .required("wall_ms", telemetry.wall_ms, Whole<int64_t>{})
      .optional("age_ms", telemetry.age_ms, Whole<int64_t>{.max = kMaxAgeMs})
      .optional("run", telemetry.run, Whole<uint64_t>{})
      .optional("power_measured", telemetry.power_measured, read_bool)
      .required("values", telemetry.values, read_values)
      .optional("trouble", telemetry.trouble, Text{kMaxTroubleBytes})
      .status();
}

Status read_blob_get(const Json& json, BlobGet& get) {
  return Fields(json)
      .required("session", get.session, Whole<uint64_t>{})
      .required("sha256", get.sha256, read_sha256)
      .optional("offset", get.offset, Whole<uint64_t>{})
      .required("chunks", get.chunks, Whole<uint32_t>{.min = 1, .max = kMaxCreditChunks})
      .optional("zstd", get.zstd, read_bool)
      .optional("shared", get.shared, read_bool)
      .status();
}

Status read_output_want(const Json& json, OutputWant& want) {
  return Fields(json)
      .required("store", want.store, read_uuid)
      .required("session", want.session, Whole<uint64_t>{})
      .required("id", want.id, read_attempt)
      .required("stream", want.stream, read_stream)
      .optional("offset", want.offset, Whole<uint64_t>{})
      .required("chunks", want.chunks, Whole<uint32_t>{.min = 1, .max = kMaxCreditChunks})
      .status();
}

Status read_action(const Json& json, ControlAction& into) {
  if (!json.is_string()) return fail("must be text");
  auto action = parse_control_action(json.get_ref<const std::string&>());
  if (!action) return tl::unexpected(std::move(action.error()));
  into = *action;
  return {};
}

Status read_control(const Json& json, Control& control) {
  return Fields(json)
      .required("store", control.store, read_uuid)
      .required("term", control.term, Whole<uint64_t>{})
      .required("session", control.session, Whole<uint64_t>{})
      .required("do", control.action, read_action)
      .optional("why", control.why, Text{})
      .status();
}

Status read_aggregator_status(const Json& json, AggregatorStatus& status) {
  return Fields(json)
      .required("online", status.online, read_bool)
      .required("store", status.store, read_uuid)
      .required("term", status.term, Whole<uint64_t>{})
      .optional("run", status.run, read_uuid)
      .optional("version", status.version, Text{})
      .status();
}

}  // namespace

std::string encode(const NodeStatus& status) {
  OutJson json = {{"online", status.online}, {"node", status.node}, {"agent_id", status.agent_id}};
  if (!status.machine_id.empty()) json["machine_id"] = status.machine_id;
  json["boot_id"] = status.boot_id;
  json["counter"] = status.counter;
  if (status.online) {
    put_node(json, status);
  } else if (!status.reason.empty()) {
    json["reason"] = short_text(status.reason);
  }
  return to_text(json);
}

std::string encode(const Beat& beat) {
  OutJson json = {{"number", beat.number},
                  {"session", beat.session},
                  {"sent_ms", beat.sent_ms},
                  {"running", beat.running},
                  {"queued", beat.queued}};
  put_unless(json, "spool_bytes", beat.spool_bytes, uint64_t{0});
  if (beat.spool_full) json["spool_full"] = true;
  put_unless(json, "warden_silent_ms", beat.warden_silent_ms, int64_t{0});
  put_unless(json, "revision", beat.revision, uint64_t{0});
  return to_text(json);
}

// A value that is not finite is one that the node cannot tell: JSON has no word for it, so it is left out.
std::string encode(const Telemetry& telemetry) {
  OutJson values = OutJson::object();
  for (const auto& [name, value] : telemetry.values) {
    if (std::isfinite(value)) values[name] = value;
  }
  OutJson json = {{"number", telemetry.number}, {"wall_ms", telemetry.wall_ms}};
  put_unless(json, "age_ms", telemetry.age_ms, int64_t{0});
  put_unless(json, "run", telemetry.run, uint64_t{0});
  json["power_measured"] = telemetry.power_measured;
  json["values"] = std::move(values);
  put_unless(json, "trouble", telemetry.trouble, std::string());
  return to_text(json);
}

std::string encode(const BlobGet& get) {
  OutJson json = {{"session", get.session}, {"sha256", get.sha256}};
  put_unless(json, "offset", get.offset, uint64_t{0});
  json["chunks"] = get.chunks;
  put_unless(json, "zstd", get.zstd, false);
  put_unless(json, "shared", get.shared, false);
  return to_text(json);
}

std::string encode(const OutputWant& want) {
  OutJson json = {{"store", want.store},
                  {"session", want.session},
                  {"id", bramble::to_string(want.id)},
                  {"stream", to_string(want.stream)}};
  put_unless(json, "offset", want.offset, uint64_t{0});
  json["chunks"] = want.chunks;
  return to_text(json);
}

std::string encode(const Control& control) {
  OutJson json = {{"store", control.store},
                  {"term", control.term},
                  {"session", control.session},
                  {"do", to_string(control.action)}};
  if (!control.why.empty()) json["why"] = short_text(control.why);
  return to_text(json);
}

std::string encode(const AggregatorStatus& status) {
  OutJson json = {{"online", status.online}, {"store", status.store}, {"term", status.term}};
  if (!status.run.empty()) json["run"] = status.run;
  if (!status.version.empty()) json["version"] = short_text(status.version);
  return to_text(json);
}

template <>
Result<NodeStatus> decode<NodeStatus>(std::string_view payload) {
  return read_payload<NodeStatus>("status", payload, read_status);
}

template <>
Result<Beat> decode<Beat>(std::string_view payload) {
  return read_payload<Beat>("beat", payload, read_beat);
}

template <>
Result<Telemetry> decode<Telemetry>(std::string_view payload) {
  if (auto plain = decode_plain_telemetry(payload)) return std::move(*plain);
  return read_payload<Telemetry>("telemetry", payload, read_telemetry);
}

template <>
Result<BlobGet> decode<BlobGet>(std::string_view payload) {
  return read_payload<BlobGet>("blob/get", payload, read_blob_get);
}

template <>
Result<OutputWant> decode<OutputWant>(std::string_view payload) {
  return read_payload<OutputWant>("blob/want", payload, read_output_want);
}

template <>
Result<Control> decode<Control>(std::string_view payload) {
  return read_payload<Control>("control", payload, read_control);
}

template <>
Result<AggregatorStatus> decode<AggregatorStatus>(std::string_view payload) {
  return read_payload<AggregatorStatus>("aggregator/status", payload, read_aggregator_status);
}

}  // namespace bramble::wire
