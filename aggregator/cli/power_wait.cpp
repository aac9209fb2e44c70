#include "aggregator/cli/power_wait.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "aggregator/cli/api.hpp"
#include "aggregator/cli/power_view.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

constexpr int64_t kOldFaultMs = 30'000;  // a fault from before the request may take so long to be left

const json* find_node(const json& nodes, const std::string& name) {
  const auto found =
      std::find_if(nodes.begin(), nodes.end(), [&](const json& node) { return text_field(node, "node") == name; });
  return found == nodes.end() ? nullptr : &*found;
}

std::string with_waiting(const json& node) {
  const std::string waits = waiting(node);
  return waits.empty() ? "" : ", " + waits;
}

}  // namespace

PowerWait::PowerWait(std::string to, const json& nodes, MonoTime now) : to_(std::move(to)), begun_(now) {
  for (const json& node : nodes) {
    const std::string state = text_field(node, "state");
    nodes_.push_back({text_field(node, "node"), state, state == "fault", false});
  }
}

bool PowerWait::is_there(const json& node) const {
  return text_field(node, "state") == (to_ == "off" ? "off" : "on") && !flag_field(node, "cycle");
}

// Why it will never get there; empty: it may.
std::string PowerWait::why_lost(Waited& node, const json& now_is, MonoTime now) const {
  const bool in_fault = text_field(now_is, "state") == "fault";
  node.in_fault = node.in_fault && in_fault;
  if (in_fault && (!node.in_fault || now - begun_ >= kOldFaultMs)) return "fault: " + text_field(now_is, "fault");
  const std::string desired = text_field(now_is, "desired");
  if (desired == (to_ == "off" ? "off" : "on")) return "";
  if (desired.empty()) return "nothing is wanted of it any more";
  const std::string why = text_field(now_is, "why");
  return text_field(now_is, "who") + " wants it " + desired + " now" + (why.empty() ? "" : " (" + why + ")");
}

std::string PowerWait::look_at(Waited& node, const json* now_is, MonoTime now) {
  if (now_is == nullptr) {
    node.over = failed_ = true;
    return node.name + ": it was removed from the cluster";
  }
  const std::string state = text_field(*now_is, "state");
  const bool moved = state != node.state;
  node.state = state;
  node.over = is_there(*now_is);
  if (node.over) return node.name + ": is " + state;
  if (const std::string lost = why_lost(node, *now_is, now); !lost.empty()) {
    node.over = failed_ = true;
    return node.name + ": " + lost;
  }
  return moved ? node.name + ": is " + state + with_waiting(*now_is) : "";
}

std::vector<std::string> PowerWait::look(const json& nodes, MonoTime now) {
  std::vector<std::string> said;
  for (Waited& node : nodes_) {
    if (node.over) continue;
    if (auto sentence = look_at(node, find_node(nodes, node.name), now); !sentence.empty()) {
      said.push_back(std::move(sentence));
    }
  }
  return said;
}

bool PowerWait::is_over() const {
  return std::all_of(nodes_.begin(), nodes_.end(), [](const Waited& node) { return node.over; });
}

bool PowerWait::has_failed() const { return failed_; }

std::string PowerWait::rest() const {
  std::string text;
  for (const Waited& node : nodes_) {
    if (!node.over) text += (text.empty() ? "" : "; ") + node.name + " is " + node.state;
  }
  return text;
}

}  // namespace bramble::cli
