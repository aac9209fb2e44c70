// The names of enumerators.
#include <array>
#include <utility>

#include "common/base/utf8.hpp"
#include "common/wire/codec.hpp"

namespace bramble::wire {
namespace {

template <typename Enum, size_t N>
using Names = std::array<std::pair<Enum, std::string_view>, N>;

constexpr Names<Outcome, 8> kOutcomes = {{{Outcome::exited, "exited"},
                                          {Outcome::signaled, "signaled"},
                                          {Outcome::timed_out, "timed_out"},
                                          {Outcome::memory, "memory"},
                                          {Outcome::cancelled, "cancelled"},
                                          {Outcome::lease_ended, "lease_ended"},
                                          {Outcome::warden_lost, "warden_lost"},
                                          {Outcome::start_failed, "start_failed"}}};

constexpr Names<Isolation, 2> kIsolations = {{{Isolation::none, "none"}, {Isolation::sandbox, "sandbox"}}};

constexpr Names<Stream, 2> kStreams = {{{Stream::stdout_, "stdout"}, {Stream::stderr_, "stderr"}}};

constexpr Names<EventType, 7> kEventTypes = {{{EventType::taken, "taken"},
                                              {EventType::returned, "returned"},
                                              {EventType::refused, "refused"},
                                              {EventType::gone, "gone"},
                                              {EventType::started, "started"},
                                              {EventType::output, "output"},
                                              {EventType::finished, "finished"}}};

constexpr Names<FindingState, 4> kFindingStates = {{{FindingState::good, "good"},
                                                    {FindingState::unknown, "unknown"},
                                                    {FindingState::warning, "warning"},
                                                    {FindingState::problem, "problem"}}};

constexpr Names<ControlAction, 2> kActions = {
    {{ControlAction::shutdown, "shutdown"}, {ControlAction::reboot, "reboot"}}};

template <typename Enum, size_t N>
std::string_view name_of(const Names<Enum, N>& names, Enum value) {
  for (const auto& [each, name] : names) {
    if (each == value) return name;
  }
  return "?";  // no enumerator: a broken invariant, which the other side's decoder refuses
}

template <typename Enum, size_t N>
Result<Enum> value_of(const Names<Enum, N>& names, std::string_view text, const char* what) {
  for (const auto& [value, name] : names) {
    if (name == text) return value;
  }
  return fail(std::string("unknown ") + what + " '" + to_utf8(text, 32) + "'");
}

}  // namespace

std::string_view to_string(Outcome outcome) { return name_of(kOutcomes, outcome); }
std::string_view to_string(Isolation isolation) { return name_of(kIsolations, isolation); }
std::string_view to_string(Stream stream) { return name_of(kStreams, stream); }
std::string_view to_string(EventType type) { return name_of(kEventTypes, type); }
std::string_view to_string(FindingState state) { return name_of(kFindingStates, state); }
std::string_view to_string(ControlAction action) { return name_of(kActions, action); }

Result<Isolation> parse_isolation(std::string_view text) { return value_of(kIsolations, text, "isolation"); }
Result<Outcome> parse_outcome(std::string_view text) { return value_of(kOutcomes, text, "outcome"); }
Result<Stream> parse_stream(std::string_view text) { return value_of(kStreams, text, "stream"); }
Result<EventType> parse_event_type(std::string_view text) { return value_of(kEventTypes, text, "event"); }
Result<FindingState> parse_finding_state(std::string_view text) { return value_of(kFindingStates, text, "state"); }
Result<ControlAction> parse_control_action(std::string_view text) { return value_of(kActions, text, "action"); }

}  // namespace bramble::wire
