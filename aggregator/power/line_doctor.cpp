#include "aggregator/power/line_doctor.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "aggregator/power/gpio_find.hpp"
#include "aggregator/power/meter_driver.hpp"
#include "common/posix/error.hpp"
#include "common/posix/files.hpp"

namespace bramble::aggregator {
namespace {

// Expanders on I2C and SPI: their registers know nothing of who asked; the kernel does not touch them on release.
constexpr std::array kKeepingDrivers{"pca953x", "mcp23s08", "mcp23s17", "pcf857x", "74x164", "max732x", "tca6416"};

// Of the driver of a chip, as the kernel's drivers of the header call their switch for it.
std::optional<bool> persist_parameter(const std::string& sys, std::string driver) {
  std::replace(driver.begin(), driver.end(), '-', '_');
  const auto text = posix::read_file(sys + "/module/" + driver + "/parameters/persist_gpio_outputs", 16);
  if (!text || text->empty()) return {};
  return text->front() == 'Y' || text->front() == 'y' || text->front() == '1';
}

std::string driver_of(const std::string& sys, const std::string& chip_path) {
  const std::string name = chip_path.substr(chip_path.rfind('/') + 1);
  std::error_code error;
  const auto device = std::filesystem::canonical(sys + "/bus/gpio/devices/" + name, error).parent_path();
  return std::filesystem::read_symlink(device / "driver", error).filename().string();
}

void judge_release(LineFinding& finding, const DoctorRoots& roots) {
  const std::string& driver = finding.driver;
  const auto persist = persist_parameter(roots.sys, driver);
  const bool expander = std::find(kKeepingDrivers.begin(), kKeepingDrivers.end(), driver) != kKeepingDrivers.end();
  if (persist.value_or(expander)) {
    finding.when_released = WhenReleased::keeps;
  } else if (persist || driver == "pinctrl-bcm2835" || driver == "gpio-sim" || driver == "gpio-mockup") {
    finding.when_released = WhenReleased::falls;
    finding.advice = "when the aggregator ends, this line becomes an input or falls to its pull: ";
    finding.advice += persist ? "take dtparam=strict_gpiod away or boot with " + driver + ".persist_gpio_outputs=1, or "
                              : std::string();
    finding.advice += "wire the relay so that the node keeps its power then";
  } else {
    finding.advice = "it is not known whether driver '" + driver +
                     "' keeps the level when the aggregator ends: try it with a node that may lose its power";
  }
}

struct Search {
  GpioApi& gpio;
  const DoctorRoots& roots;
  SettleLine settle;  // of the line that is looked at
};

void examine(LineFinding& finding, const GpioPlace& place, const Search& search) {
  const auto found = find_gpio(search.gpio, place);
  if (!found) {
    finding.problem = found.error().message;
    return;
  }
  finding.path = found->path;
  finding.offset = found->offset;
  finding.consumer = found->info.consumer;
  finding.driver = driver_of(search.roots.sys, found->path);
  if (found->info.used && finding.consumer != kGpioConsumer) {
    finding.problem = "it is " + in_use_by(finding.consumer);
  } else if (const Status settled = search.settle(gpio_place_id(*found)); !settled) {
    finding.problem = settled.error().message;
  }
  if (finding.role != LineRole::halted) judge_release(finding, search.roots);
}

// As execvp looks for it; empty: there is none.
std::string program_path(const std::string& name) {
  if (name.find('/') != std::string::npos) return ::access(name.c_str(), X_OK) == 0 ? name : std::string();
  const char* path = std::getenv("PATH");
  std::string rest = path == nullptr ? "/bin:/usr/bin" : path;
  while (!rest.empty()) {
    const std::string candidate = rest.substr(0, rest.find(':')) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest.erase(0, std::min(rest.find(':'), rest.size() - 1) + 1);
  }
  return {};
}

void examine(LineFinding& finding, const CommandPlace& place, const Search&) {
  finding.when_released = WhenReleased::keeps;
  finding.path = program_path(place.on.front());
  for (const auto* argv : {&place.on, &place.off, &place.status}) {
    if (argv->empty() || !program_path(argv->front()).empty()) continue;
    finding.problem = "there is no program '" + argv->front() + "' that may be run: install it, or give its whole path";
    return;
  }
  if (place.status.empty()) {
    finding.advice = "without status = [...] nobody can read back whether the node has power";
  }
}

void examine(LineFinding& finding, const SimPlace& place, const Search&) {
  finding.when_released = WhenReleased::keeps;
  finding.path = place.path;
  const std::string directory = place.path.substr(0, place.path.rfind('/'));
  if (::access(directory.c_str(), W_OK | X_OK) == 0) return;
  finding.problem = posix::system_error("cannot use " + directory, errno).message;
}

void examine(LineFinding& finding, const MeterPlace& place, const Search& search) {
  finding.when_released = WhenReleased::keeps;
  const auto directory = find_hwmon(search.roots.sys, place);
  finding.path = directory.value_or("");
  const auto power_mw = directory ? read_power_mw(*directory, place.channel) : tl::unexpected<Error>(directory.error());
  const Status settled = search.settle(directory ? meter_place_id(*directory, place.channel) : "");
  if (!settled) finding.problem = settled.error().message;
  if (!power_mw) finding.problem = power_mw.error().message;
}

}  // namespace

std::vector<LineFinding> examine_lines(const std::vector<LineConfig>& lines, GpioApi& gpio, const DoctorRoots& roots) {
  std::vector<LineFinding> findings;
  LinePlaces places;
  for (const LineConfig& line : lines) {
    LineFinding finding;
    finding.line = static_cast<LineIndex>(findings.size());
    finding.node = line.spec.node;
    finding.role = line.spec.role;
    finding.name = line.spec.name;
    const Search search{gpio, roots, [&](const std::string& place) { return places.settle(line.spec, place); }};
    std::visit([&](const auto& place) { examine(finding, place, search); }, line.place);
    findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace bramble::aggregator
