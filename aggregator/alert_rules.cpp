#include "aggregator/alert_rules.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/base/ids.hpp"
#include "common/base/nearest.hpp"
#include "common/base/node_set.hpp"
#include "common/wire/metrics.hpp"

namespace bramble::aggregator {
namespace {

constexpr double kAbsent = std::numeric_limits<double>::quiet_NaN();
constexpr double kMostValue = 1e15;
constexpr int64_t kMaxForS = 7 * 24 * 3600;

void read_limits(posix::ConfigFile& table, AlertRule& rule) {
  double above = kAbsent;
  double below = kAbsent;
  double clear = kAbsent;
  table.real("above", above, -kMostValue, kMostValue);
  table.real("below", below, -kMostValue, kMostValue);
  table.real("clear", clear, -kMostValue, kMostValue);
  if (std::isnan(above) == std::isnan(below)) {
    table.complain("an alert needs one of above = NUMBER and below = NUMBER");
    return;
  }
  rule.above = !std::isnan(above);
  rule.limit = rule.above ? above : below;
  rule.clear = std::isnan(clear) ? rule.limit : clear;
  if (rule.above ? rule.clear > rule.limit : rule.clear < rule.limit) {
    table.complain(rule.above ? "clear must not be above the limit" : "clear must not be below the limit");
  }
}

void read_nodes(posix::ConfigFile& table, AlertRule& rule) {
  std::string text;
  table.text("nodes", text);
  if (text.empty() || text == "all") return;
  auto names = expand_node_set(text);
  if (!names) return table.complain("nodes: " + names.error().message);
  rule.nodes = std::move(*names);
}

std::vector<std::string> known_metrics() {
  std::vector<std::string> names{kSilence, kDiskUsed, kPowerFault, kClusterPower};
  for (const wire::Metric& metric : wire::kMetrics) names.emplace_back(metric.name);
  return names;
}

// A misspelt one would never be told, and the alert never raised.
void read_metric(posix::ConfigFile& table, AlertRule& rule) {
  bool own_sensor = false;
  table.text("metric", rule.metric);
  table.flag("own_sensor", own_sensor);
  if (!is_valid_name(rule.metric)) {
    return table.complain(
        "an alert needs a metric, such as temperature_celsius, silence_s, disk_used_ratio or cluster_power_w");
  }
  const auto known = known_metrics();
  if (own_sensor || std::find(known.begin(), known.end(), rule.metric) != known.end()) return;
  table.complain(unknown("metric", rule.metric, known) + " (for a sensor of your own add own_sensor = true)");
}

AlertRule read_rule(posix::ConfigFile& table) {
  AlertRule rule;
  table.text("name", rule.name);
  if (!is_valid_name(rule.name)) table.complain("an alert needs a name of letters, digits, '-', '_' and '.'");
  read_metric(table, rule);
  read_limits(table, rule);
  int64_t for_s = 0;
  table.integer("for_s", for_s, 0, kMaxForS);
  rule.for_ms = for_s * 1000;
  read_nodes(table, rule);
  return rule;
}

}  // namespace

std::vector<AlertRule> read_alert_rules(posix::ConfigFile& file) {
  std::vector<AlertRule> rules;
  file.tables("alert", kMaxAlertRules, [&](posix::ConfigFile& table) {
    AlertRule rule = read_rule(table);
    const auto same = [&](const AlertRule& other) { return other.name == rule.name; };
    if (std::any_of(rules.begin(), rules.end(), same)) {
      table.complain("there are two alerts with the name '" + rule.name + "'");
    }
    rules.push_back(std::move(rule));
  });
  return rules;
}

}  // namespace bramble::aggregator
