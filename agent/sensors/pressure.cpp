// /proc/pressure: how long some task has waited since boot, in microseconds. Absent unless the kernel keeps it (psi=1).
#include "agent/sensors/parse.hpp"
#include "agent/sensors/sources.hpp"

namespace bramble::sensors {
namespace {

// "some avg10=0.00 avg60=0.00 avg300=0.00 total=12345"
std::optional<double> some_total_us(std::string_view text) {
  constexpr std::string_view kTotal = "total=";
  const std::string_view line = first_line(text);
  const size_t at = line.find(kTotal);
  if (!line.starts_with("some") || at == std::string_view::npos) return std::nullopt;
  return parse_number<double>(line.substr(at + kTotal.size()));
}

void read_one(Probe& probe, const char* kind, const char* metric) {
  const std::string path = probe.roots.proc + "/pressure/" + kind;
  // Where the kernel has PSI and does not keep it, opening works and reading says "not supported".
  const auto text = probe.text_if_told(path);
  if (!text) return;
  const auto total_us = some_total_us(*text);
  if (!total_us) return probe.nonsense(path, *text);
  probe.set(metric, *total_us / 1e6);
}

}  // namespace

void read_pressure(Probe& probe) {
  read_one(probe, "cpu", "pressure_cpu_s");
  read_one(probe, "memory", "pressure_memory_s");
  read_one(probe, "io", "pressure_io_s");
}

}  // namespace bramble::sensors
