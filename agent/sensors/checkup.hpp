// What is amiss with this node that no metric tells: settings of its boot EEPROM, its watchdog, its clock, its cgroups,
// the way by which it is halted. For `bramble node doctor`.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/sensors/firmware.hpp"
#include "agent/sensors/source.hpp"
#include "common/wire/messages.hpp"

namespace bramble::sensors {

struct CheckupOptions {
  std::string watchdog_device;                  // as in agent.toml; empty: none
  std::string halt_request;                     // the same
  std::string halt_command;                     // the same
  std::function<bool()> clock_is_synchronised;  // posix::is_clock_synchronised, but in tests
};

// Reading::findings, looked at anew once a minute.
class CheckupSource : public Source {
 public:
  CheckupSource(std::shared_ptr<Firmware> firmware, CheckupOptions options)
      : Source("checkup"), firmware_(std::move(firmware)), options_(std::move(options)) {}
  void read(Probe& probe) override;

 private:
  std::vector<wire::Finding> look(Probe& probe);
  wire::Finding look_at_watchdog(Probe& probe) const;
  wire::Finding look_at_halt() const;
  wire::Finding look_at_clock() const;

  std::shared_ptr<Firmware> firmware_;
  CheckupOptions options_;
  std::optional<MonoTime> looked_;
  std::shared_ptr<const std::vector<wire::Finding>> findings_;
};

enum class BoardKind { other, pi4, pi5, cm5 };  // as far as their boot EEPROMs differ
BoardKind board_kind(std::string_view compatible);

// `config`: the answer to the firmware's command bootloader_config. What it makes of a node whose power is taken and
// given back, or that was halted (raspberrypi.com, "Raspberry Pi bootloader configuration").
wire::Finding judge_eeprom(BoardKind board, std::string_view config);

}  // namespace bramble::sensors
