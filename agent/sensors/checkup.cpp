#include "agent/sensors/checkup.hpp"

#include <unistd.h>

#include "agent/sensors/parse.hpp"

namespace bramble::sensors {
namespace {

using wire::Finding;
using wire::FindingState;

constexpr int64_t kLookMs = 60'000;

// "KEY=value" of the last line that has it, for a later one counts; sections are not told apart.
std::string setting(std::string_view config, std::string_view key) {
  std::string value;
  while (!config.empty()) {
    const std::string_view line = config.substr(0, config.find('\n'));
    config.remove_prefix(std::min(line.size() + 1, config.size()));
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == '=') {
      value = line.substr(key.size() + 1);
    }
  }
  while (!value.empty() && (value.back() == '\r' || value.back() == ' ')) value.pop_back();
  return value;
}

bool is_memory_controller_v1(std::string_view cgroups) {
  // "memory 0 1 0": the name, its hierarchy, how many groups, whether it is enabled.
  const size_t at = cgroups.find("\nmemory");
  if (at == std::string_view::npos) return false;
  const std::string_view line = cgroups.substr(at + 1, cgroups.find('\n', at + 1) - at - 1);
  return line.ends_with('1');
}

bool has_word(std::string_view words, std::string_view word) {
  const Words all = split_words(first_line(words));
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i] == word) return true;
  }
  return false;
}

bool is_raspberry_pi(Probe& probe) {
  const auto compatible = probe.text_if_told(probe.roots.proc + "/device-tree/compatible");
  return compatible && compatible->find("raspberrypi,") != std::string::npos;
}

Finding look_at_cgroups(Probe& probe) {
  if (const auto v2 = probe.text_if_told(probe.roots.sys + "/fs/cgroup/cgroup.controllers")) {
    if (has_word(*v2, "memory")) return {"cgroups", FindingState::good, "cgroup v2 with memory"};
  } else if (const auto v1 = probe.text_if_told(probe.roots.proc + "/cgroups"); v1 && is_memory_controller_v1(*v1)) {
    return {"cgroups", FindingState::warning,
            "cgroup v1: memory limits of tasks are watched, not enforced by the kernel; a newer system has cgroup v2"};
  }
  const std::string none = "no memory cgroups, so memory limits of tasks are watched, not enforced by the kernel: ";
  if (is_raspberry_pi(probe)) {
    return {"cgroups", FindingState::warning,
            none + "add cgroup_enable=memory to /boot/firmware/cmdline.txt and boot again"};
  }
  return {"cgroups", FindingState::warning,
          none +
              "boot with systemd.unified_cgroup_hierarchy=1 and without cgroup_disable=memory on the kernel's "
              "command line; a container needs the controller from its host"};
}

}  // namespace

BoardKind board_kind(std::string_view compatible) {
  if (compatible.find("5-compute-module") != std::string_view::npos) return BoardKind::cm5;
  if (compatible.find("bcm2712") != std::string_view::npos) return BoardKind::pi5;
  if (compatible.find("bcm2711") != std::string_view::npos) return BoardKind::pi4;
  return BoardKind::other;
}

Finding judge_eeprom(BoardKind board, std::string_view config) {
  const bool off_on_halt = setting(config, "POWER_OFF_ON_HALT") == "1";
  const std::string edit = " (sudo rpi-eeprom-config --edit)";
  if (board == BoardKind::pi4 && off_on_halt && setting(config, "WAKE_ON_GPIO") == "0") {
    return {"eeprom", FindingState::warning,
            "once halted only GLOBAL_EN or its supply wakes it: set WAKE_ON_GPIO=1 if a button on GPIO3 shall" + edit};
  }
  if (board == BoardKind::pi4) return {"eeprom", FindingState::good, "it boots when its power comes back"};
  if (off_on_halt && setting(config, "WAIT_FOR_POWER_BUTTON") == "1") {
    return {"eeprom", FindingState::problem,
            "it waits for its button when its power comes back: set WAIT_FOR_POWER_BUTTON=0" + edit};
  }
  if (board == BoardKind::cm5 && off_on_halt) {
    return {"eeprom", FindingState::warning,
            "a Compute Module 5 with POWER_OFF_ON_HALT=1 may not come back when its power does: set it to 0, or switch "
            "it off and on once while you can reach it" +
                edit};
  }
  if (!off_on_halt) {
    return {
        "eeprom", FindingState::good,
        "it boots when its power comes back; halted it still draws over 1 W until that is cut (POWER_OFF_ON_HALT=0)"};
  }
  return {"eeprom", FindingState::good, "it boots when its power comes back"};
}

