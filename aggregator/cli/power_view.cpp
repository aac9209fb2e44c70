#include "aggregator/cli/power_view.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "aggregator/cli/api.hpp"
#include "aggregator/cli/table.hpp"
#include "aggregator/cli/text.hpp"
#include "common/base/duration.hpp"

namespace bramble::cli {

using nlohmann::json;

// "waiting: " goes with all that the core says there: "2 tasks to end", "paused by ada", "not heard yet".
std::string waiting(const json& node) {
  const std::string waits = text_field(node, "waits");
  return waits.empty() ? "" : "waiting: " + waits;
}

namespace {

std::string watts_text(const json& node) {
  const auto found = node.find("power_w");
  if (found == node.end() || !found->is_number()) return "-";
  return fmt::format("{}{:.1f}", flag_field(node, "power_measured") ? "" : "~", found->get<double>());
}

std::string level_text(const json& line) {
  if (const auto level = line.find("level"); level != line.end() && level->is_boolean()) return *level ? "1" : "0";
  return "?";
}

// "supply 1, button 0".
std::string lines_text(const json& node) {
  std::string text;
  for (const json& line : node.value("lines", json::array())) {
    const std::string role = text_field(line, "role");
    if (role == "meter") continue;  // its watts have a column
    text += (text.empty() ? "" : ", ") + role + " " + level_text(line);
  }
  return text.empty() ? "-" : text;
}

// What a person should know of it first: what is broken, what it waits for, who wants what.
std::string remark(const json& node) {
  if (const std::string fault = text_field(node, "fault"); !fault.empty()) return fault;
  if (const std::string waits = waiting(node); !waits.empty()) return waits;
  for (const json& line : node.value("lines", json::array())) {
    if (const std::string error = text_field(line, "error"); !error.empty()) return error;
  }
  if (const std::string who = text_field(node, "who"); !who.empty()) {
    const std::string why = text_field(node, "why");
    return "wanted " + text_field(node, "desired") + " by " + who + (why.empty() ? "" : ": " + why);
  }
  return text_field(node, "cause");
}

std::string in_state(const json& node) {
  const int64_t ms = number_field(node, "in_state_ms", -1);
  if (ms < 0) return "-";
  return ms < 1000 ? "0s" : format_duration(ms / 1000 * 1000);
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

Table power_table(const json& status, bool in_row) {
  std::vector<Column> columns{{"NODE", false, true}, {"STATE"}, {"FOR", true}, {"WANTED"}, {"WATTS", true}, {"LINES"}};
  if (in_row) columns.push_back({"REMARK"});
  Table table(std::move(columns));
  for (const json& node : status["nodes"]) {
    std::vector<std::string> cells{text_field(node, "node"), text_field(node, "state"),
                                   in_state(node),           or_dash(text_field(node, "desired")),
                                   watts_text(node),         lines_text(node)};
    if (in_row) cells.push_back(remark(node));
    table.add_row(std::move(cells));
    if (!in_row) table.add_note(remark(node));
  }
  return table;
}

}  // namespace

bool is_power_status(const json& status) { return status.is_object() && status.value("nodes", json()).is_array(); }

std::string power_text(const json& status, size_t width) {
  const Table whole = power_table(status, true);
  return whole.width() <= width ? whole.render(width) : power_table(status, false).render(width);
}

std::string power_remarks(const json& status) {
  std::string text;
  if (flag_field(status, "paused")) {
    const std::string why = text_field(status, "paused_why");
    text += "the automation is paused by " + text_field(status, "paused_by") + (why.empty() ? "" : ": " + why) +
            " (bramble power resume)\n";
  }
  for (const json& supply : status.value("supplies", json::array())) {
    const auto most = supply.find("max_w");
    if (most == supply.end() || !most->is_number()) continue;
    const std::string name = text_field(supply, "supply");
    text += fmt::format("supply{}: {:.1f} W of {:.1f} W taken\n", name.empty() ? "" : " " + name,
                        supply.value("taken_w", 0.0), most->get<double>());
  }
  return text;
}

std::string switched_text(const json& nodes) {
  std::string text;
  for (const json& node : nodes) {
    const std::string wanted = text_field(node, "desired");
    const bool nothing = wanted.empty() || wanted == "none";
    text += text_field(node, "node") + (nothing ? ": nothing wanted" : ": wanted " + wanted) + ", is " +
            text_field(node, "state");
    if (const std::string waits = waiting(node); !waits.empty()) text += ", " + waits;
    if (const auto earlier = node.find("replaced"); earlier != node.end() && earlier->is_object()) {
      const std::string why = text_field(*earlier, "why");
      text += fmt::format("; {} wanted it {}{}", text_field(*earlier, "who"), text_field(*earlier, "desired"),
                          why.empty() ? "" : " (" + why + ")");
    }
    text += "\n";
  }
  return text;
}

namespace {

struct Deed {
  std::string what;
  std::string result;
  bool failed = false;
};

// What a switch or a press of a line is told to have led to, where that was an error.
bool has_failed(const std::string& action, const std::string& result) {
  const bool switched = action.starts_with("switched ");
  if (result.empty() || (!switched && !action.starts_with("pressed "))) return false;
  if (result.starts_with("done")) return false;
  if (!switched) return !result.starts_with("reads ");
  return result != (action.starts_with("switched on") ? "reads on" : "reads off");
}

// "switched off (relay GPIO17)": what was done; with which line belongs to what came of it.
Deed deed_of(const json& row) {
  const std::string action = text_field(row, "action");
  Deed deed{action, text_field(row, "result"), has_failed(action, text_field(row, "result"))};
  const size_t at = action.find(" (");
  if (at != std::string::npos && action.back() == ')') {
    const std::string line = action.substr(at + 2, action.size() - at - 3);
    deed.what = action.substr(0, at);
    deed.result = deed.result.empty() ? line : deed.result + ": " + line;
  }
  if (deed.failed) deed.what += ": failed";
  return deed;
}

Table whole_audit_table(const json& rows) {
  Table table({{"WHEN"}, {"NODE"}, {"WHO"}, {"WHAT"}, {"WHY", false, false, true}, {"RESULT"}});
  for (const json& row : rows) {
    const Deed deed = deed_of(row);
    table.add_row({clock_text(number_field(row, "at_ms")), or_dash(text_field(row, "node")), text_field(row, "who"),
                   deed.what, text_field(row, "why"), deed.result});
  }
  return table;
}

// What was read stands in the row, sentences below it: why, and what came of it otherwise.
Table narrow_audit_table(const json& rows) {
  Table table({{"WHEN"}, {"NODE", false, true}, {"WHO", false, true}, {"WHAT", false, true}, {"RESULT"}});
  for (const json& row : rows) {
    const Deed deed = deed_of(row);
    const std::string read = text_field(row, "result");
    const bool in_row = !deed.failed && read.starts_with("reads ");
    table.add_row({clock_text(number_field(row, "at_ms")), or_dash(text_field(row, "node")), text_field(row, "who"),
                   deed.what, in_row ? read : ""});
    const std::string why = text_field(row, "why");
    const std::string result = in_row ? "" : deed.result;
    table.add_note(why + (why.empty() || result.empty() ? "" : "; ") + result);
  }
  return table;
}

}  // namespace

std::string audit_text(const json& rows, size_t width) {
  const Table whole = whole_audit_table(rows);
  return whole.width() <= width ? whole.render(width) : narrow_audit_table(rows).render(width);
}

}  // namespace bramble::cli
