#include "rig/gpio_sim.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace bramble::rig {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfig = "/sys/kernel/config/gpio-sim/";
constexpr const char* kTracing = "/sys/kernel/tracing/";

void put(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  if (!file) throw std::runtime_error("cannot write '" + text + "' to " + path);
}

std::string get(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  if (!std::getline(file, text)) throw std::runtime_error("cannot read " + path);
  return text;
}

}  // namespace

GpioSim::GpioSim(std::string name, std::string label, int lines, int hogged_line, const std::string& hog)
    : config_(kConfig + std::move(name)), label_(std::move(label)) {
  fs::create_directory(config_);
  fs::create_directory(config_ + "/bank");
  put(config_ + "/bank/num_lines", std::to_string(lines));
  put(config_ + "/bank/label", label_);
  for (int line = 0; line < lines; ++line) {
    const std::string folder = config_ + "/bank/line" + std::to_string(line);
    fs::create_directory(folder);
    put(folder + "/name", "GPIO" + std::to_string(line));
    if (line != hogged_line) continue;
    fs::create_directory(folder + "/hog");
    put(folder + "/hog/name", hog);
    put(folder + "/hog/direction", "input");
  }
  plug_in();
}

GpioSim::~GpioSim() {
  try {
    unplug();
  } catch (const std::exception&) {  // it was unplugged
  }
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(config_ + "/bank", ignored)) {
    if (!entry.is_directory(ignored)) continue;
    fs::remove(entry.path() / "hog", ignored);
    fs::remove(entry.path(), ignored);
  }
  fs::remove(config_ + "/bank", ignored);
  fs::remove(config_, ignored);
}

void GpioSim::keep_levels(bool keep) { put("/sys/module/gpio_sim/parameters/persist_gpio_outputs", keep ? "Y" : "N"); }

void GpioSim::plug_in() {
  put(config_ + "/live", "1");
  lines_ = "/sys/devices/platform/" + get(config_ + "/dev_name") + "/" + get(config_ + "/bank/chip_name");
}

void GpioSim::unplug() { put(config_ + "/live", "0"); }

bool GpioSim::level(int line) const { return get(lines_ + "/sim_gpio" + std::to_string(line) + "/value") == "1"; }

void GpioSim::pull(int line, bool up) const {
  put(lines_ + "/sim_gpio" + std::to_string(line) + "/pull", up ? "pull-up" : "pull-down");
}

int GpioSim::base() const {
  for (const auto& entry : fs::directory_iterator("/sys/class/gpio")) {
    const std::string path = entry.path().string();
    if (fs::exists(path + "/label") && get(path + "/label") == label_) return std::stoi(get(path + "/base"));
  }
  throw std::runtime_error("the kernel does not tell the first number of chip " + label_);
}

std::string GpioSim::device_path() const { return "/dev/" + lines_.substr(lines_.rfind('/') + 1); }

GpioTrace::GpioTrace() {
  for (const char* event : {"gpio_value", "gpio_direction"}) {
    put(std::string(kTracing) + "events/gpio/" + event + "/enable", "1");
  }
  put(std::string(kTracing) + "trace", "");
}

// "... gpio_value: 505 set 1" and "... gpio_direction: 505  in (0)".
std::vector<std::string> GpioTrace::take(const GpioSim& chip) {
  const int base = chip.base();
  std::vector<std::string> seen;
  std::ifstream trace(std::string(kTracing) + "trace");
  for (std::string line; std::getline(trace, line);) {
    const size_t at = line.find(": gpio_");
    if (at == std::string::npos) continue;
    std::string event;
    int number = 0;
    std::string what;
    std::string value;
    std::istringstream(line.substr(at + 2)) >> event >> number >> what >> value;
    if (what == "set") seen.push_back(std::to_string(number - base) + "=" + value);
    if (what == "in") seen.push_back(std::to_string(number - base) + " in");
  }
  put(std::string(kTracing) + "trace", "");
  return seen;
}

}  // namespace bramble::rig
