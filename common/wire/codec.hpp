// Messages to JSON text and back. Pure; any bytes either decode to a valid value or give an error that says what is
// wrong with them. Unknown fields are ignored, so that a newer sender is understood.
//
// Output data is base64 in JSON. Field names are in PROTOCOL.md.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/wire/messages.hpp"

namespace bramble::wire {

std::string encode(const NodeStatus& message);
std::string encode(const Beat& message);
std::string encode(const Telemetry& message);
std::string encode(const TasksMessage& message);
std::string encode(const EventsMessage& message);
std::string encode(const Inventory& message);
std::string encode(const BlobGet& message);
std::string encode(const BlobHave& message);
std::string encode(const OutputWant& message);
std::string encode(const Checkup& message);
std::string encode(const Control& message);
std::string encode(const CertificateRequest& message);
std::string encode(const NewCertificate& message);
std::string encode(const AggregatorStatus& message);

// Message is one of the types above.
template <typename Message>
Result<Message> decode(std::string_view payload);

template <>
Result<NodeStatus> decode<NodeStatus>(std::string_view payload);
template <>
Result<Beat> decode<Beat>(std::string_view payload);
template <>
Result<Telemetry> decode<Telemetry>(std::string_view payload);
template <>
Result<TasksMessage> decode<TasksMessage>(std::string_view payload);
template <>
Result<EventsMessage> decode<EventsMessage>(std::string_view payload);
template <>
Result<Inventory> decode<Inventory>(std::string_view payload);
template <>
Result<BlobGet> decode<BlobGet>(std::string_view payload);
template <>
Result<BlobHave> decode<BlobHave>(std::string_view payload);
template <>
Result<OutputWant> decode<OutputWant>(std::string_view payload);
template <>
Result<Checkup> decode<Checkup>(std::string_view payload);
template <>
Result<Control> decode<Control>(std::string_view payload);
template <>
Result<CertificateRequest> decode<CertificateRequest>(std::string_view payload);
template <>
Result<NewCertificate> decode<NewCertificate>(std::string_view payload);
template <>
Result<AggregatorStatus> decode<AggregatorStatus>(std::string_view payload);

// Names of enumerators as they stand on the wire and in the database.
std::string_view to_string(Outcome outcome);
std::string_view to_string(Isolation isolation);
std::string_view to_string(Stream stream);
std::string_view to_string(EventType type);
std::string_view to_string(FindingState state);
std::string_view to_string(ControlAction action);
Result<Isolation> parse_isolation(std::string_view text);
Result<Outcome> parse_outcome(std::string_view text);
Result<Stream> parse_stream(std::string_view text);
Result<EventType> parse_event_type(std::string_view text);
Result<FindingState> parse_finding_state(std::string_view text);
Result<ControlAction> parse_control_action(std::string_view text);

}  // namespace bramble::wire
