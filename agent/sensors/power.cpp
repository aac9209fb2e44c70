// Measured watts, from the first meter that there is: a chip that somebody has wired for it, then the HAT through which
// the board is fed, then the Pi 5's own converter. Without one the agent's model stands in
// (common/wire/power_model.hpp).
#include <algorithm>
#include <cmath>

#include "agent/sensors/parse.hpp"
#include "agent/sensors/sources.hpp"
#include "common/base/utf8.hpp"
#include "common/wire/messages.hpp"

namespace bramble::sensors {
namespace {

constexpr std::array<std::string_view, 5> kSingleChannel = {"ina219", "ina226", "ina220", "ina230", "ina231"};

// One absurd reading would stay in the joules for good.
bool take_power(Probe& probe, double watts) {
  constexpr double kNoiseW = 0.1;  // around zero
  if (watts >= -kNoiseW && watts <= wire::kMaxModelW) {
    probe.reading.power_w = std::max(0.0, watts);
    return true;
  }
  probe.trouble("the power meter tells " + std::to_string(std::lround(watts)) + " W" +
                (watts < 0 ? ": turn its two current wires round" : ", which no node draws: watts are modelled"));
  return false;
}

// power1_input in microwatts, in1_input (the bus) in mV, curr1_input in mA.
bool read_single_channel(Probe& probe, const std::string& chip) {
  const auto microwatts = probe.number(chip + "/power1_input");
  if (!microwatts) return false;
  if (!take_power(probe, *microwatts / 1e6)) return false;
  if (const auto millivolts = probe.number(chip + "/in1_input")) probe.set("supply_voltage_v", *millivolts / 1000);
  if (const auto milliamperes = probe.number(chip + "/curr1_input")) {
    probe.set("supply_current_a", *milliamperes / 1000);
  }
  return true;
}

// Three channels without a power attribute: in[123]_input in mV, curr[123]_input in mA; those that are switched on add
// up. The voltage told is that of the channel with the most current.
bool read_ina3221(Probe& probe, const std::string& chip) {
  double watts = 0, amperes = 0, most = -1, volts_of_most = 0;
  for (const char channel : {'1', '2', '3'}) {
    const auto path = [&](const char* kind, const char* what) { return chip + "/" + kind + channel + what; };
    if (probe.number_if_told(path("in", "_enable")) == 0.0) continue;
    const auto millivolts = probe.number_if_told(path("in", "_input"));
    const auto milliamperes = probe.number_if_told(path("curr", "_input"));
    if (!millivolts || !milliamperes) continue;
    watts += *millivolts * *milliamperes / 1e6;
    amperes += *milliamperes / 1000;
    if (*milliamperes <= most) continue;
    most = *milliamperes;
    volts_of_most = *millivolts / 1000;
  }
  if (most < 0) return false;
  if (!take_power(probe, watts)) return false;
  probe.set("supply_voltage_v", volts_of_most);
  probe.set("supply_current_a", amperes);
  return true;
}

struct Rail {
  std::string_view name;
  double amperes = 0;
};

// "VDD_CORE_A current(7)=1.42880000A": the name's stem, the kind, and the value.
struct AdcLine {
  std::string_view stem;
  char kind = 0;  // 'A' or 'V'
  double value = 0;
};

std::optional<AdcLine> parse_adc(std::string_view line) {
  const Words words = split_words(line);
  const size_t equals = line.find('=');
  if (words[0].size() < 3 || equals == std::string_view::npos) return std::nullopt;
  const auto value = parse_number<double>(line.substr(equals + 1));
  const char kind = words[0].back();
  if (!value || (kind != 'A' && kind != 'V') || words[0][words[0].size() - 2] != '_') return std::nullopt;
  return AdcLine{words[0].substr(0, words[0].size() - 2), kind, *value};
}

}  // namespace

// The HAT tells its current and no voltage: 5.0 V is assumed, which it holds to within 5 %.
bool read_poe(Probe& probe) {
  constexpr double kAssumedV = 5.0;
  const std::string supply = probe.roots.sys + "/class/power_supply/rpi-poe";
  const auto microamperes = probe.number(supply + "/current_now");
  if (!microamperes || probe.number_if_told(supply + "/online") == 0.0) return false;
  if (!take_power(probe, *microamperes / 1e6 * kAssumedV)) return false;
  probe.set("supply_current_a", *microamperes / 1e6);
  return true;
}

bool PowerSource::read_ina(Probe& probe) {
  std::string lost;
  for (const std::string_view name : kSingleChannel) {
    const auto chip = hwmon_.find(probe, name);
    if (!chip) continue;
    if (read_single_channel(probe, *chip)) return had_ina_ = true;
    lost = *chip;
  }
  if (const auto chip = hwmon_.find(probe, "ina3221")) {
    if (read_ina3221(probe, *chip)) return had_ina_ = true;
    lost = *chip;
  }
  if (!lost.empty()) hwmon_.forget();
  if (had_ina_ || !lost.empty()) {
    probe.trouble("the power meter " + lost + (lost.empty() ? "" : " ") +
                  "does not answer any more: watts are modelled");
  }
  return false;
}

// Twelve rails have a current and a voltage; EXT5V, the supply, has a voltage only. Their sum leaves out what the
// converter itself and the USB ports take: it is measured, and less than at the wall.
bool PowerSource::read_pmic(Probe& probe) {
  const Result<std::string> answer = firmware_->command("pmic_read_adc");
  if (!answer) {
    if (answer.error().code != ErrorCode::not_found) probe.trouble(answer.error().message);
    return false;
  }
  std::array<Rail, 16> rails;
  size_t count = 0;
  double watts = 0;
  for_each_line(*answer, [&](std::string_view line) {
    const auto adc = parse_adc(line);
    if (!adc) return;
    if (adc->kind == 'A' && count < rails.size()) rails[count++] = {adc->stem, adc->value};
    if (adc->kind != 'V') return;
    if (adc->stem == "EXT5V") probe.set("supply_voltage_v", adc->value);
    for (size_t i = 0; i < count; ++i) {
      if (rails[i].name == adc->stem) watts += rails[i].amperes * adc->value;
    }
  });
  if (count == 0) probe.trouble("the firmware answers pmic_read_adc with '" + to_utf8(*answer, 60) + "'");
  if (count == 0) return false;
  return take_power(probe, watts);
}

void PowerSource::read(Probe& probe) {
  if (read_ina(probe) || read_poe(probe)) return;
  if (has_pmic_) read_pmic(probe);
}

}  // namespace bramble::sensors
