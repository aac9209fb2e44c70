// How worn the eMMC is, where it says so (JEDEC eMMC 5.0, EXT_CSD bytes 267 to 269). SD cards do not tell.
//
// life_time: two estimates, for memory of type A and B: 0x01 means 0 to 10 % of its life used, 0x0A 90 to 100 %, 0x0B
// more; 0x00 not told. pre_eol_info: how many of the reserved blocks are used: 0x02 80 %, 0x03 90 %.
#include "agent/sensors/parse.hpp"
#include "agent/sensors/sources.hpp"
#include "common/posix/files.hpp"

namespace bramble::sensors {
namespace {

constexpr size_t kMaxBlockDevices = 256;

std::optional<unsigned> parse_hex(std::string_view word) {
  if (!word.starts_with("0x")) return std::nullopt;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(word.data() + 2, word.data() + word.size(), value, 16);
  return error == std::errc() ? std::optional<unsigned>(value) : std::nullopt;
}

double worst_life_used(Probe& probe, const std::string& device) {
  double worst = 0;
  if (const auto text = probe.text_if_told(device + "/life_time")) {
    const Words words = split_words(first_line(*text));
    for (size_t i = 0; i < words.size(); ++i) {
      if (const auto tenths = parse_hex(words[i])) worst = std::max(worst, std::min(*tenths, 10U) / 10.0);
    }
  }
  if (const auto text = probe.text_if_told(device + "/pre_eol_info")) {
    const auto level = parse_hex(first_line(*text));
    if (level == 2U) worst = std::max(worst, 0.8);
    if (level == 3U) worst = std::max(worst, 0.9);
  }
  return worst;
}

}  // namespace

// The worst of all. 0 is what none tells: a new card says 0x01, which is "up to 10 %".
void read_card(Probe& probe) {
  const auto names = posix::list_directory(probe.roots.sys + "/block", kMaxBlockDevices);
  if (!names) return;
  double worst = 0;
  for (const std::string& name : *names) {
    const bool whole_card = name.starts_with("mmcblk") && name.find("boot") == std::string::npos;
    if (whole_card) worst = std::max(worst, worst_life_used(probe, probe.roots.sys + "/block/" + name + "/device"));
  }
  if (worst > 0) probe.set("card_life_used_ratio", worst);
}

}  // namespace bramble::sensors
