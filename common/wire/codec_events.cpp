// EventsMessage and Inventory: what an agent tells about work.
#include "common/base/base64.hpp"
#include "common/base/utf8.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/json_parts.hpp"

namespace bramble::wire {
namespace {

OutJson to_json(const Output& output) {
  OutJson json = {{"stream", to_string(output.stream)}};
  put_unless(json, "offset", output.offset, uint64_t{0});
  json["size_bytes"] = output.size_bytes;
  if (!output.data.empty()) json["data"] = base64_encode(output.data);
  return json;
}

Status read_output(const Json& json, Output& output) {
  Fields fields(json);
  fields.required("stream", output.stream, read_stream)
      .optional("offset", output.offset, Whole<uint64_t>{})
      .required("size_bytes", output.size_bytes, Whole<uint64_t>{})
      .optional("data", output.data, Base64{});
  const bool within = output.offset <= output.size_bytes && output.data.size() <= output.size_bytes - output.offset;
  return fields.check(within, "offset and data must lie within size_bytes").status();
}

OutJson to_json(const Event& event) {
  OutJson json = {{"type", to_string(event.type)}, {"id", bramble::to_string(event.id)}};
  put_unless(json, "number", event.number, uint64_t{0});
  if (!event.text.empty()) json["text"] = to_utf8(event.text, kMaxLongTextBytes);
  if (event.output) json["output"] = to_json(*event.output);
  if (event.finished) json["finished"] = to_json(*event.finished);
  return json;
}

Status read_event_type(const Json& json, EventType& type) {
  std::string text;
  if (Status got = Text{}(json, text); !got) return got;
  const Result<EventType> parsed = parse_event_type(text);
  if (!parsed) return tl::unexpected(parsed.error());
  type = *parsed;
  return {};
}

Status read_event(const Json& json, Event& event) {
  Fields fields(json);
  fields.required("type", event.type, read_event_type)
      .required("id", event.id, read_attempt)
      .optional("number", event.number, Whole<uint64_t>{})
      .optional("text", event.text, Text{kMaxLongTextBytes})
      .optional("output", event.output, read_output)
      .optional("finished", event.finished, read_finished);
  return fields.check(event.output.has_value() == (event.type == EventType::output), "'output' goes with type output")
      .check(event.finished.has_value() == (event.type == EventType::finished), "'finished' goes with type finished")
      .status();
}

Status read_events(const Json& json, EventsMessage& message) {
  return Fields(json)
      .required("store", message.store, read_uuid)
      .optional("term", message.term, Whole<uint64_t>{})
      .required("session", message.session, Whole<uint64_t>{})
      .required("events", message.events, ListOf{read_event})
      .status();
}

Status read_inventory(const Json& json, Inventory& inventory) {
  Fields fields(json);
  fields.required("store", inventory.store, read_uuid)
      .required("session", inventory.session, Whole<uint64_t>{})
      .required("nonce", inventory.nonce, Whole<uint64_t>{})
      .optional("page", inventory.page, Whole<uint32_t>{})
      .optional("pages", inventory.pages, Whole<uint32_t>{.min = 1})
      .optional("queued", inventory.queued, ListOf{read_attempt})
      .optional("running", inventory.running, ListOf{read_attempt})
      .optional("finished", inventory.finished, ListOf{read_attempt});
  return fields.check(inventory.page < inventory.pages, "page must be below pages").status();
}

}  // namespace

std::string encode(const EventsMessage& message) {
  OutJson events = OutJson::array();
  for (const Event& event : message.events) events.push_back(to_json(event));
  OutJson json = {{"store", message.store}};
  put_unless(json, "term", message.term, TermId{0});
  json["session"] = message.session;
  json["events"] = std::move(events);
  return to_text(json);
}

template <>
Result<EventsMessage> decode<EventsMessage>(std::string_view payload) {
  return read_payload<EventsMessage>("events", payload, read_events);
}

std::string encode(const Inventory& inventory) {
  OutJson json = {{"store", inventory.store}, {"session", inventory.session}, {"nonce", inventory.nonce}};
  put_unless(json, "page", inventory.page, uint32_t{0});
  put_unless(json, "pages", inventory.pages, uint32_t{1});
  if (!inventory.queued.empty()) json["queued"] = attempt_list(inventory.queued);
  if (!inventory.running.empty()) json["running"] = attempt_list(inventory.running);
  if (!inventory.finished.empty()) json["finished"] = attempt_list(inventory.finished);
  return to_text(json);
}

template <>
Result<Inventory> decode<Inventory>(std::string_view payload) {
  return read_payload<Inventory>("inventory", payload, read_inventory);
}

}  // namespace bramble::wire
