#include "aggregator/power/meter_driver.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "common/posix/files.hpp"

namespace bramble::aggregator {
namespace {

constexpr size_t kMaxFileBytes = 4096;
constexpr size_t kMaxChips = 256;
constexpr int64_t kMostMw = 1'000'000;
constexpr int64_t kZeroErrorMw = 500;  // without a load a chip may read a little below zero

std::string first_line_of(const std::string& path) {
  const std::string text = posix::read_file(path, kMaxFileBytes).value_or("");
  return text.substr(0, text.find('\n'));
}

// "1-0040": how the bus names the device behind a chip.
std::string device_of(const std::string& directory) {
  std::error_code error;
  return std::filesystem::read_symlink(directory + "/device", error).filename().string();
}

Result<int64_t> read_number(const std::string& path) {
  const auto text = posix::read_file(path, kMaxFileBytes);
  if (!text) return tl::unexpected<Error>(text.error());
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end == text->data()) return fail(ErrorCode::io, path + " holds no number");
  return value;
}

// In floating point, for the product of what two files hold may be beyond any integer. A shunt that is wired backwards
// must not pass for a node that draws nothing: that would prove it off.
Result<int64_t> plausible_mw(double power_mw, const std::string& meter) {
  if (std::abs(power_mw) > kMostMw) {
    return fail(ErrorCode::io, meter + " reads more than " + std::to_string(kMostMw / 1000) +
                                   " W, which no node draws: look at its shunt_resistor and its wiring");
  }
  const auto rounded_mw = static_cast<int64_t>(power_mw);
  if (rounded_mw >= -kZeroErrorMw) return std::max<int64_t>(rounded_mw, 0);
  return fail(ErrorCode::io, "the shunt of " + meter + " is wired backwards: it reads " + std::to_string(rounded_mw) +
                                 " mW; swap its two sides");
}

const LineOutcome kNotRead{{}, {}, "a meter can only be read"};

LineOutcome outcome_of(const Result<int64_t>& power_mw) {
  return power_mw ? LineOutcome{{}, *power_mw, {}} : LineOutcome{{}, {}, power_mw.error().message};
}

std::string listed(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

}  // namespace

Result<std::string> find_hwmon(const std::string& sys_root, const MeterPlace& place) {
  const std::string root = sys_root + "/class/hwmon";
  std::vector<std::string> names;
  std::vector<std::string> found;
  for (const std::string& chip : posix::list_directory(root, kMaxChips).value_or(std::vector<std::string>())) {
    const std::string directory = root + "/" + chip;
    names.push_back(first_line_of(directory + "/name"));
    if (names.back() != place.hwmon) continue;
    if (place.device.empty() || device_of(directory) == place.device) found.push_back(directory);
  }
  if (found.empty()) {
    return fail(ErrorCode::not_found, "there is no hwmon chip '" + place.hwmon + "'" +
                                          (place.device.empty() ? "" : " at " + place.device) +
                                          "; there are: " + listed(names));
  }
  if (found.size() > 1) {
    return fail(ErrorCode::conflict, "more than one hwmon chip is called '" + place.hwmon +
                                         "': say which with device = \"" + device_of(found.front()) + "\"");
  }
  return found.front();
}

Result<int64_t> read_power_mw(const std::string& directory, int64_t channel) {
  const std::string number = std::to_string(channel);
  const auto power_uw = read_number(directory + "/power" + number + "_input");
  const std::string meter = first_line_of(directory + "/name") + " channel " + number;
  if (power_uw) return plausible_mw(static_cast<double>(*power_uw) / 1000, meter);
  if (power_uw.error().code != ErrorCode::not_found) return power_uw;
  const auto voltage_mv = read_number(directory + "/in" + number + "_input");
  if (!voltage_mv) return voltage_mv;
  const auto current_ma = read_number(directory + "/curr" + number + "_input");
  if (!current_ma) return current_ma;
  return plausible_mw(static_cast<double>(*voltage_mv) * static_cast<double>(*current_ma) / 1000, meter);
}

std::string meter_place_id(const std::string& directory, int64_t channel) {
  return directory + " channel " + std::to_string(channel);
}

void MeterDriver::begin(const LineOp& op, Done done) {
  done(op.action == LineAction::read ? outcome_of(read()) : kNotRead);
}

// A chip that went and came back may have another number.
Result<int64_t> MeterDriver::read() {
  if (!directory_.empty()) {
    if (auto power_mw = read_power_mw(directory_, place_.channel)) return power_mw;
  }
  auto directory = find_hwmon(sys_root_, place_);
  directory_ = directory.value_or("");
  const Status settled = settle_(directory ? meter_place_id(*directory, place_.channel) : "");
  if (!directory) return tl::unexpected<Error>(directory.error());
  if (!settled) {
    directory_.clear();
    return tl::unexpected<Error>(settled.error());
  }
  return read_power_mw(directory_, place_.channel);
}

void SimMeter::begin(const LineOp& op, Done done) {
  done(op.action == LineAction::read ? outcome_of(read()) : kNotRead);
}

Result<int64_t> SimMeter::read() const {
  const auto power_mw = read_number(path_);
  return power_mw ? plausible_mw(static_cast<double>(*power_mw), path_) : power_mw;
}

}  // namespace bramble::aggregator