void CheckupSource::read(Probe& probe) {
  if (!looked_ || probe.now - *looked_ >= kLookMs) {
    looked_ = probe.now;
    auto findings = look(probe);
    if (!findings_ || *findings_ != findings) {
      findings_ = std::make_shared<const std::vector<Finding>>(std::move(findings));
    }
  }
  probe.reading.findings = findings_;
}

std::vector<Finding> CheckupSource::look(Probe& probe) {
  std::vector<Finding> findings{look_at_halt(), look_at_watchdog(probe), look_at_clock(), look_at_cgroups(probe)};
  const auto compatible = probe.text_if_told(probe.roots.proc + "/device-tree/compatible");
  const BoardKind board = compatible ? board_kind(*compatible) : BoardKind::other;
  if (board == BoardKind::other) return findings;
  const auto config = firmware_->command("bootloader_config");
  findings.push_back(config ? judge_eeprom(board, *config)
                            : Finding{"eeprom", FindingState::unknown,
                                      "the EEPROM's settings cannot be read: " + config.error().message});
  return findings;
}

Finding CheckupSource::look_at_halt() const {
  if (!options_.halt_command.empty()) {
    if (::access(options_.halt_command.c_str(), X_OK) == 0) return {"halt", FindingState::good, "by halt_command"};
    return {"halt", FindingState::problem,
            "halt_command " + options_.halt_command + " cannot be run: mend it in agent.toml"};
  }
  if (options_.halt_request.empty()) {
    return {"halt", FindingState::warning,
            "it never halts when it is asked to: set halt_request or halt_command in agent.toml"};
  }
  const std::string directory = options_.halt_request.substr(0, options_.halt_request.rfind('/') + 1);
  if (::access(directory.c_str(), W_OK | X_OK) == 0) return {"halt", FindingState::good, "by " + options_.halt_request};
  return {"halt", FindingState::problem,
          "requests to halt cannot be written into " + directory +
              ": run the agent as the unit bramble-agent, which makes it"};
}

Finding CheckupSource::look_at_watchdog(Probe& probe) const {
  const std::string device = options_.watchdog_device.substr(options_.watchdog_device.rfind('/') + 1);
  const std::string name = device.empty() || device == "watchdog" ? "watchdog0" : device;
  const auto state = probe.text_if_told(probe.roots.sys + "/class/watchdog/" + name + "/state");
  const bool active = state && first_line(*state) == "active";
  if (active && device.empty()) return {"watchdog", FindingState::good, "fed by another program"};
  if (active) return {"watchdog", FindingState::good, "fed by the agent"};
  if (!device.empty()) {
    return {"watchdog", FindingState::problem,
            options_.watchdog_device + " is configured and does not run: the agent's log says why"};
  }
  if (state) {
    return {"watchdog", FindingState::warning,
            "nobody feeds /dev/" + name + ": set watchdog_device in agent.toml, so that a hung node boots again"};
  }
  if (!is_raspberry_pi(probe)) return {"watchdog", FindingState::good, "none is to be seen here"};
  return {"watchdog", FindingState::warning, "no hardware watchdog: add dtparam=watchdog=on to config.txt"};
}

Finding CheckupSource::look_at_clock() const {
  if (options_.clock_is_synchronised()) return {"time", FindingState::good, "synchronised"};
  return {"time", FindingState::warning,
          "its clock is not synchronised: switch systemd-timesyncd or chrony on, and look whether it reaches a server"};
}

}  // namespace bramble::sensors
