#include "aggregator/power/power_settings.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "common/base/ids.hpp"
#include "common/base/node_set.hpp"

namespace bramble::aggregator {
namespace {

constexpr int64_t kDayS = 24 * 3600;
constexpr int64_t kMaxStaggerMs = 600'000;
constexpr double kMostW = 100'000;
constexpr double kMostPerMinute = 6000;
constexpr double kMostBurst = 1000;

// People write seconds and watts.
void read_s(posix::ConfigFile& table, const char* key, int64_t& into_ms, int64_t least_s, int64_t most_s) {
  int64_t seconds = into_ms / 1000;
  table.integer(key, seconds, least_s, most_s);
  into_ms = seconds * 1000;
}

void read_w(posix::ConfigFile& table, const char* key, int64_t& into_mw) {
  double watts = static_cast<double>(into_mw) / 1000;
  table.real(key, watts, 0, kMostW);
  into_mw = std::llround(watts * 1000);
}

template <typename Names>
void read_nodes(posix::ConfigFile& table, const char* key, Names& into) {
  std::string text;
  table.text(key, text);
  if (text.empty()) return;
  auto names = expand_node_set(text);
  if (!names) return table.complain(std::string(key) + ": " + names.error().message);
  into = Names(names->begin(), names->end());
}

void read_power(posix::ConfigFile& table, PowerConfig& settings) {
  table.flag("recovery", settings.recovery);
  read_s(table, "recovery_s", settings.recovery_floor_ms, 30, kDayS);
  table.integer("healthy_percent", settings.healthy_percent, 0, 100);
  read_s(table, "idle_off_s", settings.idle_off_ms, 0, 30 * kDayS);
  read_nodes(table, "keep_on", settings.keep_on);
  read_nodes(table, "head_nodes", settings.head_nodes);
  read_nodes(table, "broker_nodes", settings.broker_nodes);
  read_s(table, "start_limit_s", settings.start_limit_ms, 5, 3600);
  int64_t max_starts = settings.max_starts;
  table.integer("max_starts", max_starts, 1, 10);
  settings.max_starts = static_cast<uint32_t>(max_starts);
  read_s(table, "halt_limit_s", settings.halt_limit_ms, 5, 3600);
  table.flag("cut_unhalted", settings.cut_unhalted);
  read_s(table, "hold_s", settings.hold_ms, 1, 300);
  read_w(table, "quiet_w", settings.quiet_mw);
  read_w(table, "off_w", settings.off_mw);
  if (settings.off_mw > settings.quiet_mw) table.complain("off_w must not be above quiet_w");
}

SupplyConfig read_supply(posix::ConfigFile& table) {
  SupplyConfig supply;
  table.text("name", supply.name);
  if (!is_valid_name(supply.name)) table.complain("a supply needs a name of letters, digits, '-', '_' and '.'");
  read_nodes(table, "nodes", supply.nodes);
  table.integer("stagger_ms", supply.stagger_ms, 0, kMaxStaggerMs);
  table.real("starts_per_minute", supply.starts_per_minute, 0.1, kMostPerMinute);
  table.real("start_burst", supply.start_burst, 1, kMostBurst);
  table.real("cuts_per_minute", supply.cuts_per_minute, 0.1, kMostPerMinute);
  table.real("cut_burst", supply.cut_burst, 1, kMostBurst);
  read_w(table, "max_w", supply.max_mw);
  read_w(table, "start_w", supply.start_mw);
  read_w(table, "run_w", supply.run_mw);
  if (supply.max_mw > 0 && std::max(supply.start_mw, supply.run_mw) > supply.max_mw) {
    table.complain("no node could ever start on supply " + supply.name + ": start_w or run_w is more than max_w");
  }
  return supply;
}

bool overlap(const SupplyConfig& a, const SupplyConfig& b) {
  if (a.nodes.empty() || b.nodes.empty()) return a.nodes.empty() && b.nodes.empty();
  return std::any_of(a.nodes.begin(), a.nodes.end(), [&](const std::string& node) {
    return std::find(b.nodes.begin(), b.nodes.end(), node) != b.nodes.end();
  });
}

}  // namespace

PowerConfig read_power_settings(posix::ConfigFile& file) {
  PowerConfig settings;
  file.table("power", [&](posix::ConfigFile& table) { read_power(table, settings); });
  file.tables("supply", kMaxSupplies, [&](posix::ConfigFile& table) {
    SupplyConfig supply = read_supply(table);
    for (const SupplyConfig& other : settings.supplies) {
      if (other.name == supply.name) table.complain("there are two supplies with the name '" + supply.name + "'");
      if (overlap(other, supply)) {
        table.complain("supplies " + other.name + " and " + supply.name + " both feed a node: each node has one");
      }
    }
    settings.supplies.push_back(std::move(supply));
  });
  return settings;
}

std::string unknown_names_in(const PowerConfig& settings, const std::set<std::string>& known) {
  std::string found;
  for (const auto& [key, names] :
       {std::pair("keep_on", &settings.keep_on), std::pair("head_nodes", &settings.head_nodes),
        std::pair("broker_nodes", &settings.broker_nodes)}) {
    std::vector<std::string> unknown;
    std::set_difference(names->begin(), names->end(), known.begin(), known.end(), std::back_inserter(unknown));
    if (!unknown.empty()) found += (found.empty() ? "" : "; ") + std::string(key) + " = " + fold_node_set(unknown);
  }
  if (found.empty()) return {};
  return "[power] names nodes that have no line and were never heard (" + found + "): a typo there protects nobody";
}

}  // namespace bramble::aggregator
