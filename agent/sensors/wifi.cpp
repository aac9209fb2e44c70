// /proc/net/wireless: the signal of the first real interface that has a connection, in dBm.
#include "agent/sensors/interfaces.hpp"
#include "agent/sensors/parse.hpp"
#include "agent/sensors/sources.hpp"

namespace bramble::sensors {

// " wlan0: 0000   57.  -53.  -256        0      0      0      0     88        0": status, link, level, noise.
void read_wifi(Probe& probe) {
  constexpr size_t kLevel = 2;
  const std::string path = probe.roots.proc + "/net/wireless";
  const auto text = probe.text(path);
  if (!text) return;
  bool found = false;
  for_each_line(*text, [&](std::string_view line) {
    const size_t colon = line.find(':');
    if (found || colon == std::string_view::npos) return;  // the headings
    const Words name = split_words(line.substr(0, colon));
    if (name.size() != 1 || is_virtual_interface(name[0])) return;
    const auto level = parse_number<double>(split_words(line.substr(colon + 1))[kLevel]);
    if (!level) return probe.nonsense(path, line);
    // Older drivers tell dBm as a byte without its sign; and 0 stands for an interface without a connection.
    found = *level != 0;
    if (found) probe.set("wifi_signal_dbm", *level > 63 ? *level - 256 : *level);
  });
}

}  // namespace bramble::sensors
