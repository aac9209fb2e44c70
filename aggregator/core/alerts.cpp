#include "aggregator/core/alerts.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "aggregator/core/internal.hpp"

namespace bramble::aggregator {
namespace {

constexpr int64_t kLookMs = 1000;

std::optional<double> reading(const Node& node, const std::string& metric) {
  if (node.state != NodeState::on || !node.telemetry) return {};
  const auto found = node.telemetry->values.find(metric);
  if (found == node.telemetry->values.end()) return {};
  return found->second;
}

std::optional<double> silence_s(const State& state, const Node& node, Now now) {
  if (!state.connected || node.state == NodeState::stopped || node.record.status.agent_id.empty()) return {};
  if (is_switched_off(state, node.record.status.node)) return {};
  const MonoTime since = std::max(node.heard.value_or(state.started), state.trusted_since);
  return std::max<double>(0, static_cast<double>(now.mono - since) / 1000);
}

std::optional<double> disk_used_ratio(const Node& node) {
  const auto free = reading(node, "disk_free_bytes");
  const auto total = reading(node, "disk_total_bytes");
  if (!free || !total || *total <= 0) return {};
  return 1 - *free / *total;
}

// Of nodes that hang on lines.
std::optional<double> power_fault(const State& state, const Node& node) {
  const auto power = power_state_of(state, node.record.status.node);
  if (!power) return {};
  return *power == PowerState::fault ? 1 : 0;
}

std::optional<double> value_of(const State& state, const Node& node, const std::string& metric, Now now) {
  if (metric == kSilence) return silence_s(state, node, now);
  if (metric == kDiskUsed) return disk_used_ratio(node);
  if (metric == kPowerFault) return power_fault(state, node);
  return reading(node, metric);
}

bool concerns(const AlertRule& rule, const std::string& node) {
  return rule.nodes.empty() || std::find(rule.nodes.begin(), rule.nodes.end(), node) != rule.nodes.end();
}

// Nothing is known while none of them is heard.
std::optional<double> cluster_power_w(const State& state, const AlertRule& rule) {
  std::optional<double> sum;
  for (const Node& node : state.nodes) {
    if (!concerns(rule, node.record.status.node)) continue;
    if (const auto watts = reading(node, "power_w")) sum = sum.value_or(0) + *watts;
  }
  return sum;
}

bool is_beyond(const AlertRule& rule, double value, double limit) { return rule.above ? value > limit : value < limit; }

}  // namespace

std::string alert_text(const AlertRule& rule, const std::string& node, const Alert& alert) {
  std::array<char, 100> values;
  std::snprintf(values.data(), values.size(), " is %.5g (limit %.5g)", alert.value,
                alert.raised ? rule.limit : rule.clear);
  return "alert " + rule.name + (node.empty() ? "" : " of node " + node) +
         (alert.raised ? " is raised: " : " is cleared: ") + rule.metric + values.data();
}

namespace {

void publish(State& state, Effects& effects, Now now, const AlertRule& rule, const std::string& node,
             const Alert& alert) {
  nlohmann::json message{{"alert", rule.name},    {"state", alert.raised ? "raised" : "cleared"},
                         {"metric", rule.metric}, {"value", alert.value},
                         {"limit", rule.limit},   {"text", alert_text(rule, node, alert)},
                         {"wall_ms", now.wall.ms}};
  if (!node.empty()) message["node"] = node;
  effects.publish.push_back({state.topics.alert(rule.name, node), message.dump(), 1, true});
}

void tell_people(Effects& effects, const AlertRule& rule, const std::string& node, const Alert& alert) {
  const std::string text = alert_text(rule, node, alert);
  effects.alerts.push_back({rule.name, node, alert.raised, alert.value, text});
  if (alert.raised) return effects.warn(text);
  effects.info(text);
}

void judge(State& state, Effects& effects, Now now, size_t index, const std::string& node, double value) {
  const AlertRule& rule = state.config.alerts[index];
  Alert& alert = state.alerts[{index, node}];
  const bool was_raised = alert.raised;
  alert.value = value;
  if (!is_beyond(rule, value, was_raised ? rule.clear : rule.limit)) {
    alert.beyond_since.reset();
    alert.raised = false;
  } else {
    if (!alert.beyond_since) alert.beyond_since = now.mono;
    alert.raised = was_raised || now.mono - *alert.beyond_since >= rule.for_ms;
  }
  // What an earlier run of ours has raised is retained: nothing is said of it while it is not known whether that holds.
  const bool decided = alert.raised || !alert.beyond_since;
  if (alert.raised != was_raised || (decided && !alert.published)) {
    alert.published = true;
    publish(state, effects, now, rule, node, alert);
  }
  if (alert.raised != was_raised) tell_people(effects, rule, node, alert);
}

void clear(State& state, Effects& effects, Now now, size_t index, const std::string& node) {
  const auto found = state.alerts.find({index, node});
  if (found == state.alerts.end()) return;
  const bool was_raised = std::exchange(found->second.raised, false);
  found->second.beyond_since.reset();
  if (!was_raised) return;
  publish(state, effects, now, state.config.alerts[index], node, found->second);
  tell_people(effects, state.config.alerts[index], node, found->second);
}

bool all_are_gone(const State& state, const AlertRule& rule) {
  return std::all_of(state.nodes.begin(), state.nodes.end(), [&](const Node& node) {
    const bool gone = node.state == NodeState::stopped || node.state == NodeState::lost;
    return gone || !concerns(rule, node.record.status.node);
  });
}

void watch_nodes(State& state, Effects& effects, Now now, size_t index) {
  const AlertRule& rule = state.config.alerts[index];
  for (const Node& node : state.nodes) {
    const std::string& name = node.record.status.node;
    if (!concerns(rule, name)) continue;
    const bool gone = node.state == NodeState::stopped || power_state_of(state, name) == PowerState::off;
    if (gone && rule.metric != kPowerFault) {
      clear(state, effects, now, index, name);
    } else if (const auto value = value_of(state, node, rule.metric, now)) {
      judge(state, effects, now, index, name, *value);
    }
  }
}

}  // namespace

bool owns_alert(const State& state, const wire::AlertTopic& topic) {
  if (!topic.node.empty() && !state.node_by_name.contains(topic.node)) return false;
  return std::any_of(state.config.alerts.begin(), state.config.alerts.end(), [&](const AlertRule& rule) {
    if (rule.name != topic.alert || (rule.metric == kClusterPower) != topic.node.empty()) return false;
    return topic.node.empty() || concerns(rule, topic.node);
  });
}

void publish_alerts_again(State& state, Effects& effects, Now now) {
  for (const auto& [key, alert] : state.alerts) {
    if (alert.published) publish(state, effects, now, state.config.alerts[key.first], key.second, alert);
  }
}

void watch_alerts(State& state, Effects& effects, Now now) {
  if (state.config.alerts.empty() || now.mono < state.alerts_at) return;
  state.alerts_at = now.mono + kLookMs;
  for (size_t index = 0; index < state.config.alerts.size(); ++index) {
    if (state.config.alerts[index].metric != kClusterPower) {
      watch_nodes(state, effects, now, index);
    } else if (const auto watts = cluster_power_w(state, state.config.alerts[index])) {
      judge(state, effects, now, index, "", *watts);
    } else if (all_are_gone(state, state.config.alerts[index])) {
      clear(state, effects, now, index, "");
    }
  }
}

}  // namespace bramble::aggregator
