// /proc/loadavg
#include "agent/sensors/parse.hpp"
#include "agent/sensors/sources.hpp"

namespace bramble::sensors {

void read_load(Probe& probe) {
  const std::string path = probe.roots.proc + "/loadavg";
  const auto text = probe.text(path);
  if (!text) return;
  const Words words = split_words(*text);
  const char* const names[] = {"load1", "load5", "load15"};
  for (size_t i = 0; i < std::size(names); ++i) {
    const auto load = parse_number<double>(words[i]);
    if (!load) return probe.nonsense(path, *text);
    probe.set(names[i], *load);
  }
}

}  // namespace bramble::sensors
