#include "aggregator/core/doctor.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "aggregator/core/internal.hpp"
#include "aggregator/core/power_internal.hpp"
#include "common/base/duration.hpp"
#include "common/wire/codec.hpp"

namespace bramble::aggregator {
namespace {

using nlohmann::json;
using wire::Finding;
using wire::FindingState;
using Findings = std::vector<Finding>;

constexpr int64_t kSlowBrokerMs = 500;
constexpr double kWornCard = 0.8;
// Of the firmware's word (agent/sensors/throttling.cpp).
constexpr uint32_t kLowVoltageNow = 1;
constexpr uint32_t kLowVoltageSince = 1 << 16;
constexpr uint32_t kThrottledNow = 0b1110;
constexpr uint32_t kThrottledSince = kThrottledNow << 16;

std::string ping_payload(const State& state, uint64_t number) {
  return state.config.run + " " + std::to_string(number);
}

Finding judge_hearing(const State& state, const Node& node, Now now) {
  const std::string ago = node.heard ? format_duration((now.mono - *node.heard) / 1000 * 1000) : "";
  if (node.foreign) {
    return {
        "heard", FindingState::problem,
        "its agent belongs to another aggregator: stop it, empty its state_dir, and start it again to join it here"};
  }
  const std::string& name = node.record.status.node;
  if (is_off_unasked(state, name)) {
    return {"heard", FindingState::warning,
            "its power is off, and nobody asked for that: its line was found off. If it was not switched by hand look "
            "at its cable and fuse; then: bramble power on " +
                name};
  }
  if (node.state != NodeState::on && is_switched_off(state, name)) {
    return {"heard", FindingState::good,
            "it is switched off, or on its way there or back: bramble power status " + name};
  }
  switch (node.state) {
    case NodeState::on:
      if (node.beat && node.beat->warden_silent_ms > 0) {
        return {"heard", FindingState::problem,
                "it beats, and its warden has not answered for " +
                    format_duration(node.beat->warden_silent_ms / 1000 * 1000) +
                    ": a disk or a kernel that hangs; look at its kernel's log, or power it off and on"};
      }
      return {"heard", FindingState::good, "it beats"};
    case NodeState::stopped:
      return {"heard", FindingState::warning, "its agent said goodbye: start bramble-agent there, or its machine"};
    case NodeState::joining:
      return {"heard", FindingState::good, "it is joining"};
    case NodeState::unknown:
    case NodeState::silent:
    case NodeState::lost:
      break;
  }
  return {"heard", FindingState::problem,
          (ago.empty() ? "it was not heard since the aggregator started" : "it was not heard for " + ago) +
              ": look whether it has power, a network, and bramble-agent runs (systemctl status bramble-agent)" +
              (state.connected ? "" : "; the aggregator itself has no broker at this moment")};
}

std::optional<double> reading_of(const Node& node, const char* metric) {
  if (node.state != NodeState::on || !node.telemetry) return {};
  const auto found = node.telemetry->values.find(metric);
  return found == node.telemetry->values.end() ? std::nullopt : std::optional(found->second);
}

// A node may tell any number: what is no word of 32 bits says nothing.
uint32_t throttled_bits(const Node& node) {
  const double told = reading_of(node, "throttled_bits").value_or(0);
  return told >= 0 && told <= std::numeric_limits<uint32_t>::max() ? static_cast<uint32_t>(told) : 0;
}

void judge_readings(const Node& node, Findings& findings) {
  const uint32_t bits = throttled_bits(node);
  const bool low_now = (bits & kLowVoltageNow) != 0 || reading_of(node, "under_voltage").value_or(0) > 0;
  if (low_now) {
    findings.push_back({"voltage", FindingState::problem,
                        "its supply is too weak at this moment: a stronger one, or a shorter and thicker cable"});
  } else if ((bits & kLowVoltageSince) != 0) {
    findings.push_back({"voltage", FindingState::warning,
                        "its supply was too weak at times since it started: a stronger one, or a shorter cable"});
  } else if (reading_of(node, "under_voltage")) {
    findings.push_back({"voltage", FindingState::good, "no under-voltage since it started"});
  }
  if ((bits & (kThrottledNow | kThrottledSince)) != 0) {
    const std::string when = (bits & kThrottledNow) != 0 ? "now" : "at times since it started";
    findings.push_back({"heat", FindingState::warning, "it is slowed down " + when + ": cool it better"});
  }
  if (node.state == NodeState::on && node.telemetry && !node.telemetry->trouble.empty()) {
    findings.push_back({"sensors", FindingState::warning, node.telemetry->trouble});
  }
  const double worn = reading_of(node, "card_life_used_ratio").value_or(0);
  if (worn >= kWornCard) {
    findings.push_back({"card", FindingState::warning,
                        std::to_string(static_cast<int>(std::min(worn, 10.0) * 100)) +
                            " % of its card's life are used: replace it soon"});
  }
}

void judge_power(const State& state, const std::string& name, Findings& findings) {
  const auto lined = state.power.nodes.find(name);
  if (lined == state.power.nodes.end()) {
    findings.push_back({"power", FindingState::good, "it hangs on no line: nobody switches it"});
    return;
  }
  const PowerRecord& record = lined->second.record;
  if (record.state == PowerState::fault) {
    findings.push_back({"power", FindingState::problem,
                        "a fault: " + record.cause + "; see to it, then: bramble power clear " + name});
  } else if (!record.off_proved && lined->second.lines.supply && !state.config.power.recovery) {
    findings.push_back({"power", FindingState::good,
                        "recovery is off: a hung node is left as it is (recovery = true under [power] changes that)"});
  } else {
    findings.push_back({"power", FindingState::good, std::string(to_string(record.state))});
  }
  for (size_t i = 0; i < state.power.lines.size(); ++i) {
    const std::string& error = state.power.lines[i].error;
    if (state.config.power.lines[i].node != name || error.empty()) continue;
    findings.push_back({"line", FindingState::problem, state.config.power.lines[i].name + ": " + error});
  }
}

Findings findings_of(const State& state, const std::string& name, Now now) {
  Findings findings;
  const auto known = state.node_by_name.find(name);
  if (known == state.node_by_name.end()) {
    findings.push_back({"heard", FindingState::problem,
                        "it was never heard: install bramble-agent there with this name and this broker's address"});
  } else {
    const Node& node = state.nodes[known->second];
    findings.push_back(judge_hearing(state, node, now));
    judge_readings(node, findings);
    if (node.state == NodeState::on && node.checkup) {
      findings.insert(findings.end(), node.checkup->findings.begin(), node.checkup->findings.end());
    } else if (node.state == NodeState::on) {
      findings.push_back({"checkup", FindingState::unknown, "it has not told yet what it finds about itself"});
    }
  }
  judge_power(state, name, findings);
  return findings;
}

Finding judge_broker(const State& state, int64_t round_trip_ms) {
  if (!state.connected) {
    return {"broker", FindingState::problem,
            "no connection: " + state.last_disconnect_reason + "; look whether mosquitto runs where broker_url says"};
  }
  if (round_trip_ms < 0) {
    return {"broker", FindingState::problem,
            "it gave nothing back within " + std::to_string(kPingLimitMs / 1000) +
                " s: look at its load, and whether its rules let the aggregator read aggregator/ping"};
  }
  const std::string text = "there and back in " + std::to_string(round_trip_ms) + " ms";
  if (round_trip_ms < kSlowBrokerMs) return {"broker", FindingState::good, text};
  return {"broker", FindingState::warning, text + ": its machine is busy or its network slow"};
}

Findings head_findings(const State& state, int64_t round_trip_ms) {
  Findings findings{judge_broker(state, round_trip_ms)};
  if (!state.gone_back.empty()) findings.push_back({"store", FindingState::problem, state.gone_back});
  if (state.power.pause.paused) {
    findings.push_back({"power", FindingState::warning,
                        "its automation is paused by " + state.power.pause.who + ": bramble power resume"});
  }
  return findings;
}

json to_json(const Findings& findings) {
  json list = json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"check", finding.check}, {"state", wire::to_string(finding.state)}, {"text", finding.text}});
  }
  return list;
}

