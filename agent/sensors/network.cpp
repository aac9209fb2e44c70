// /proc/net/dev: bytes since boot, all real interfaces together.
#include <algorithm>
#include <array>

#include "agent/sensors/parse.hpp"
#include "agent/sensors/sources.hpp"

namespace bramble::sensors {
namespace {

// What only passes on the bytes of another interface would count them twice.
bool is_virtual(std::string_view name) {
  constexpr std::array<std::string_view, 5> kPrefixes = {"veth", "docker", "br-", "virbr", "tap"};
  return name == "lo" || std::any_of(kPrefixes.begin(), kPrefixes.end(),
                                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

struct Totals {
  double received = 0;
  double sent = 0;
  bool any = false;
};

// "  eth0: 1000 10 0 0 0 0 0 0 2000 ..."; the name may touch the first number.
void add_line(std::string_view line, Totals& totals) {
  constexpr size_t kReceived = 0, kSent = 8;
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const auto name = split_words(line.substr(0, colon));
  const auto words = split_words(line.substr(colon + 1));
  if (name.size() != 1 || is_virtual(name[0]) || words.size() <= kSent) return;
  const auto received = parse_number<double>(words[kReceived]);
  const auto sent = parse_number<double>(words[kSent]);
  if (!received || !sent) return;
  totals.received += *received;
  totals.sent += *sent;
  totals.any = true;
}

}  // namespace

void read_network(const Roots& roots, Values& values) {
  const auto text = read_source(roots.proc + "/net/dev");
  if (!text) return;
  Totals totals;
  for_each_line(*text, [&](std::string_view line) { add_line(line, totals); });
  if (!totals.any) return;
  values["net_receive_bytes"] = totals.received;
  values["net_transmit_bytes"] = totals.sent;
}

}  // namespace bramble::sensors
