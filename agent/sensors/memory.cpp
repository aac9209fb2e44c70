// /proc/meminfo, in kB
#include "agent/sensors/parse.hpp"
#include "agent/sensors/sources.hpp"

namespace bramble::sensors {

void read_memory(const Roots& roots, Values& values) {
  const auto text = read_source(roots.proc + "/meminfo");
  if (!text) return;
  for_each_line(*text, [&](std::string_view line) {
    const auto words = split_words(line);
    if (words.size() < 2) return;
    const auto kib = parse_number<double>(words[1]);
    if (!kib) return;
    if (words[0] == "MemTotal:") values["memory_total_bytes"] = *kib * 1024;
    if (words[0] == "MemAvailable:") values["memory_available_bytes"] = *kib * 1024;
  });
}

}  // namespace bramble::sensors
