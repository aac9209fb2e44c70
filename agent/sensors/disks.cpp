// /proc/diskstats: bytes since boot, all real disks together.
#include <unistd.h>

#include <algorithm>
#include <array>

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
bool is_real_disk(const Probe& probe, std::string_view name) {
  return !is_virtual(name) && ::access((probe.roots.sys + "/block/" + std::string(name)).c_str(), F_OK) == 0;
}

}  // namespace

// major minor name reads merged sectors_read ms writes merged sectors_written ...
void read_disks(Probe& probe) {
  constexpr size_t kName = 2, kRead = 5, kWritten = 9;
  const std::string path = probe.roots.proc + "/diskstats";
  const auto text = probe.text(path);
  if (!text) return;
  double read_bytes = 0, written_bytes = 0;
  bool any = false;
  for_each_line(*text, [&](std::string_view line) {
    const Words words = split_words(line);
    const auto read = parse_number<double>(words[kRead]);
    const auto written = parse_number<double>(words[kWritten]);
    if (!read || !written) return probe.nonsense(path, line);
    if (!is_real_disk(probe, words[kName])) return;
    any = true;
    read_bytes += *read * kSectorBytes;
    written_bytes += *written * kSectorBytes;
  });
  if (!any) return;
  probe.set("disk_read_bytes", read_bytes);
  probe.set("disk_written_bytes", written_bytes);
}

}  // namespace bramble::sensors
