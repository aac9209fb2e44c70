#include "aggregator/cli/doctor_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "aggregator/cli/api.hpp"
#include "aggregator/cli/text.hpp"
#include "common/base/node_set.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

constexpr std::array<const char*, 4> kWorstFirst{"problem", "warning", "unknown", "good"};
constexpr size_t kIndent = 22;  // "  problem  watchdog   "

size_t rank(const json& finding) {
  const std::string state = text_field(finding, "state");
  return static_cast<size_t>(std::find(kWorstFirst.begin(), kWorstFirst.end(), state) - kWorstFirst.begin());
}

bool is_good(const json& finding) { return text_field(finding, "state") == "good"; }

json findings_in(const json& object, const char* field) {
  json findings = object.value(field, json::array());
  if (!findings.is_array()) return json::array();
  std::stable_sort(findings.begin(), findings.end(), [](const json& a, const json& b) { return rank(a) < rank(b); });
  return findings;
}

std::string section(const std::string& name, const json& findings, bool all, size_t columns) {
  std::string text;
  for (const json& finding : findings) {
    if (!all && is_good(finding)) continue;
    text += fmt::format("  {:<8} {:<10} {}\n", text_field(finding, "state"), text_field(finding, "check"),
                        wrapped(text_field(finding, "text"), kIndent, columns));
  }
  return text.empty() ? "" : name + "\n" + text;
}

template <typename Visit>
void for_each_finding(const json& examination, Visit visit) {
  for (const json& finding : findings_in(examination, "head")) visit(finding);
  for (const json& node : examination["nodes"]) {
    for (const json& finding : findings_in(node, "findings")) visit(finding);
  }
}

}  // namespace

bool is_examination(const json& answer) {
  return answer.is_object() && answer.value("nodes", json()).is_array() && answer.value("head", json()).is_array();
}

bool has_problem(const json& examination) {
  bool found = false;
  for_each_finding(examination, [&](const json& finding) { found = found || rank(finding) == 0; });
  return found;
}

std::string doctor_text(const json& examination, bool all, size_t columns) {
  const json head = findings_in(examination, "head");
  std::string text = section("the head", head, all, columns);
  std::vector<std::string> well;
  if (std::all_of(head.begin(), head.end(), is_good)) well.emplace_back("the head");
  std::vector<std::string> nodes;
  for (const json& node : examination["nodes"]) {
    const json findings = findings_in(node, "findings");
    text += section(text_field(node, "node"), findings, all, columns);
    if (std::all_of(findings.begin(), findings.end(), is_good)) nodes.push_back(text_field(node, "node"));
  }
  if (!nodes.empty()) well.push_back(fold_node_set(nodes));
  size_t good = 0;
  for_each_finding(examination, [&](const json& finding) { good += is_good(finding) ? 1 : 0; });
  if (!well.empty()) text += fmt::format("nothing amiss: {}\n", fmt::join(well, ", "));
  if (!all) text += fmt::format("{} checks were good (--all shows them)\n", good);
  return text;
}

}  // namespace bramble::cli
