#include "aggregator/cli/power_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "aggregator/cli/api.hpp"
#include "aggregator/cli/node_selection.hpp"
#include "common/base/node_set.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

constexpr size_t kMaxTold = 8;

bool has_line(const json& node, std::initializer_list<const char*> roles) {
  const json lines = node.value("lines", json::array());
  return std::any_of(lines.begin(), lines.end(), [&](const json& line) {
    return std::find(roles.begin(), roles.end(), text_field(line, "role")) != roles.end();
  });
}

bool takes_power(const PowerSwitchCommand& command) { return command.to == "off" || command.to == "cycle"; }

std::string why_protected(const json& node, const PowerSwitchCommand& command) {
  return takes_power(command) ? text_field(node, "protected") : "";
}

// Empty: it can be switched so.
std::string why_not(const json& node, const PowerSwitchCommand& command) {
  if (auto why = why_protected(node, command); !why.empty()) return why;
  if (!has_line(node, {"supply", "button", "reset"})) return "it has only lines that are read";
  if (command.to == "off" && !has_line(node, {"supply", "button"})) return "its reset can cycle it, not switch it off";
  const bool cuts = command.to == "off" && command.how == "force";
  if (text_field(node, "state") == "fault" && !cuts) {
    return "it is in fault (" + text_field(node, "fault") + "): see to it, then: bramble power clear " +
           text_field(node, "node");
  }
  return "";
}

Result<PowerChoice> choose_all(const json& status, const PowerSwitchCommand& command) {
  PowerChoice choice;
  for (const json& node : status["nodes"]) {
    if (node.value("lines", json::array()).empty()) continue;
    const std::string name = text_field(node, "node");
    const std::string why = why_not(node, command);
    if (why.empty()) {
      choice.nodes.push_back(name);
      continue;
    }
    choice.skipped.push_back(name + " is left as it is: " + why);
    const bool is_protected = !why_protected(node, command).empty();
    choice.skips_fault = choice.skips_fault || (text_field(node, "state") == "fault" && !is_protected);
  }
  if (!choice.nodes.empty()) return choice;
  if (choice.skipped.empty()) {
    return fail(ErrorCode::not_found, "no node hangs on a line: give them lines in aggregator.toml, as [[line]]");
  }
  choice.skipped.resize(std::min(choice.skipped.size(), kMaxTold));
  return fail(ErrorCode::conflict, fmt::format("nothing was switched: {}", fmt::join(choice.skipped, "; ")));
}

// Each reason once, with the nodes that it is of.
std::string protected_text(const std::vector<std::pair<std::string, std::string>>& why_and_node) {
  std::string text;
  std::vector<std::string> told;
  for (const auto& [why, first] : why_and_node) {
    if (std::find(told.begin(), told.end(), why) != told.end()) continue;
    told.push_back(why);
    std::vector<std::string> names;
    for (const auto& [other, name] : why_and_node) {
      if (other == why) names.push_back(name);
    }
    text += fmt::format("{}{} must not be switched off ({})", text.empty() ? "" : "; ", fold_node_set(names), why);
  }
  return text;
}

}  // namespace

Result<PowerChoice> choose_switched(const json& status, const PowerSwitchCommand& command) {
  const auto wanted = parse_wanted_nodes(command.nodes);
  if (!wanted) return tl::unexpected(wanted.error());
  if (wanted->all) return choose_all(status, command);
  PowerChoice choice;
  std::vector<std::pair<std::string, std::string>> kept;
  std::vector<std::string> troubles;
  const auto missing = unknown_names(status["nodes"], *wanted);
  if (!missing.empty()) troubles.push_back(unknown_nodes(status["nodes"], *wanted));
  for (const std::string& name : wanted->names) {
    if (std::find(missing.begin(), missing.end(), name) != missing.end()) continue;
    const auto node = std::find_if(status["nodes"].begin(), status["nodes"].end(),
                                   [&](const json& each) { return text_field(each, "node") == name; });
    const std::string why = why_protected(*node, command);
    if (why.empty()) choice.nodes.push_back(name);
    if (!why.empty()) kept.emplace_back(why, name);
  }
  if (!kept.empty()) troubles.push_back(protected_text(kept));
  if (troubles.empty()) return choice;
  if (!choice.nodes.empty()) {
    const bool others = choice.nodes.size() > 1;
    troubles.push_back(fmt::format("bramble power {} {} would switch the other{}", command.to,
                                   fold_node_set(choice.nodes), others ? "s" : ""));
  }
  return fail(missing.empty() ? ErrorCode::conflict : ErrorCode::not_found,
              fmt::format("nothing was switched: {}", fmt::join(troubles, "; ")));
}

}  // namespace bramble::cli
