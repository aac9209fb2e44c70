// Watts of a node's supply, measured by the head: an INA219, INA226 or INA3221 through hwmon.
#pragma once

#include "aggregator/power/line_config.hpp"
#include "aggregator/power/line_driver.hpp"
#include "aggregator/power/line_places.hpp"
#include "common/base/result.hpp"

namespace bramble::aggregator {

// The chip's directory below sys_root/class/hwmon, found by the name that its driver gives it: numbers change.
Result<std::string> find_hwmon(const std::string& sys_root, const MeterPlace& place);

// powerN_input, in microwatts; where the chip has none, inN_input (mV) times currN_input (mA). Less than -0.5 W (a
// shunt that is wired backwards) and more than 1000 W are errors; what is a little below zero is 0.
Result<int64_t> read_power_mw(const std::string& directory, int64_t channel);

// The same for two meters that read one chip's channel, whatever they are called.
std::string meter_place_id(const std::string& directory, int64_t channel);

class MeterDriver : public LineDriver {
 public:
  explicit MeterDriver(MeterPlace place, std::string sys_root = "/sys", SettleLine settle = settle_anywhere)
      : place_(std::move(place)), sys_root_(std::move(sys_root)), settle_(std::move(settle)) {}

  void begin(const LineOp& op, Done done) override;

 private:
  Result<int64_t> read();

  const MeterPlace place_;
  const std::string sys_root_;
  const SettleLine settle_;
  std::string directory_;  // as found; empty: look again
};

// The same of a simulated line: the file at `path` holds milliwatts, which are judged like a chip's.
class SimMeter : public LineDriver {
 public:
  explicit SimMeter(std::string path) : path_(std::move(path)) {}

  void begin(const LineOp& op, Done done) override;

 private:
  Result<int64_t> read() const;

  const std::string path_;
};

}  // namespace bramble::aggregator
