// Nodes without work are switched off, and on again when there is some: only where idle_off_ms says so, and only what
// no person wants otherwise.
#include <algorithm>

#include "aggregator/core/fit.hpp"
#include "aggregator/core/internal.hpp"
#include "aggregator/core/power_internal.hpp"

namespace bramble::aggregator {
namespace {

constexpr int64_t kWakeEveryMs = 2000;  // one node, then it is looked whether that was enough
constexpr size_t kMaxJobsLookedAt = 100;

bool may_idle(State& state, const PowerNode& node) {
  const PowerRecord& record = node.record;
  const Node* known = cluster_node(state, node);
  return record.state == PowerState::on && !record.by_person && known != nullptr && known->state == NodeState::on &&
         !known->record.drained && (node.lines.supply || node.lines.button) && why_kept_on(state, record.node).empty();
}

// A job whose next task no node that is on has a free slot for, and that this one could hold.
bool is_needed(const State& state, const Node& node) {
  const NodeView view = view_of(node, 0);
  size_t looked_at = 0;
  for (const auto& [order, id] : state.ready_order) {
    if (++looked_at > kMaxJobsLookedAt) return false;
    const Job& job = state.jobs.at(id);
    if (room_of(job) > 0 && could_hold(view, job.record.spec.task)) return true;
  }
  return false;
}

bool is_on_its_way(const State& state) {
  return std::any_of(state.power.nodes.begin(), state.power.nodes.end(), [](const auto& entry) {
    const PowerRecord& record = entry.second.record;
    return record.state == PowerState::starting || (record.state == PowerState::off && record.wish == PowerWish::on);
  });
}

void wake_one(State& state, Effects& effects, Now now) {
  if (state.ready_order.empty() || is_on_its_way(state) || now.mono - state.power.woken < kWakeEveryMs) return;
  for (auto& [name, node] : state.power.nodes) {
    const PowerRecord& record = node.record;
    const Node* known = cluster_node(state, node);
    const bool asleep = record.state == PowerState::off && record.wish == PowerWish::off && !record.by_person;
    if (!asleep || known == nullptr || known->record.drained || !is_needed(state, *known)) continue;
    wish(node, now, PowerWish::on, PowerHow::clean, kAutomation, "work waits for it", false);
    put_power(effects, node);
    state.power.woken = now.mono;
    return;
  }
}

}  // namespace

void watch_idle(State& state, Effects& effects, Now now) {
  const int64_t idle_ms = state.config.power.idle_off_ms;
  if (idle_ms == 0 || state.power.pause.paused || !state.connected) return;
  wake_one(state, effects, now);
  if (!state.ready_order.empty()) return;
  for (auto& [name, node] : state.power.nodes) {
    const MonoTime since = std::max(node.idle, node.since);
    if (!may_idle(state, node) || now.mono - since < idle_ms) continue;
    wish(node, now, PowerWish::off, PowerHow::clean, kAutomation, "no work for " + seconds(idle_ms), false);
    put_power(effects, node);
  }
}

}  // namespace bramble::aggregator
