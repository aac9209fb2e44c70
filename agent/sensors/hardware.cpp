#include "agent/sensors/hardware.hpp"

#include <sched.h>
#include <sys/utsname.h>

#include "agent/sensors/parse.hpp"
#include "agent/sensors/sources.hpp"

namespace bramble::sensors {
namespace {

constexpr size_t kMaxModelBytes = 200;

// One line of the kernel's, without the NUL or newline that ends it.
std::string first_line(const std::string& path) {
  std::string text = read_source(path).value_or("");
  text.resize(std::min({text.size(), text.find('\0'), text.find('\n'), kMaxModelBytes}));
  return text;
}

std::string processor_name(const Roots& roots) {
  std::string name;
  for_each_line(read_source(roots.proc + "/cpuinfo").value_or(""), [&](std::string_view line) {
    const size_t colon = line.find(": ");
    if (name.empty() && line.starts_with("model name") && colon != std::string_view::npos)
      name = line.substr(colon + 2);
  });
  return name;
}

std::string read_model(const Roots& roots) {
  if (std::string model = first_line(roots.proc + "/device-tree/model"); !model.empty()) return model;
  if (std::string model = first_line(roots.sys + "/class/dmi/id/product_name"); !model.empty()) return model;
  return processor_name(roots);
}

uint32_t usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<uint32_t>(std::max(CPU_COUNT(&set), 1));
}

}  // namespace

Hardware read_hardware(const Roots& roots) {
  Hardware hardware;
  hardware.model = read_model(roots);
  utsname names{};
  if (::uname(&names) == 0) hardware.arch = names.machine;
  hardware.cores = usable_cores();
  Values values;
  read_memory(roots, values);
  if (const auto total = values.find("memory_total_bytes"); total != values.end()) {
    hardware.memory_bytes = static_cast<uint64_t>(total->second);
  }
  return hardware;
}

}  // namespace bramble::sensors
