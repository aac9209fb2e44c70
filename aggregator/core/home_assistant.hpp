// Home Assistant's MQTT device discovery: each node is a device with a sensor for each of its readings, people's own
// (32 of a node at most) included; their names' ends tell the unit.
//
// Published, retained, to PREFIX/device/bramble_CLUSTER_NODE/config as soon as a node has told its first reading, and
// again when it tells of others, when Home Assistant says that it is online, and after each connection. An empty
// retained message to that topic removes a device.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aggregator/core/effects.hpp"
#include "aggregator/core/state.hpp"

namespace bramble::aggregator {

// With Config::home_assistant empty both do nothing.
void announce_device(State& state, Effects& effects, Node& node);  // unless it was, with the same readings
void withdraw_device(const State& state, Effects& effects, const std::string& node);  // the node is no more
void announce_all_again(State& state, Effects& effects);

bool is_device_topic(std::string_view topic);  // of anybody

// Whose the device is that is announced there, going by what it says: other clusters' names may begin like ours.
enum class DeviceOwner { others, us, nobody };  // nobody: it was ours, and would not be announced so now
DeviceOwner owner_of_device(const State& state, std::string_view topic, std::string_view payload);
// Where devices may be announced, whatever the prefix is, or was, that is configured.
std::vector<std::string> every_device();

// Where Home Assistant says that it is online.
std::string home_assistant_status_topic(const Config& config);

// The payload for one node, with sensors for what its readings have told.
std::string discovery_payload(const State& state, const Node& node);

}  // namespace bramble::aggregator
