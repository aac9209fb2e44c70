#include "aggregator/cli/check_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "aggregator/cli/api.hpp"
#include "aggregator/cli/exit_status.hpp"
#include "aggregator/cli/table.hpp"
#include "aggregator/cli/text.hpp"
#include "aggregator/cli/views.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

std::optional<double> reading(const json& node, const char* name) {
  const auto found = node.find(name);
  if (found == node.end() || !found->is_number()) return {};
  return found->get<double>();
}

class Check {
 public:
  explicit Check(const CheckCommand& command) : command_(command) {}

  void look_at(const json& health) {
    for (const std::string& trouble : troubles_in(health)) find(kCheckCritical, trouble);
    alerts_ = health.value("alerts", json::array());
    look_at_alerts("");
  }

  void look_at_node(const json& node) {
    const std::string name = text_field(node, "node");
    look_at_state(name, text_field(node, "state"), text_field(node, "power"));
    if (node.value("power_off_unasked", false)) {
      find(kCheckWarning, name + " is off, and nobody asked for that (bramble node doctor " + name + ")");
    }
    look_at_alerts(name);
    if (const auto celsius = reading(node, "temperature_celsius")) {
      compare(*celsius, command_.temperature_celsius, fmt::format("{} is at {:.1f} C", name, *celsius));
      add_data(name + "_temperature", fmt::format("{:.1f}", *celsius), command_.temperature_celsius, 1);
    }
    const auto free = reading(node, "disk_free_bytes");
    const auto total = reading(node, "disk_total_bytes");
    if (free && total && *total > 0) {
      const double used = 1 - *free / *total;
      compare(used, command_.disk_used_ratio, fmt::format("the disk of {} is {:.0f} % full", name, used * 100));
      add_data(name + "_disk", fmt::format("{:.1f}%", used * 100), command_.disk_used_ratio, 100);
    }
    if (reading(node, "under_voltage").value_or(0) > 0) find(kCheckWarning, name + " has too low a voltage");
    if (const std::string why = text_field(node, "sensor_trouble"); !why.empty()) {
      find(kCheckWarning, name + " has failing sensors (" + why + ")");
    }
    power_w_ += reading(node, "power_w").value_or(0);
  }

  CheckResult result() {
    compare(power_w_, command_.power_w, fmt::format("the nodes draw {:.1f} W", power_w_));
    add_data("power", fmt::format("{:.1f}W", power_w_), command_.power_w, 1);
    add_data("nodes_on", std::to_string(on_), {}, 1);
    return {status_, fmt::format("BRAMBLE {} - {} | {}\n", word(), text(), data_)};
  }

 private:
  // Those of one node; of the whole cluster: "".
  void look_at_alerts(const std::string& node) {
    for (const json& alert : alerts_) {
      if (text_field(alert, "node") == node) find(kCheckWarning, text_field(alert, "text"));
    }
  }

  // power: of a node that hangs on a line. One that is switched off is not missed.
  void look_at_state(const std::string& name, const std::string& state, const std::string& power) {
    if (power == "fault") find(kCheckCritical, "the power of " + name + " has a fault");
    const bool heard = state == "on" || state == "joining";
    if (!heard &&
        (power == "off" || power == "starting" || power == "halting" || power == "cutting" || power == "cool-down")) {
      ++off_;
      return;
    }
    if (state == "lost") find(kCheckCritical, name + " is lost");
    if (state == "silent") find(kCheckWarning, name + " is silent");
    if (state == "unknown") find(kCheckWarning, name + " was not heard since the aggregator started");
    if (state == "stopped") ++stopped_;
    if (state == "on" || state == "joining") ++on_;
  }

  void compare(double value, const std::optional<CheckLimits>& limits, const std::string& sentence) {
    if (!limits || value < limits->warning) return;
    find(value >= limits->critical ? kCheckCritical : kCheckWarning, sentence);
  }

  // The worst stand first.
  void find(int status, const std::string& sentence) {
    status_ = std::max(status_, status);
    found_.emplace_back(status, sentence);
  }

  // 'label'=value;warning;critical, in the value's unit.
  void add_data(const std::string& label, const std::string& value, const std::optional<CheckLimits>& limits,
                double factor) {
    if (!data_.empty()) data_ += ' ';
    data_ += fmt::format("'{}'={}", label, value);
    if (limits) data_ += fmt::format(";{:g};{:g}", limits->warning * factor, limits->critical * factor);
  }

  const char* word() const {
    if (status_ == kCheckCritical) return "CRITICAL";
    return status_ == kCheckWarning ? "WARNING" : "OK";
  }

  // A '|' would end it. So many sentences that a pager shows them all.
  std::string text() {
    constexpr size_t kMaxSentences = 8;
    std::stable_sort(found_.begin(), found_.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    std::string sentences;
    for (size_t i = 0; i < std::min(kMaxSentences, found_.size()); ++i) sentences += found_[i].second + "; ";
    if (found_.size() > kMaxSentences) sentences += fmt::format("and {} more; ", found_.size() - kMaxSentences);
    sentences += count_text(on_, "node") + " on";
    if (stopped_ > 0) sentences += fmt::format(", {} stopped", stopped_);
    if (off_ > 0) sentences += fmt::format(", {} off", off_);
    std::replace(sentences.begin(), sentences.end(), '|', '/');
    std::replace(sentences.begin(), sentences.end(), '\n', ' ');
    return without_controls(std::move(sentences));
  }

  const CheckCommand& command_;
  json alerts_ = json::array();
  int status_ = kCheckOk;
  std::vector<std::pair<int, std::string>> found_;
  std::string data_;
  size_t on_ = 0;
  size_t stopped_ = 0;
  size_t off_ = 0;
  double power_w_ = 0;
};

}  // namespace

CheckResult check_cluster(const json& health, const json& nodes, const CheckCommand& command) {
  Check check(command);
  check.look_at(health);
  for (const json& node : nodes) check.look_at_node(node);
  return check.result();
}

std::string check_text(std::string line, size_t columns) {
  constexpr size_t kIndent = 2;
  if (columns == kAnyWidth) return line;
  if (line.ends_with('\n')) line.pop_back();
  return wrapped(line, kIndent, columns) + "\n";
}

}  // namespace bramble::cli
