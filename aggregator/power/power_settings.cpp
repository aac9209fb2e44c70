#include "aggregator/power/power_settings.hpp"

#include <algorithm>

#include "common/base/ids.hpp"
#include "common/base/node_set.hpp"

namespace bramble::aggregator {
namespace {

constexpr int64_t kDayS = 24 * 3600;
constexpr int64_t kMaxStaggerMs = 600'000;
constexpr double kMostW = 100'000;
constexpr double kMostPerMinute = 6000;
constexpr double kMostBurst = 1000;

void read_nodes(posix::ConfigFile& table, const char* key, std::vector<std::string>& into) {
  std::string text;
  table.text(key, text);
  if (text.empty()) return;
  auto names = expand_node_set(text);
  if (!names) return table.complain(std::string(key) + ": " + names.error().message);
  into = std::move(*names);
}

void read_power(posix::ConfigFile& table, PowerSettings& settings) {
  table.flag("recovery", settings.recovery);
  table.integer("recovery_s", settings.recovery_s, 30, kDayS);
  table.integer("healthy_percent", settings.healthy_percent, 0, 100);
  table.integer("idle_off_s", settings.idle_off_s, 0, 30 * kDayS);
  read_nodes(table, "keep_on", settings.keep_on);
  read_nodes(table, "head_nodes", settings.head_nodes);
  read_nodes(table, "broker_nodes", settings.broker_nodes);
  table.integer("start_limit_s", settings.start_limit_s, 5, 3600);
  table.integer("max_starts", settings.max_starts, 1, 10);
  table.integer("halt_limit_s", settings.halt_limit_s, 5, 3600);
  table.flag("cut_unhalted", settings.cut_unhalted);
  table.integer("hold_s", settings.hold_s, 1, 300);
  table.real("quiet_w", settings.quiet_w, 0, kMostW);
  table.real("off_w", settings.off_w, 0, kMostW);
  if (settings.off_w > settings.quiet_w) table.complain("off_w must not be above quiet_w");
}

SupplySettings read_supply(posix::ConfigFile& table) {
  SupplySettings supply;
  table.text("name", supply.name);
  if (!is_valid_name(supply.name)) table.complain("a supply needs a name of letters, digits, '-', '_' and '.'");
  read_nodes(table, "nodes", supply.nodes);
  table.integer("stagger_ms", supply.stagger_ms, 0, kMaxStaggerMs);
  table.real("starts_per_minute", supply.starts_per_minute, 0.1, kMostPerMinute);
  table.real("start_burst", supply.start_burst, 1, kMostBurst);
  table.real("cuts_per_minute", supply.cuts_per_minute, 0.1, kMostPerMinute);
  table.real("cut_burst", supply.cut_burst, 1, kMostBurst);
  table.real("max_w", supply.max_w, 0, kMostW);
  table.real("start_w", supply.start_w, 0, kMostW);
  table.real("run_w", supply.run_w, 0, kMostW);
  if (supply.max_w > 0 && std::max(supply.start_w, supply.run_w) > supply.max_w) {
    table.complain("no node could ever start on supply " + supply.name + ": start_w or run_w is more than max_w");
  }
  return supply;
}

bool overlap(const SupplySettings& a, const SupplySettings& b) {
  if (a.nodes.empty() || b.nodes.empty()) return a.nodes.empty() && b.nodes.empty();
  return std::any_of(a.nodes.begin(), a.nodes.end(), [&](const std::string& node) {
    return std::find(b.nodes.begin(), b.nodes.end(), node) != b.nodes.end();
  });
}

}  // namespace

PowerSettings read_power_settings(posix::ConfigFile& file) {
  PowerSettings settings;
  file.table("power", [&](posix::ConfigFile& table) { read_power(table, settings); });
  file.tables("supply", kMaxSupplies, [&](posix::ConfigFile& table) {
    SupplySettings supply = read_supply(table);
    for (const SupplySettings& other : settings.supplies) {
      if (other.name == supply.name) table.complain("there are two supplies with the name '" + supply.name + "'");
      if (overlap(other, supply)) {
        table.complain("supplies " + other.name + " and " + supply.name + " both feed a node: each node has one");
      }
    }
    settings.supplies.push_back(std::move(supply));
  });
  return settings;
}

}  // namespace bramble::aggregator
