#include "aggregator/core/home_assistant.hpp"

#include <nlohmann/json.hpp>
#include <string_view>

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

// Letters, digits, '_' and '-'; a name may have dots, too.
std::string id_of(const State& state, const std::string& node) {
  std::string id = "bramble_" + state.config.cluster + "_" + node;
  for (char& c : id) c = c == '.' ? '-' : c;
  return id;
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
                 {"unique_id", id + "_" + std::string(sensor.metric)},
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
  const auto& values = node.telemetry->values;
  for (const Sensor& sensor : kSensors) {
    const std::string metric(sensor.metric);
    if (!values.contains(metric)) continue;
    components[metric] = component_of(sensor, id);
    add_measured(components[metric], sensor, telemetry_topic);
  }
  if (values.contains(std::string(kUnderVoltage))) components[std::string(kUnderVoltage)] = under_voltage_component(id);
  return components;
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

void announce_device(State& state, Effects& effects, Node& node) {
  if (state.config.home_assistant.empty() || !node.telemetry || node.foreign) return;
  size_t readings = 0;
  for (const Sensor& sensor : kSensors) readings += node.telemetry->values.count(std::string(sensor.metric));
  readings += node.telemetry->values.count(std::string(kUnderVoltage));
  // One that is missing in a single reading takes no sensor away.
  if (readings <= node.announced_readings) return;
  node.announced_readings = readings;
  effects.publish.push_back({device_topic(state, node.record.status.node), discovery_payload(state, node), 1, true});
}

void announce_all_again(State& state, Effects& effects) {
  if (state.config.home_assistant.empty()) return;
  for (Node& node : state.nodes) {
    node.announced_readings = 0;
    announce_device(state, effects, node);
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
