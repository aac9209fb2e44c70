// /proc/stat: the first line adds up all CPUs, in clock ticks.
#include <unistd.h>

#include "agent/sensors/parse.hpp"
#include "agent/sensors/sources.hpp"

namespace bramble::sensors {

// cpu user nice system idle iowait irq softirq steal ...; guest times are part of user and nice.
std::optional<CpuSource::Ticks> CpuSource::parse(std::string_view stat) {
  const Words words = split_words(first_line(stat));
  if (words[0] != "cpu" || words.size() < 6) return std::nullopt;
  std::array<uint64_t, 9> ticks{};
  for (size_t i = 1; i < ticks.size() && i < words.size(); ++i) {
    const auto count = parse_number<uint64_t>(words[i]);
    if (!count) return std::nullopt;
    ticks[i] = *count;
  }
  return Ticks{ticks[1] + ticks[2], ticks[3], ticks[4], ticks[5], ticks[6] + ticks[7], ticks[8]};
}

void CpuSource::read(Probe& probe) {
  static const double ticks_per_s = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const std::string path = probe.roots.proc + "/stat";
  const auto text = probe.text(path);
  if (!text) return;
  const auto ticks = parse(*text);
  if (!ticks) return probe.nonsense(path, *text);
  const auto last = std::exchange(last_, ticks);
  // iowait and idle may go back a little on some kernels: such a look says nothing.
  if (!last || ticks->total() <= last->total() || ticks->busy() < last->busy()) return;
  const auto total = static_cast<double>(ticks->total() - last->total());
  const auto since = [&](uint64_t now, uint64_t before) {
    return now > before ? static_cast<double>(now - before) : 0;
  };
  probe.set("cpu_busy_ratio", since(ticks->busy(), last->busy()) / total);
  probe.set("cpu_user_ratio", since(ticks->user, last->user) / total);
  probe.set("cpu_system_ratio", since(ticks->system, last->system) / total);
  probe.set("cpu_iowait_ratio", since(ticks->iowait, last->iowait) / total);
  probe.set("cpu_irq_ratio", since(ticks->irq, last->irq) / total);
  probe.set("cpu_steal_ratio", since(ticks->steal, last->steal) / total);
  probe.reading.busy_cpu_s = since(ticks->busy(), last->busy()) / ticks_per_s;
}

}  // namespace bramble::sensors
