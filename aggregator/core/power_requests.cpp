// What people ask about power. What they want stands until they want something else: no automation changes it.
#include <nlohmann/json.hpp>

#include "aggregator/core/internal.hpp"
#include "aggregator/core/power_internal.hpp"
#include "aggregator/core/reactor.hpp"
#include "common/base/node_set.hpp"

namespace bramble::aggregator {
namespace {

using nlohmann::json;
using Act = PowerRequest::Act;

constexpr size_t kMaxRefusalsTold = 8;

ApiReply answer(const json& body) { return {200, body.dump(-1, ' ', false, json::error_handler_t::replace), {}}; }

std::string_view name_of(Act act) {
  switch (act) {
    case Act::on:
      return "on";
    case Act::off:
      return "off";
    case Act::cycle:
      return "cycle";
    case Act::automatic:
      break;
  }
  return "auto";
}

PowerNode* find_power(State& state, const std::string& name) {
  const auto found = state.power.nodes.find(name);
  return found == state.power.nodes.end() ? nullptr : &found->second;
}

std::optional<ApiReply> refuse_unlined(State& state, const std::string& name) {
  if (find_power(state, name) != nullptr) return {};
  if (find_node(state, name) == nullptr) return refuse(404, "there is no node " + name);
  return refuse(
      409, "node " + name +
               " hangs on no line: nothing can switch it. Give it one in aggregator.toml, as in [[line]] node = \"" +
               name + "\" kind = \"relay\" chip = \"pinctrl-rp1\" line = \"GPIO17\"");
}

// One that cannot take power away, or must not.
std::optional<ApiReply> refuse_away(const State& state, const PowerNode& node, const PowerRequest& request) {
  const std::string& name = node.record.node;
  if (auto why = why_kept_on(state, name); !why.empty()) {
    return refuse(409, "node " + name + " is never switched off: " + why);
  }
  if (request.act == Act::off && !node.lines.supply && !node.lines.button) {
    return refuse(
        409, "node " + name + " has no line that takes its power, only a reset: it can be cycled, not switched off");
  }
  return {};
}

std::optional<ApiReply> refuse_power(State& state, const PowerRequest& request, const std::string& name) {
  if (auto refused = refuse_unlined(state, name)) return refused;
  const PowerNode& node = *find_power(state, name);
  if (!can_be_switched(node.lines)) {
    return refuse(409, "node " + name + " has only lines that are read: nothing can switch it");
  }
  if (request.act == Act::off || request.act == Act::cycle) {
    if (auto refused = refuse_away(state, node, request)) return refused;
  }
  const bool cuts = request.act == Act::off && request.how == PowerHow::force;
  if (node.record.state == PowerState::fault && !cuts) {
    return refuse(
        409, "node " + name + " is in fault: " + node.record.cause + ". See to it, then: bramble power clear " + name);
  }
  return {};
}

std::string error_of(const ApiReply& refused) { return json::parse(refused.body).value("error", ""); }

// All that stands in the way, and what would work: whoever names many is not told of one at a time.
std::optional<ApiReply> refuse_all(State& state, const PowerRequest& request) {
  std::optional<ApiReply> first;
  std::string told;
  size_t refusals = 0;
  std::vector<std::string> others;
  for (const auto& name : request.nodes) {
    auto refused = refuse_power(state, request, name);
    if (!refused) {
      others.push_back(name);
      continue;
    }
    if (++refusals <= kMaxRefusalsTold) told += "; " + error_of(*refused);
    if (!first) first = std::move(refused);
  }
  if (!first || request.nodes.size() == 1) return first;
  if (refusals > kMaxRefusalsTold) told += "; and " + std::to_string(refusals - kMaxRefusalsTold) + " more";
  if (!others.empty()) {
    told += "; bramble power " + std::string(name_of(request.act)) + " " + fold_node_set(others) +
            " would switch the others";
  }
  return refuse(first->http_status, "nothing was switched: " + told.substr(2));
}

// Of somebody else who wanted the contrary.
json replaced(const PowerRecord& record, const Caller& caller, Act act) {
  const bool wanted_off = record.wish == PowerWish::off;
  if (record.wish == PowerWish::none || !record.by_person || record.who == caller.user) return nullptr;
  if (act == Act::automatic || wanted_off == (act == Act::off)) return nullptr;
  return {{"who", record.who}, {"desired", to_string(record.wish)}, {"why", record.why}, {"at_ms", record.asked.ms}};
}

// One that sleeps goes on sleeping until there is work for it, or a person switches it on.
void give_back(PowerNode& node, Now now, const std::string& by) {
  const PowerWish left = node.record.state == PowerState::off ? PowerWish::off : PowerWish::none;
  wish(node, now, left, PowerHow::clean, kAutomation, left == PowerWish::off ? "left to the automation by " + by : "",
       false);
}

json switch_one(State& state, Effects& effects, Now now, const Caller& caller, const PowerRequest& request,
                PowerNode& node) {
  PowerRecord& record = node.record;
  const json earlier = replaced(record, caller, request.act);
  const bool again = record.how == PowerHow::force && wants_away(record);
  const std::string how = request.how == PowerHow::clean ? "" : " --" + std::string(to_string(request.how));
  const bool running =
      record.state != PowerState::off && record.state != PowerState::cool_down && record.state != PowerState::starting;
  if (request.act == Act::automatic) {
    give_back(node, now, caller.user);
  } else {
    wish(node, now, request.act == Act::off ? PowerWish::off : PowerWish::on, request.how, caller.user, request.reason,
         true);
  }
  record.cycle = request.act == Act::cycle && running;
  record.starts = 0;
  const bool forced = request.how == PowerHow::force;
  node.cut_now = forced && (record.state == PowerState::fault || (again && record.state == PowerState::halting));
  audit(state, effects, now, caller.user, record.node, "asked: " + std::string(name_of(request.act)) + how,
        request.reason, earlier.is_null() ? "" : "instead of what " + earlier["who"].get<std::string>() + " wanted");
  put_power(effects, node);
  for (int step = 0; step < 2; ++step) step_power(state, effects, now, node);  // to its state, and what that waits for
  mark_power(state, node);
  return {{"node", record.node},
          {"state", to_string(node.adopting ? PowerState::unknown : record.state)},
          {"desired", to_string(record.wish)},
          {"waits", node.waits},
          {"replaced", earlier}};
}

// Its switch or press is under way: the answer to that will tell.
bool is_busy(const PowerLine& line) { return line.pending != 0 && line.pending_action != LineAction::read; }

}  // namespace

ApiReply switch_power(State& state, Effects& effects, Now now, const Caller& caller, const PowerRequest& request) {
  if (!caller.operator_) return refuse(403, "only an operator may switch nodes");
  if (auto refused = refuse_all(state, request)) return *refused;
  json nodes = json::array();
  for (const auto& name : request.nodes) {
    nodes.push_back(switch_one(state, effects, now, caller, request, *find_power(state, name)));
  }
  return answer({{"nodes", nodes}});
}

ApiReply pause_power(State& state, Effects& effects, Now now, const Caller& caller, const PowerPauseRequest& request) {
  if (!caller.operator_) return refuse(403, "only an operator may pause or resume the power automation");
  state.power.pause = {request.pause, caller.user, request.reason, now.wall};
  effects.writes.push_back(PutPowerPause{state.power.pause});
  audit(state, effects, now, caller.user, "", request.pause ? "asked: pause" : "asked: resume", request.reason, "");
  return answer({{"paused", request.pause}});
}

ApiReply clear_faults(State& state, Effects& effects, Now now, const Caller& caller, const ClearFaultRequest& request) {
  if (!caller.operator_) return refuse(403, "only an operator may clear faults");
  for (const auto& name : request.nodes) {
    if (auto refused = refuse_unlined(state, name)) return *refused;
    const PowerNode& node = *find_power(state, name);
    if (node.record.state != PowerState::fault) {
      return refuse(409, "node " + name + " is not in fault: it is " + std::string(to_string(node.record.state)));
    }
  }
  for (const auto& name : request.nodes) {
    PowerNode& node = *find_power(state, name);
    audit(state, effects, now, caller.user, name, "asked: clear", request.reason, node.record.cause);
    node.record.starts = 0;
    enter(state, effects, now, node, PowerState::unknown, "its fault was cleared by " + caller.user, caller.user);
    node.adopting = true;
    for (LineIndex line = 0; line < state.power.lines.size(); ++line) {
      if (state.config.power.lines[line].node != name || is_busy(state.power.lines[line])) continue;
      state.power.lines[line].told.reset();
      state.power.lines[line].reads_failed = 0;
      ask_line(state, effects, now, line, LineAction::read);
    }
  }
  return answer({{"nodes", request.nodes}});
}

}  // namespace bramble::aggregator
