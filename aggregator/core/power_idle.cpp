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
constexpr int64_t kHaltMs = 10'000;       // a Raspberry Pi takes some 5 to 15 s
constexpr double kUsualBusyToIdle = 2.5;  // of the boards, from 1.9 (4 B) to 4.2 (Zero 2 W)
constexpr double kMostBusyToIdle = 10.0;

// So long a node idles for what halting and booting cost: both are work, at busy watts. To wait until the rent paid is
// the price of buying costs at most twice what the best choice with knowledge of the future would (ski rental; for
// power-down: Irani, Shukla and Gupta 2003). Nothing before its boot time is known.
int64_t break_even_ms(const PowerNode& node, const Node& known) {
  if (node.record.boot_ms == 0) return 0;
  double ratio = kUsualBusyToIdle;
  if (known.record.power && known.record.power->idle_w > 0) {
    ratio = std::min(known.record.power->busy_w / known.record.power->idle_w, kMostBusyToIdle);
  }
  return static_cast<int64_t>(static_cast<double>(node.record.boot_ms + kHaltMs) * ratio);
}

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
    if (room_of(job) > 0 && could_hold(view, job.record.spec)) return true;
  }
  return false;
}

// One that starts may be all that is needed. One that waits for its supply's watts holds back only the others there.
bool is_on_its_way(const State& state, const PowerNode& before) {
  return std::any_of(state.power.nodes.begin(), state.power.nodes.end(), [&](const auto& entry) {
    const PowerRecord& record = entry.second.record;
    const bool waits = record.state == PowerState::off && record.wish == PowerWish::on;
    return record.state == PowerState::starting || (waits && entry.second.supply == before.supply);
  });
}

void wake_one(State& state, Effects& effects, Now now) {
  if (state.ready_order.empty() || now.mono - state.power.woken < kWakeEveryMs) return;
  for (auto& [name, node] : state.power.nodes) {
    const PowerRecord& record = node.record;
    const Node* known = cluster_node(state, node);
    const bool asleep = record.state == PowerState::off && record.wish == PowerWish::off && !record.by_person;
    if (!asleep || known == nullptr || known->record.drained || !is_needed(state, *known)) continue;
    if (is_on_its_way(state, node)) continue;
    wish(node, now, PowerWish::on, PowerHow::clean, kAutomation, "work waits for it", false);
    put_power(effects, node);
    state.power.woken = now.mono;
    return;
  }
}

}  // namespace

void watch_idle(State& state, Effects& effects, Now now) {
  if (state.config.power.idle_off_ms == 0 || state.power.pause.paused || !state.connected) return;
  wake_one(state, effects, now);
  for (auto& [name, node] : state.power.nodes) {
    const MonoTime since = std::max(node.idle, node.since);
    if (!may_idle(state, node) || is_needed(state, *cluster_node(state, node))) continue;
    const int64_t idle_ms = std::max(state.config.power.idle_off_ms, break_even_ms(node, *cluster_node(state, node)));
    if (now.mono - since < idle_ms) continue;
    wish(node, now, PowerWish::off, PowerHow::clean, kAutomation, "no work for " + seconds(idle_ms), false);
    put_power(effects, node);
  }
}

}  // namespace bramble::aggregator
