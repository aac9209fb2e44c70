#include "aggregator/core/metrics.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/core/internal.hpp"
#include "aggregator/core/power_internal.hpp"

namespace bramble::aggregator {
namespace {

using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

// One metric: its help and type, then its series.
class Family {
 public:
  Family(std::string& text, std::string_view name, std::string_view type, std::string_view help)
      : text_(text), name_(name), head_("# HELP ") {
    head_.append(name).append(" ").append(help).append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
  }

  void add(const Labels& labels, double value) {
    text_.append(std::exchange(head_, {})).append(name_);
    char separator = '{';
    for (const auto& [label, content] : labels) {
      text_.append(1, std::exchange(separator, ',')).append(label).append("=\"");
      append_escaped(content);
      text_ += '"';
    }
    if (!labels.empty()) text_ += '}';
    std::array<char, 40> number;
    const auto end = std::to_chars(number.data(), number.data() + number.size(), value).ptr;
    text_.append(" ").append(number.data(), end).append("\n");
  }

 private:
  void append_escaped(std::string_view content) {
    for (const char c : content) {
      if (c == '\\' || c == '"') text_ += '\\';
      text_.append(c == '\n' ? std::string_view("\\n") : std::string_view(&c, 1));
    }
  }

  std::string& text_;
  std::string_view name_;
  std::string head_;  // written before the first series: a family without any is not there
};

// A reading on the wire and what it is called here.
struct Reading {
  std::string_view metric;
  std::string_view name;
  std::string_view type;
  std::string_view help;
  double factor = 1;
};

constexpr Reading kReadings[] = {
    {"readings_dropped", "bramble_node_readings_dropped_total", "counter",
     "Readings that the node never sent: it was cut off for too long."},
    {"sensors_failed", "bramble_node_sensors_failed", "gauge", "Sensors that are there and cannot be read."},
    {"cpu_busy_ratio", "bramble_node_cpu_busy_ratio", "gauge", "Share of time that all CPUs together worked."},
    {"cpu_user_ratio", "bramble_node_cpu_user_ratio", "gauge", "Share of time in user programs."},
    {"cpu_system_ratio", "bramble_node_cpu_system_ratio", "gauge", "Share of time in the kernel."},
    {"cpu_iowait_ratio", "bramble_node_cpu_iowait_ratio", "gauge", "Share of time that CPUs waited for disks."},
    {"cpu_irq_ratio", "bramble_node_cpu_irq_ratio", "gauge", "Share of time in interrupts."},
    {"cpu_steal_ratio", "bramble_node_cpu_steal_ratio", "gauge", "Share of time that a hypervisor took."},
    {"load1", "bramble_node_load1", "gauge", "Load average over one minute."},
    {"load5", "bramble_node_load5", "gauge", "Load average over five minutes."},
    {"load15", "bramble_node_load15", "gauge", "Load average over a quarter of an hour."},
    {"memory_total_bytes", "bramble_node_memory_size_bytes", "gauge", "Memory of the node."},
    {"memory_available_bytes", "bramble_node_memory_available_bytes", "gauge", "Memory that programs could get."},
    {"swap_used_bytes", "bramble_node_swap_used_bytes", "gauge", "Swap space in use."},
    {"pressure_cpu_s", "bramble_node_pressure_cpu_seconds_total", "counter", "Time that tasks waited for a CPU."},
    {"pressure_memory_s", "bramble_node_pressure_memory_seconds_total", "counter",
     "Time that tasks waited for memory."},
    {"pressure_io_s", "bramble_node_pressure_io_seconds_total", "counter", "Time that tasks waited for disks."},
    {"temperature_celsius", "bramble_node_temperature_celsius", "gauge", "Temperature of the SoC."},
    {"cpu_frequency_hz", "bramble_node_cpu_frequency_hertz", "gauge", "Clock of the first CPU."},
    {"disk_read_bytes", "bramble_node_disk_read_bytes_total", "counter", "Bytes read from disks."},
    {"disk_written_bytes", "bramble_node_disk_written_bytes_total", "counter", "Bytes written to disks."},
    {"disk_free_bytes", "bramble_node_disk_free_bytes", "gauge", "Room left on the agent's file system."},
    {"disk_total_bytes", "bramble_node_disk_size_bytes", "gauge", "Size of the agent's file system."},
    {"card_life_used_ratio", "bramble_node_card_life_used_ratio", "gauge", "Share of the card's life that is used up."},
    {"net_receive_bytes", "bramble_node_network_receive_bytes_total", "counter", "Bytes received."},
    {"net_transmit_bytes", "bramble_node_network_transmit_bytes_total", "counter", "Bytes sent."},
    {"net_errors", "bramble_node_network_errors_total", "counter", "Errors of the network interfaces."},
    {"link_speed_bps", "bramble_node_network_speed_bytes", "gauge", "Speed of the link in bytes per second.", 0.125},
    {"wifi_signal_dbm", "bramble_node_wifi_signal_dbm", "gauge", "Strength of the Wi-Fi signal."},
    {"uptime_s", "bramble_node_uptime_seconds", "gauge", "Time since the node booted."},
    {"under_voltage", "bramble_node_under_voltage", "gauge", "1 while the supply is below its limit."},
    {"supply_voltage_v", "bramble_node_supply_volts", "gauge", "Voltage of the supply."},
    {"supply_current_a", "bramble_node_supply_amperes", "gauge", "Current that the node draws."},
    {"energy_j", "bramble_node_energy_joules_total", "counter", "Energy used, measured or modelled."},
    {"energy_measured_j", "bramble_node_energy_measured_joules_total", "counter",
     "The part of the energy that was measured."},
    {"energy_unattributed_j", "bramble_node_energy_unattributed_joules_total", "counter",
     "The part of the energy that no task is charged with."},
};

// Bits of the firmware's GET_THROTTLED.
constexpr std::pair<uint32_t, std::string_view> kThrottling[] = {
    {1, "frequency_capped"}, {2, "throttled"}, {3, "soft_temperature_limit"}};

using Nodes = std::vector<const Node*>;  // by name

Nodes sorted_nodes(const State& state) {
  Nodes nodes;
  for (const Node& node : state.nodes) {
    if (!node.removed) nodes.push_back(&node);
  }
  std::sort(nodes.begin(), nodes.end(),
            [](const Node* a, const Node* b) { return a->record.status.node < b->record.status.node; });
  return nodes;
}

const double* value_of(const Node& node, std::string_view metric) {
  const auto found = node.telemetry->values.find(std::string(metric));
  return found == node.telemetry->values.end() ? nullptr : &found->second;
}

void add_readings(std::string& text, const Nodes& heard) {
  for (const Reading& reading : kReadings) {
    Family family(text, reading.name, reading.type, reading.help);
    for (const Node* node : heard) {
      const double* value = value_of(*node, reading.metric);
      if (value != nullptr) family.add({{"node", node->record.status.node}}, *value * reading.factor);
    }
  }
}

void add_power(std::string& text, const Nodes& heard) {
  Family family(text, "bramble_node_power_watts", "gauge", "Power that the node draws, measured or modelled.");
  for (const Node* node : heard) {
    const double* value = value_of(*node, "power_w");
    if (value == nullptr) continue;
    family.add(
        {{"node", node->record.status.node}, {"source", node->telemetry->power_measured ? "measured" : "modelled"}},
        *value);
  }
}

void add_throttling(std::string& text, const Nodes& heard) {
  Family family(text, "bramble_node_throttling", "gauge", "1 while the firmware slows the node down for this cause.");
  for (const Node* node : heard) {
    const double* bits = value_of(*node, "throttled_bits");
    if (bits == nullptr || *bits < 0 || *bits > 0xffffffffU) continue;
    for (const auto& [bit, cause] : kThrottling) {
      family.add({{"node", node->record.status.node}, {"cause", cause}}, (static_cast<uint32_t>(*bits) >> bit) & 1U);
    }
  }
}

bool has_own_name(std::string_view metric) {
  return metric == "power_w" || metric == "throttled_bits" ||
         std::any_of(std::begin(kReadings), std::end(kReadings),
                     [&](const Reading& reading) { return reading.metric == metric; });
}

// What people's own sensors tell.
void add_others(std::string& text, const Nodes& heard) {
  Family family(text, "bramble_node_other", "gauge", "Readings of sensors that were added on the node.");
  for (const Node* node : heard) {
    for (const auto& [metric, value] : node->telemetry->values) {
      if (!has_own_name(metric)) family.add({{"node", node->record.status.node}, {"metric", metric}}, value);
    }
  }
}

void add_nodes(std::string& text, const State& state) {
  const auto nodes = sorted_nodes(state);
  Nodes heard;  // and have told something
  {
    Family up(text, "bramble_node_up", "gauge", "1 while the node is heard.");
    for (const Node* node : nodes) {
      up.add({{"node", node->record.status.node}}, node->state == NodeState::on ? 1 : 0);
      if (node->state == NodeState::on && node->telemetry) heard.push_back(node);
    }
  }
  {
    Family states(text, "bramble_node_state", "gauge", "1 for the state that the node is in.");
    for (const Node* node : nodes)
      states.add({{"node", node->record.status.node}, {"state", to_string(node->state)}}, 1);
  }
  {
    Family drained(text, "bramble_node_drained", "gauge", "1 while the node is given no work by a person's wish.");
    for (const Node* node : nodes) drained.add({{"node", node->record.status.node}}, node->record.drained ? 1 : 0);
  }
  {
    Family attempts(text, "bramble_node_tasks", "gauge", "Tasks at the node.");
    for (const Node* node : nodes) {
      const std::string_view name = node->record.status.node;
      attempts.add({{"node", name}, {"state", "running"}},
                   static_cast<double>(node->attempts.size() - node->unstarted));
      attempts.add({{"node", name}, {"state", "queued"}}, node->unstarted);
    }
  }
  add_readings(text, heard);
  add_power(text, heard);
  add_throttling(text, heard);
  add_others(text, heard);
}

void add_lined_power(std::string& text, const State& state) {
  {
    Family states(text, "bramble_node_power_state", "gauge", "1 for the state of the power of a node on a line.");
    for (const auto& [name, node] : state.power.nodes) {
      states.add({{"node", name}, {"state", to_string(*power_state_of(state, name))}}, 1);
    }
  }
  {
    Family taken(text, "bramble_supply_taken_watts", "gauge", "Watts that a supply is reckoned to give.");
    for (size_t i = 0; !state.power.nodes.empty() && i < state.power.supplies.size(); ++i) {
      const PowerSupply& supply = state.power.supplies[i];
      taken.add({{"supply", supply.config.name}}, static_cast<double>(drawn_mw(state, supply, i)) / 1000);
    }
  }
  Family most(text, "bramble_supply_limit_watts", "gauge", "Watts that a supply may give at most.");
  for (const PowerSupply& supply : state.power.supplies) {
    if (supply.config.max_mw <= 0) continue;
    most.add({{"supply", supply.config.name}}, static_cast<double>(supply.config.max_mw) / 1000);
  }
}

void add_one(std::string& text, std::string_view name, std::string_view type, std::string_view help, double value) {
  Family(text, name, type, help).add({}, value);
}

// The newest open ones.
std::vector<const Job*> shown_jobs(const State& state) {
  std::vector<const Job*> jobs;
  for (auto entry = state.jobs.rbegin(); entry != state.jobs.rend() && jobs.size() < kMaxJobsInMetrics; ++entry) {
    jobs.push_back(&entry->second);
  }
  return jobs;
}

void add_energy_of_jobs(std::string& text, const State& state) {
  {
    Family family(text, "bramble_job_energy_joules_total", "counter",
                  "Energy of the tasks of an open job that ended since the aggregator started.");
    for (const Job* job : shown_jobs(state)) {
      family.add(
          {{"job", std::to_string(job->record.id)}, {"name", job->record.spec.name}, {"owner", job->record.spec.owner}},
          job->ended_energy_j);
    }
  }
  add_one(text, "bramble_tasks_energy_joules_total", "counter", "Energy of all tasks that have ended.",
          state.ended_energy_j);
}

void add_tasks_of_jobs(std::string& text, const State& state) {
  Family family(text, "bramble_job_tasks", "gauge", "Tasks of an open job.");
  for (const Job* shown : shown_jobs(state)) {
    const Job& job = *shown;
    const auto& counts = job.record.progress.counts;
    const std::string id = std::to_string(job.record.id);
    const auto add = [&](std::string_view task_state, uint64_t number) {
      family.add({{"job", id}, {"name", job.record.spec.name}, {"owner", job.record.spec.owner}, {"state", task_state}},
                 static_cast<double>(number));
    };
    add("open", counts.total - counts.ended() - job.running);
    add("running", job.running);
    add("succeeded", counts.succeeded);
    add("failed", counts.failed);
    add("cancelled", counts.cancelled);
  }
}

void add_aggregator(std::string& text, const State& state, Now now) {
  Family(text, "bramble_aggregator_info", "gauge", "Version and cluster of the aggregator.")
      .add({{"version", state.config.version}, {"cluster", state.config.cluster}}, 1);
  add_one(text, "bramble_aggregator_uptime_seconds", "gauge", "Time since the aggregator started.",
          static_cast<double>(now.mono - state.started) / 1000);
  add_one(text, "bramble_aggregator_broker_connected", "gauge", "1 while there is a connection to the broker.",
          state.connected ? 1 : 0);
  add_one(text, "bramble_aggregator_stopped_by_old_store", "gauge",
          "1 if the store is an old copy, and nothing is done with it.", state.gone_back.empty() ? 0 : 1);
  add_one(text, "bramble_aggregator_power_paused", "gauge", "1 while a person has paused the switching of nodes.",
          state.power.pause.paused ? 1 : 0);
  add_one(text, "bramble_aggregator_open_jobs", "gauge", "Jobs that have not ended.",
          static_cast<double>(state.jobs.size()));
  {
    Family ended(text, "bramble_tasks_ended_total", "counter", "Tasks that have ended.");
    ended.add({{"state", "succeeded"}}, static_cast<double>(state.ended.succeeded));
    ended.add({{"state", "failed"}}, static_cast<double>(state.ended.failed));
    ended.add({{"state", "cancelled"}}, static_cast<double>(state.ended.cancelled));
  }
  add_one(text, "bramble_aggregator_malformed_messages_total", "counter", "Messages that could not be read.",
          static_cast<double>(state.malformed_messages));
  add_one(text, "bramble_aggregator_stale_messages_total", "counter", "Messages of an old session that were dropped.",
          static_cast<double>(state.stale_messages));
  add_one(text, "bramble_aggregator_dropped_messages_total", "counter", "Messages dropped because too many waited.",
          static_cast<double>(state.dropped_messages));
  add_one(text, "bramble_aggregator_files_used_bytes", "gauge", "Inputs and outputs that are kept.",
          static_cast<double>(state.storage.used_bytes));
  add_one(text, "bramble_aggregator_files_quota_bytes", "gauge", "Room for inputs and outputs.",
          static_cast<double>(state.storage.quota_bytes));
}

void add_telemetry(std::string& text, const State& state) {
  const TelemetryUse& use = state.telemetry_use;
  {
    Family readings(text, "bramble_aggregator_readings_total", "counter", "Readings of nodes by what became of them.");
    const auto add = [&](std::string_view fate, uint64_t number) {
      readings.add({{"fate", fate}}, static_cast<double>(number));
    };
    add("stored", use.stored);
    add("shed", use.shed);
    add("refused", refused_readings(state));
    add("duplicate", use.duplicates);
    add("too_old", use.too_old);
    add("unfit", use.unfit);
  }
  add_one(text, "bramble_aggregator_readings_waiting", "gauge", "Readings in memory that are not stored yet.",
          static_cast<double>(use.waiting));
  add_one(text, "bramble_aggregator_values_refused_total", "counter",
          "Values that were no sane number, or of too many metrics.",
          static_cast<double>(use.refused_values + use.others_refused));
  add_one(text, "bramble_aggregator_telemetry_stored", "gauge", "0 while telemetry cannot be stored.",
          use.trouble.empty() ? 1 : 0);
}

void add_alerts(std::string& text, const State& state) {
  Family raised(text, "bramble_alert_raised", "gauge", "1 while the alert is raised.");
  for (const auto& [key, alert] : state.alerts) {
    raised.add({{"alert", state.config.alerts[key.first].name}, {"node", key.second}}, alert.raised ? 1 : 0);
  }
}

}  // namespace

uint64_t refused_readings(const State& state) {
  uint64_t refused = 0;
  for (const Node& node : state.nodes) refused += node.allowance.refused;
  return refused;
}

std::string metrics_text(const State& state, Now now) {
  std::string text;
  add_aggregator(text, state, now);
  add_telemetry(text, state);
  add_alerts(text, state);
  add_nodes(text, state);
  add_lined_power(text, state);
  add_tasks_of_jobs(text, state);
  add_energy_of_jobs(text, state);
  return text;
}

}  // namespace bramble::aggregator
