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

Hardware read_hardware(const Roots& roots) {
  Hardware hardware;
  hardware.board = read_board(roots);
  utsname names{};
  if (::uname(&names) == 0) hardware.arch = names.machine;
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
