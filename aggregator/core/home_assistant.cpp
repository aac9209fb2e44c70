#include "aggregator/core/home_assistant.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "common/wire/metrics.hpp"

namespace bramble::aggregator {
namespace {

using nlohmann::json;

// A unit that does not fit the device class would have the sensor rejected.
struct Sensor {
  std::string_view metric;
  std::string_view name;
  std::string_view device_class;  // empty: none
  std::string_view unit;          // empty: none
  std::string_view state_class;
  double factor = 1;  // unit = metric * factor
  int digits = 1;
};

constexpr Sensor kSensors[] = {
    {"power_w", "Power", "power", "W", "measurement", 1, 2},
    {"energy_j", "Energy", "energy", "Wh", "total_increasing", 1.0 / 3600, 3},
    {"temperature_celsius", "Temperature", "temperature", "°C", "measurement"},
    {"cpu_busy_ratio", "CPU usage", "", "%", "measurement", 100},
    {"load1", "Load", "", "", "measurement", 1, 2},
    {"memory_available_bytes", "Memory available", "data_size", "MB", "measurement", 1e-6, 0},
    {"disk_free_bytes", "Disk free", "data_size", "GB", "measurement", 1e-9, 2},
    {"cpu_frequency_hz", "CPU frequency", "frequency", "MHz", "measurement", 1e-6, 0},
    {"wifi_signal_dbm", "Wi-Fi signal", "signal_strength", "dBm", "measurement", 1, 0},
    {"supply_voltage_v", "Supply voltage", "voltage", "V", "measurement", 1, 3},
    {"supply_current_a", "Supply current", "current", "A", "measurement", 1, 3},
    {"uptime_s", "Uptime", "duration", "s", "measurement", 1, 0},
};
constexpr std::string_view kUnderVoltage = "under_voltage";

// People's own sensors: what the end of a name says. A unit that is not here stays a part of the name.
struct Ending {
  std::string_view text;
  std::string_view device_class;
  std::string_view unit;
  double factor = 1;
};
constexpr Ending kEndings[] = {{"_celsius", "temperature", "°C"},
                               {"_w", "power", "W"},
                               {"_j", "energy", "Wh", 1.0 / 3600},
                               {"_wh", "energy", "Wh"},
                               {"_v", "voltage", "V"},
                               {"_a", "current", "A"},
                               {"_hz", "frequency", "Hz"},
                               {"_s", "duration", "s"},
                               {"_hpa", "atmospheric_pressure", "hPa"},
                               {"_lux", "illuminance", "lx"},
                               {"_dbm", "signal_strength", "dBm"},
                               {"_ppm", "", "ppm"},
                               {"_bytes", "", "B"},
                               {"_percent", "", "%"},
                               {"_ratio", "", "%", 100}};
constexpr size_t kMaxOwnSensors = 32;  // of a node

// Letters, digits, '_' and '-'; a name may have dots, too.
std::string id_text(std::string name) {
  std::replace(name.begin(), name.end(), '.', '-');
  return name;
}

std::string id_of(const State& state, const std::string& node) {
  return id_text("bramble_" + state.config.cluster + "_" + node);
}

constexpr std::string_view kDevice = "/device/";
constexpr std::string_view kConfig = "/config";

std::string device_topic(const State& state, const std::string& node) {
  return state.config.home_assistant + std::string(kDevice) + id_of(state, node) + std::string(kConfig);
}

std::string number_text(double value) {
  std::string text = json(value).dump();
  return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
}

bool is_brambles_own(std::string_view metric) {
  return std::any_of(wire::kMetrics.begin(), wire::kMetrics.end(),
                     [&](const wire::Metric& known) { return known.name == metric; });
}

// "greenhouse_celsius": "greenhouse", in degrees. Home Assistant takes an energy only as a total, which may count anew.
Sensor own_sensor(std::string_view metric) {
  Sensor sensor{metric, metric, "", "", "measurement", 1, 3};
  for (const Ending& ending : kEndings) {
    if (!metric.ends_with(ending.text) || metric.size() == ending.text.size()) continue;
    sensor.name.remove_suffix(ending.text.size());
    sensor.device_class = ending.device_class;
    sensor.unit = ending.unit;
    sensor.factor = ending.factor;
    if (ending.device_class == "energy") sensor.state_class = "total_increasing";
  }
  return sensor;
}

// "values" is also a method of Jinja's dictionaries, and a reading may leave a value out.
std::string value_template(const Sensor& sensor) {
  const std::string value = "value_json['values'].get('" + std::string(sensor.metric) + "')";
  std::string scaled = "v";
  if (sensor.factor != 1) scaled = "(v * " + number_text(sensor.factor) + ")";
  return "{% set v = " + value + " %}{{ none if v is none else " + scaled + " | round(" +
         std::to_string(sensor.digits) + ") }}";
}

// Watts and joules say in an attribute whether they are measured.
void add_measured(json& component, const Sensor& sensor, const std::string& telemetry_topic) {
  if (sensor.metric != "power_w" && sensor.metric != "energy_j") return;
  component["json_attributes_topic"] = telemetry_topic;
  component["json_attributes_template"] = "{{ {'measured': value_json.get('power_measured', false)} | tojson }}";
}

json component_of(const Sensor& sensor, const std::string& id) {
  json component{{"platform", "sensor"},
                 {"unique_id", id_text(id + "_" + std::string(sensor.metric))},
                 {"name", sensor.name},
                 {"state_class", sensor.state_class},
                 {"value_template", value_template(sensor)}};
  if (!sensor.device_class.empty()) component["device_class"] = sensor.device_class;
  if (!sensor.unit.empty()) component["unit_of_measurement"] = sensor.unit;
  return component;
}

json under_voltage_component(const std::string& id) {
  return {{"platform", "binary_sensor"},
          {"unique_id", id + "_" + std::string(kUnderVoltage)},
          {"name", "Under-voltage"},
          {"device_class", "problem"},
          {"value_template", "{{ 'ON' if value_json['values'].get('under_voltage') else 'OFF' }}"}};
}

json components_of(const Node& node, const std::string& id, const std::string& telemetry_topic) {
  json components = json::object();
  for (const Sensor& sensor : kSensors) {
    const std::string metric(sensor.metric);
    if (!node.announced.contains(metric)) continue;
    components[metric] = component_of(sensor, id);
    add_measured(components[metric], sensor, telemetry_topic);
  }
  for (const std::string& metric : node.announced) {
    if (!is_brambles_own(metric)) components[id_text(metric)] = component_of(own_sensor(metric), id);
  }
  if (node.announced.contains(std::string(kUnderVoltage))) {
    components[std::string(kUnderVoltage)] = under_voltage_component(id);
  }
  return components;
}

bool has_component(std::string_view metric) {
  return metric == kUnderVoltage || std::any_of(std::begin(kSensors), std::end(kSensors),
                                                [&](const Sensor& sensor) { return sensor.metric == metric; });
}

// Whether the reading tells more than was announced. One that is missing in a single reading takes no sensor away.
bool note_readings(Node& node) {
  const size_t before = node.announced.size();
  size_t own = 0;
  for (const std::string& metric : node.announced) own += is_brambles_own(metric) ? 0 : 1;
  for (const auto& [metric, value] : node.telemetry->values) {
    if (node.announced.contains(metric)) continue;
    if (is_brambles_own(metric) ? has_component(metric) : own++ < kMaxOwnSensors) node.announced.insert(metric);
  }
  return node.announced.size() > before;
}

json available_by(const std::string& topic) {
  return {{"topic", topic}, {"value_template", "{{ 'online' if value_json.online else 'offline' }}"}};
}

json device_of(const Node& node, const std::string& id) {
  const auto& status = node.record.status;
  json device{{"identifiers", json::array({id})}, {"name", status.node}, {"sw_version", status.version}};
  if (!status.model.empty()) device["model"] = status.model;
  return device;
}

}  // namespace

std::string discovery_payload(const State& state, const Node& node) {
  const std::string& name = node.record.status.node;
  const std::string id = id_of(state, name);
  const std::string telemetry_topic = state.topics.node(name, wire::NodeTopic::telemetry);
  const json payload{{"device", device_of(node, id)},
                     {"origin", {{"name", "bramble"}, {"sw_version", state.config.version}}},
                     {"state_topic", telemetry_topic},
                     {"availability", json::array({available_by(state.topics.node(name, wire::NodeTopic::status)),
                                                   available_by(state.topics.aggregator_status())})},
                     {"availability_mode", "all"},
                     {"components", components_of(node, id, telemetry_topic)}};
  return payload.dump(-1, ' ', false, json::error_handler_t::replace);
}

namespace {

void publish_device(const State& state, Effects& effects, const Node& node) {
  effects.publish.push_back({device_topic(state, node.record.status.node), discovery_payload(state, node), 1, true});
}

}  // namespace

void announce_device(State& state, Effects& effects, Node& node) {
  if (state.config.home_assistant.empty() || !node.telemetry || node.foreign) return;
  if (note_readings(node)) publish_device(state, effects, node);
}

void withdraw_device(const State& state, Effects& effects, const std::string& node) {
  if (state.config.home_assistant.empty()) return;
  effects.publish.push_back({device_topic(state, node), "", 1, true});
}

void announce_all_again(State& state, Effects& effects) {
  if (state.config.home_assistant.empty()) return;
  for (Node& node : state.nodes) {
    if (!node.foreign && !node.announced.empty()) publish_device(state, effects, node);
  }
}

bool is_device_topic(std::string_view topic) {
  return topic.find(kDevice) != std::string_view::npos && topic.ends_with(kConfig);
}

DeviceOwner owner_of_device(const State& state, std::string_view topic, std::string_view payload) {
  if (topic.find(std::string(kDevice) + id_of(state, "")) == std::string_view::npos) return DeviceOwner::others;
  const json device = json::parse(payload, nullptr, false);
  if (!device.is_object() || !device.contains("state_topic") || !device["state_topic"].is_string()) {
    return DeviceOwner::others;
  }
  const auto state_topic = state.topics.parse(device["state_topic"].get<std::string>());
  if (!state_topic || state_topic->kind != wire::NodeTopic::telemetry) return DeviceOwner::others;
  const std::string& node = state_topic->node;
  const bool announced = !state.config.home_assistant.empty() && state.node_by_name.contains(node);
  return announced && topic == device_topic(state, node) ? DeviceOwner::us : DeviceOwner::nobody;
}

std::vector<std::string> every_device() { return {"+/device/+/config", "+/+/device/+/config"}; }

std::string home_assistant_status_topic(const Config& config) { return config.home_assistant + "/status"; }

}  // namespace bramble::aggregator