std::set<std::string> chosen_names(const State& state, const DoctorRequest& request) {
  std::set<std::string> names(request.nodes.begin(), request.nodes.end());
  if (!names.empty()) return names;
  for (const auto& [name, index] : state.node_by_name) names.insert(name);
  for (const auto& [name, node] : state.power.nodes) names.insert(name);
  return names;
}

void answer(const State& state, Effects& effects, Now now, DoctorWaiter& waiter, int64_t round_trip_ms) {
  effects.replies.push_back(
      {std::move(waiter.reply), {200, doctor_json(state, now, waiter.request, round_trip_ms), {}}});
}

}  // namespace

std::string doctor_json(const State& state, Now now, const DoctorRequest& request, int64_t round_trip_ms) {
  Findings head = head_findings(state, round_trip_ms);
  for (const auto& [node, finding] : request.seen) {
    if (node.empty()) head.push_back(finding);
  }
  json nodes = json::array();
  for (const std::string& name : chosen_names(state, request)) {
    Findings findings = findings_of(state, name, now);
    for (const auto& [node, finding] : request.seen) {
      if (node == name) findings.push_back(finding);
    }
    nodes.push_back({{"node", name}, {"findings", to_json(findings)}});
  }
  return json{{"head", to_json(head)}, {"nodes", nodes}}.dump(-1, ' ', false, json::error_handler_t::replace);
}

void begin_doctor(State& state, Effects& effects, Now now, DoctorRequest request, ReplyHandler reply) {
  if (state.doctors.size() >= kMaxDoctorWaiters) {
    effects.replies.push_back({std::move(reply), refuse(503, "the doctor is busy: try again")});
    return;
  }
  DoctorWaiter waiter{std::move(request), std::move(reply), ++state.last_ping, now.mono};
  if (!state.connected) return answer(state, effects, now, waiter, -1);
  effects.publish.push_back(
      {state.topics.aggregator_ping(), ping_payload(state, waiter.ping), 1, false, kPingLimitMs / 1000});
  state.doctors.push_back(std::move(waiter));
}

void on_ping(State& state, Effects& effects, Now now, std::string_view payload) {
  std::erase_if(state.doctors, [&](DoctorWaiter& waiter) {
    if (payload != ping_payload(state, waiter.ping)) return false;
    answer(state, effects, now, waiter, std::max<int64_t>(0, now.mono - waiter.asked));
    return true;
  });
}

void answer_late_doctors(State& state, Effects& effects, Now now) {
  std::erase_if(state.doctors, [&](DoctorWaiter& waiter) {
    if (now.mono - waiter.asked < kPingLimitMs) return false;
    answer(state, effects, now, waiter, -1);
    return true;
  });
}

}  // namespace bramble::aggregator
