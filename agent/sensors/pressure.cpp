// /proc/pressure: how long some task has waited since boot, in microseconds. Absent unless the kernel keeps it (psi=1).
#include "agent/sensors/parse.hpp"
#include "agent/sensors/sources.hpp"

namespace bramble::sensors {
namespace {

// "some avg10=0.00 avg60=0.00 avg300=0.00 total=12345"
std::optional<double> some_total_us(std::string_view text) {
  constexpr std::string_view kTotal = "total=";
  const std::string_view line = text.substr(0, text.find('\n'));
  const size_t at = line.find(kTotal);
  if (!line.starts_with("some") || at == std::string_view::npos) return std::nullopt;
  return parse_number<double>(line.substr(at + kTotal.size()));
}

}  // namespace

void read_pressure(const Roots& roots, Values& values) {
  for (const std::string kind : {"cpu", "memory", "io"}) {
    const auto text = read_source(roots.proc + "/pressure/" + kind);
    const auto total_us = text ? some_total_us(*text) : std::nullopt;
    if (total_us) values["pressure_" + kind + "_s"] = *total_us / 1e6;
  }
}

}  // namespace bramble::sensors
