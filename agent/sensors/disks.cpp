// /proc/diskstats: bytes since boot, all real disks together.
#include <algorithm>
#include <array>
#include <filesystem>

#include "agent/sensors/parse.hpp"
#include "agent/sensors/sources.hpp"

namespace bramble::sensors {
namespace {

constexpr double kSectorBytes = 512;  // whatever the disk's own are

// What only passes on the bytes of another disk would count them twice.
bool is_virtual(std::string_view name) {
  constexpr std::array<std::string_view, 5> kPrefixes = {"loop", "ram", "zram", "dm-", "md"};
  return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

// Partitions are listed too, but only whole disks stand in /sys/block.
bool is_real_disk(const Roots& roots, std::string_view name) {
  std::error_code unknown;
  return !is_virtual(name) && std::filesystem::exists(roots.sys + "/block/" + std::string(name), unknown);
}

}  // namespace

// major minor name reads merged sectors_read ms writes merged sectors_written ...
void read_disks(const Roots& roots, Values& values) {
  constexpr size_t kName = 2, kRead = 5, kWritten = 9;
  const auto text = read_source(roots.proc + "/diskstats");
  if (!text) return;
  for_each_line(*text, [&](std::string_view line) {
    const auto words = split_words(line);
    if (words.size() <= kWritten || !is_real_disk(roots, words[kName])) return;
    const auto read = parse_number<double>(words[kRead]);
    const auto written = parse_number<double>(words[kWritten]);
    if (!read || !written) return;
    values["disk_read_bytes"] += *read * kSectorBytes;
    values["disk_written_bytes"] += *written * kSectorBytes;
  });
}

}  // namespace bramble::sensors
