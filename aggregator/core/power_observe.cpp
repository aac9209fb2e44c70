// What is known of a node's power: from its beats, its lines, its meter.
#include <algorithm>

#include "aggregator/core/internal.hpp"
#include "aggregator/core/power_internal.hpp"
#include "aggregator/core/reactor.hpp"

namespace bramble::aggregator {
namespace {

constexpr int64_t kStuckMs = 10'000;

}  // namespace

Node* cluster_node(State& state, const PowerNode& node) { return find_node(state, node.record.node); }

std::string boot_of(State& state, const PowerNode& node) {
  const Node* known = cluster_node(state, node);
  return known == nullptr ? "" : known->record.status.boot_id;
}

bool is_new_boot(State& state, const PowerNode& node) {
  return is_up(state, node) && boot_of(state, node) != node.record.boot_before;
}

std::string cause_of_wish(const PowerRecord& record) {
  return record.why.empty() ? "wanted by " + record.who : record.why;
}

bool is_up(State& state, const PowerNode& node) {
  const Node* known = cluster_node(state, node);
  return known != nullptr && known->state == NodeState::on;
}

bool is_stuck(const Node& node) {
  return node.state == NodeState::on && node.beat && node.beat->warden_silent_ms >= kStuckMs;
}

bool is_stuck(State& state, const PowerNode& node) {
  const Node* known = cluster_node(state, node);
  return known != nullptr && is_stuck(*known);
}

bool can_be_switched(const PowerLines& lines) { return lines.supply || lines.button || lines.reset; }

bool is_reset_only(const PowerLines& lines) { return lines.reset && !lines.supply && !lines.button; }

bool said_goodbye(State& state, const PowerNode& node) {
  const Node* known = cluster_node(state, node);
  return known != nullptr && known->state == NodeState::stopped;
}

// A node that beats and never answers a welcome with its inventory makes no progress either: it is not up.
int64_t unheard_ms(State& state, const PowerNode& node, Now now) {
  const Node* known = cluster_node(state, node);
  if (!state.connected || (known != nullptr && known->foreign)) return 0;
  return std::max<int64_t>(0, now.mono - std::max(node.up, state.trusted_since));
}

int64_t recovery_ms(const State& state, const PowerNode& node) {
  return std::max(state.config.power.recovery_floor_ms, 2 * node.record.boot_ms);
}

std::optional<bool> level_of(const State& state, const std::optional<LineIndex>& line) {
  if (!line) return {};
  return state.power.lines[*line].level;
}

namespace {

std::optional<int64_t> drawn_now_mw(const State& state, const PowerNode& node, MonoTime not_before) {
  if (!node.lines.meter) return {};
  const PowerLine& meter = state.power.lines[*node.lines.meter];
  if (!meter.told || *meter.told < not_before) return {};
  return meter.power_mw;
}

}  // namespace

Halt halt_of(State& state, const PowerNode& node) {
  const PowerLines& lines = node.lines;
  if (!lines.halted && !lines.meter) return Halt::cannot_tell;
  if (is_up(state, node)) return Halt::not_seen;
  if (reads(state, lines.halted, true)) return Halt::seen;
  if (lines.halted && level_of(state, lines.halted)) return Halt::not_seen;
  const auto drawn = drawn_now_mw(state, node, node.since);
  return drawn && *drawn <= state.config.power.quiet_mw ? Halt::seen : Halt::not_seen;
}

bool is_lease_over(State& state, const PowerNode& node, Now now) {
  const Node* known = cluster_node(state, node);
  if (known == nullptr) return true;
  int64_t lease_ms = state.config.lease_ms;
  for (const auto* keys : {&known->attempts, &known->lost_attempts}) {
    for (const auto& key : *keys) lease_ms = std::max(lease_ms, state.jobs.at(key.job).record.spec.task.lease_ms);
  }
  const MonoTime heard = std::max(known->heard.value_or(state.started), state.started);
  return now.mono >= lease_proof(heard, lease_ms);
}

bool is_cut_overdue(const State& state, const PowerNode& node, Now now, int64_t limit_ms) {
  if (!node.tried) return false;
  const PowerConfig& config = state.config.power;
  const PowerLines& lines = node.lines;
  const int64_t press_ms = lines.supply || !lines.button ? 0 : config.lines[*lines.button].long_press_ms;
  if (now.mono - *node.tried < limit_ms + press_ms) return false;
  return !node.acted_at || now.mono - *node.acted_at > config.hold_ms + config.watch_ms;
}

std::string missing_of_cut(State& state, const PowerNode& node, Now now) {
  if (!node.tried) return "its line was not switched yet";
  if (node.lines.supply) {
    const PowerLine& supply = state.power.lines[*node.lines.supply];
    if (!supply.error.empty()) return "its line cannot be read: " + supply.error;
    if (supply.level == std::optional(true)) return node.failed.empty() ? "its line reads on" : node.failed;
  }
  if (!node.acted || !node.acted_at) return "its line has not answered";
  if (is_up(state, node)) return "it still beats";
  if (node.lines.meter) {
    const auto drawn = drawn_now_mw(state, node, *node.acted_at);
    if (!drawn) return "its meter tells nothing";
    if (*drawn > state.config.power.off_mw) return "it still draws " + watts(*drawn);
  }
  if (now.mono - *node.acted_at < state.config.power.hold_ms) {
    return "it must have been off for " + seconds(state.config.power.hold_ms);
  }
  return {};
}

void watch_proof(State& state, Effects& effects, Now now, PowerNode& node) {
  if (node.record.off_proved || !reads(state, node.lines.supply, false) || is_up(state, node)) return;
  std::string how = "its meter shows " + watts(state.config.power.off_mw) + " or less";
  if (node.lines.meter) {
    const auto drawn = drawn_now_mw(state, node, node.since);
    if (!drawn || *drawn > state.config.power.off_mw) return;
  } else {
    if (!is_lease_over(state, node, now)) return;
    how = "its lease has ended";
  }
  node.record.off_proved = true;
  put_power(effects, node);
  audit(state, effects, now, kAutomation, node.record.node, "off is proved", "its line reads off, and " + how, "");
  on_power_off(state, effects, now, node.record.node);
}

std::string why_protected(const State& state, const std::string& name) {
  const PowerConfig& config = state.config.power;
  const auto known = state.node_by_name.find(name);
  const bool same_machine = known != state.node_by_name.end() && !config.head_machine_id.empty() &&
                            state.nodes[known->second].record.status.machine_id == config.head_machine_id;
  if (same_machine || config.head_nodes.contains(name)) return "the aggregator runs there";
  if (config.broker_nodes.contains(name)) return "the broker runs there";
  return {};
}

std::string why_kept_on(const State& state, const std::string& name) {
  if (auto why = why_protected(state, name); !why.empty()) return why;
  return state.config.power.keep_on.contains(name) ? "it is one of keep_on in aggregator.toml" : "";
}

bool wants_away(const PowerRecord& record) { return record.wish == PowerWish::off || record.cycle; }

bool is_paused_for(const State& state, const PowerNode& node) {
  return state.power.pause.paused && !(node.record.wish != PowerWish::none && node.record.by_person);
}

}  // namespace bramble::aggregator
