// The [[line]] tables of aggregator.toml: which line switches which node, and how it is driven.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "aggregator/core/lines.hpp"
#include "common/posix/config_file.hpp"

namespace bramble::aggregator {

inline constexpr size_t kMaxLines = 1024;
inline constexpr int64_t kMaxPressMs = 15'000;
inline constexpr int64_t kDefaultCommandLimitMs = 8'000;

// A GPIO line is found by its chip's label and by its own name or offset; numbers of chips change between kernels.
struct GpioPlace {
  std::string chip;  // label: "pinctrl-rp1"
  std::string line;  // name: "GPIO17"; empty: by offset
  std::optional<int64_t> offset;
  bool active_low = false;
  bool open_drain = false;  // it only ever pulls down: for a pin with a pull-up of its own (RUN, GLOBAL_EN, J2)
  std::string pull;         // of an input: "up", "down"; empty: as it is

  bool operator==(const GpioPlace&) const = default;
};

// Programs with their arguments, without a shell. `status` tells by its exit status: 0 on, 1 off.
struct CommandPlace {
  std::vector<std::string> on;
  std::vector<std::string> off;
  std::vector<std::string> status;            // empty: the level cannot be read
  int64_t limit_ms = kDefaultCommandLimitMs;  // for one operation, its reading back included

  bool operator==(const CommandPlace&) const = default;
};

// A level in a file (sim_pin.hpp).
struct SimPlace {
  std::string path;

  bool operator==(const SimPlace&) const = default;
};

// A chip of /sys/class/hwmon, by the name that its driver gives it.
struct MeterPlace {
  std::string hwmon;   // "ina219"
  std::string device;  // "1-0040": which of several with that name; empty: there is one
  int64_t channel = 1;

  bool operator==(const MeterPlace&) const = default;
};

struct LineConfig {
  LineSpec spec;
  std::variant<GpioPlace, CommandPlace, SimPlace, MeterPlace> place;
};

//   [[line]]
//   node = "pi01"
//   kind = "relay"          # relay, button, reset, halt: GPIO; command; sim; meter
//   chip = "pinctrl-rp1"
//   line = "GPIO17"         # or: offset = 17
//   active_low = true       # false
//
// Their order is their LineIndex. `sim_directory`: where the files of simulated lines are that name no directory. What
// is wrong is told by file.finish().
std::vector<LineConfig> read_lines(posix::ConfigFile& file, const std::string& sim_directory);

// Where the file of a simulated line will be; nothing for others.
Status make_sim_directory(const LineConfig& line);

}  // namespace bramble::aggregator
