// /proc/loadavg
#include "agent/sensors/parse.hpp"
#include "agent/sensors/sources.hpp"

namespace bramble::sensors {

void read_load(const Roots& roots, Values& values) {
  const auto text = read_source(roots.proc + "/loadavg");
  if (!text) return;
  const auto words = split_words(*text);
  const char* const names[] = {"load1", "load5", "load15"};
  for (size_t i = 0; i < std::size(names) && i < words.size(); ++i) {
    if (const auto load = parse_number<double>(words[i])) values[names[i]] = *load;
  }
}

}  // namespace bramble::sensors
