// /proc/meminfo, in kB
#include "agent/sensors/parse.hpp"
#include "agent/sensors/sources.hpp"

namespace bramble::sensors {

void read_memory(Probe& probe) {
  const std::string path = probe.roots.proc + "/meminfo";
  const auto text = probe.text(path);
  if (!text) return;
  std::optional<double> total, available, swap_total, swap_free;
  for_each_line(*text, [&](std::string_view line) {
    const auto take = [&](std::string_view name, std::optional<double>& kib) {
      if (line.starts_with(name)) kib = parse_number<double>(line.substr(name.size()));
    };
    take("MemTotal:", total);
    take("MemAvailable:", available);
    take("SwapTotal:", swap_total);
    take("SwapFree:", swap_free);
  });
  if (!total) return probe.nonsense(path, *text);
  probe.set("memory_total_bytes", *total * 1024);
  if (available) probe.set("memory_available_bytes", *available * 1024);
  if (swap_total && swap_free) probe.set("swap_used_bytes", std::max(0.0, *swap_total - *swap_free) * 1024);
}

}  // namespace bramble::sensors
