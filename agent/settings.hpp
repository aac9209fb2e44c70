// The agent's configuration file, and everything that the daemon needs made from it.
#pragma once

#include <string>

#include "agent/core/config.hpp"
#include "agent/runner/machine_halt.hpp"
#include "agent/sensors/drop_ins.hpp"
#include "common/base/result.hpp"
#include "common/mqtt/transport.hpp"

namespace bramble::agent {

struct Settings {
  Config config;
  std::string broker_url;  // empty: the node is not joined
  mqtt::TlsFiles tls;
  std::string joined;  // which joining
  std::string broker_user;
  std::string broker_password;
  std::string state_dir = "/var/lib/bramble/agent";
  std::string warden_socket = "/var/lib/bramble/warden/warden.sock";
  runner::HaltOptions halt;
  std::string watchdog_device;  // empty: none
  sensors::DropInOptions drop_ins{"/etc/bramble/sensors.d"};
};

// Reads the file, what a joining has left in the state directory, and from the machine what both leave open. An error
// names the file, the line and what to do.
Result<Settings> read_settings(const std::string& path);
Result<Settings> read_settings_unjoined(const std::string& path);  // the same without what a joining has left

// Where `--join` leaves the identity.
std::string identity_directory(const Settings& settings);

}  // namespace bramble::agent
