#include "agent/sensors/hardware.hpp"

#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>

#include "agent/sensors/sources.hpp"

namespace bramble::sensors {
namespace {

uint32_t usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<uint32_t>(std::max(CPU_COUNT(&set), 1));
}

}  // namespace

std::string system_arch(const std::string& kernel_arch, bool has_64_bits) {
  if (has_64_bits) return kernel_arch;
  if (kernel_arch == "aarch64") return "armv7l";
  return kernel_arch == "x86_64" ? "i686" : kernel_arch;
}

Hardware read_hardware(const Roots& roots) {
  Hardware hardware;
  hardware.board = read_board(roots);
  utsname names{};
  if (::uname(&names) == 0) hardware.arch = system_arch(names.machine, sizeof(void*) == 8);
  hardware.cores = usable_cores();
  hardware.machine_cores = static_cast<uint32_t>(std::max(::sysconf(_SC_NPROCESSORS_ONLN), 1L));
  agent::Reading reading;
  Probe probe(roots, {}, reading);
  read_memory(probe);
  if (const auto total = reading.values.find("memory_total_bytes"); total != reading.values.end()) {
    hardware.memory_bytes = static_cast<uint64_t>(total->second);
  }
  return hardware;
}

}  // namespace bramble::sensors
