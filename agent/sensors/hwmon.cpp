#include "agent/sensors/hwmon.hpp"

#include "agent/sensors/parse.hpp"
#include "common/posix/files.hpp"

namespace bramble::sensors {
namespace {

constexpr int64_t kWalkMs = 60'000;
constexpr size_t kMaxChips = 256;

}  // namespace

std::optional<std::string> HwmonIndex::find(Probe& probe, std::string_view name) {
  if (!walked_ || probe.now - *walked_ >= kWalkMs) walk(probe);
  const auto found = directories_.find(name);
  return found == directories_.end() ? std::nullopt : std::optional<std::string>(found->second);
}

void HwmonIndex::walk(Probe& probe) {
  walked_ = probe.now;
  directories_.clear();
  const std::string root = probe.roots.sys + "/class/hwmon";
  const auto chips = posix::list_directory(root, kMaxChips);
  if (!chips) return;
  for (const std::string& chip : *chips) {
    const std::string directory = root + "/" + chip;
    const auto name = probe.text_if_told(directory + "/name");
    if (name) directories_.emplace(first_line(*name), directory);
  }
}

}  // namespace bramble::sensors
