// /proc/stat: the first line adds up all CPUs, in clock ticks.
#include "agent/sensors/parse.hpp"
#include "agent/sensors/sources.hpp"

namespace bramble::sensors {

// cpu user nice system idle iowait irq softirq steal ...; guest times are part of user and nice.
std::optional<CpuUsage::Ticks> CpuUsage::parse(std::string_view stat) {
  constexpr size_t kIdle = 4, kIowait = 5, kSteal = 8;
  const auto words = split_words(stat.substr(0, stat.find('\n')));
  if (words.size() < kIowait + 1 || words[0] != "cpu") return std::nullopt;
  Ticks ticks;
  for (size_t i = 1; i < words.size() && i <= kSteal; ++i) {
    const auto count = parse_number<uint64_t>(words[i]);
    if (!count) return std::nullopt;
    ticks.total += *count;
    if (i != kIdle && i != kIowait && i != kSteal) ticks.busy += *count;
  }
  return ticks;
}

void CpuUsage::read(const Roots& roots, Values& values) {
  const auto text = read_source(roots.proc + "/stat");
  const auto ticks = text ? parse(*text) : std::nullopt;
  // iowait may go back a little on some kernels: such a reading says nothing.
  if (ticks && last_ && ticks->total > last_->total && ticks->busy >= last_->busy) {
    values["cpu_busy_ratio"] =
        static_cast<double>(ticks->busy - last_->busy) / static_cast<double>(ticks->total - last_->total);
  }
  if (ticks) last_ = ticks;
}

}  // namespace bramble::sensors
