// The agent's configuration file, and everything that the daemon needs made from it.
#pragma once

#include <string>

#include "agent/core/config.hpp"
#include "agent/runner/machine_halt.hpp"
#include "agent/sensors/drop_ins.hpp"
#include "common/base/result.hpp"

namespace bramble::agent {

struct Settings {
  Config config;
  std::string broker_url = "tcp://127.0.0.1:1883";
  std::string broker_user;
  std::string broker_password;
  std::string state_dir = "/var/lib/bramble/agent";
  std::string warden_socket = "/var/lib/bramble/warden/warden.sock";
  runner::HaltOptions halt;
  std::string watchdog_device;  // empty: none
  sensors::DropInOptions drop_ins{"/etc/bramble/sensors.d"};
};

// Reads the file, and from the machine what it leaves open. An error names the file, the line and what to do.
Result<Settings> read_settings(const std::string& path);

}  // namespace bramble::agent
