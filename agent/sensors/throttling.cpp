// Under-voltage and throttling. The firmware knows most: bit 0 under-voltage now, 1 frequency capped, 2 throttled, 3
// soft temperature limit; bits 16 to 19: the same has happened since boot. Where it may not be asked, its driver shows
// the same word in sysfs, or at least hwmon "rpi_volt" an alarm.
#include "agent/sensors/parse.hpp"
#include "agent/sensors/sources.hpp"
#include "common/base/utf8.hpp"

namespace bramble::sensors {
namespace {

constexpr uint32_t kUnderVoltageNow = 1;
constexpr int64_t kAskAgainMs = 60'000;  // a firmware that does not answer

std::optional<uint32_t> parse_bits(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  uint32_t bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits, 16);
  return error == std::errc() ? std::optional<uint32_t>(bits) : std::nullopt;
}

}  // namespace

std::optional<uint32_t> ThrottlingSource::bits(Probe& probe) {
  if (probe.now >= ask_again_) {
    const Result<std::string> answer = firmware_->command("get_throttled");
    const auto bits = answer ? parse_bits(*answer, "throttled=0x") : std::nullopt;
    if (bits) return bits;
    ask_again_ = probe.now + kAskAgainMs;
    refused_ =
        answer ? "the firmware answers get_throttled with '" + to_utf8(*answer, 60) + "'" : answer.error().message;
    if (!answer && answer.error().code == ErrorCode::not_found) refused_.clear();
  }
  const auto text = probe.text_if_told(probe.roots.sys + "/devices/platform/soc/soc:firmware/get_throttled");
  return text ? parse_bits(*text, "") : std::nullopt;
}

void ThrottlingSource::read(Probe& probe) {
  if (const auto word = bits(probe)) {
    probe.set("throttled_bits", *word);
    probe.set("under_voltage", (*word & kUnderVoltageNow) != 0 ? 1 : 0);
    return;
  }
  const auto chip = hwmon_.find(probe, "rpi_volt");
  const auto alarm = chip ? probe.number(*chip + "/in0_lcrit_alarm") : std::nullopt;
  if (alarm) return probe.set("under_voltage", *alarm != 0 ? 1 : 0);
  if (chip) {
    hwmon_.forget();
    probe.trouble(*chip + " has gone or does not answer");
  } else if (!refused_.empty()) {
    probe.trouble(refused_);
  }
}

}  // namespace bramble::sensors
