// /proc/net/dev: bytes and errors since boot, all real interfaces together.
#include "agent/sensors/interfaces.hpp"
#include "agent/sensors/parse.hpp"
#include "agent/sensors/sources.hpp"

namespace bramble::sensors {
namespace {

struct Totals {
  double received = 0;
  double sent = 0;
  double errors = 0;
  bool any = false;
};

// "  eth0: 1000 10 0 0 0 0 0 0 2000 ..."; the name may touch the first number. The two lines of headings have no colon.
// False: makes no sense.
bool add_line(std::string_view line, Totals& totals) {
  constexpr size_t kReceived = 0, kReceiveErrors = 2, kSent = 8, kSendErrors = 10;
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return line.find('|') != std::string_view::npos;
  const Words name = split_words(line.substr(0, colon));
  const Words words = split_words(line.substr(colon + 1));
  const auto received = parse_number<double>(words[kReceived]);
  const auto receive_errors = parse_number<double>(words[kReceiveErrors]);
  const auto sent = parse_number<double>(words[kSent]);
  const auto send_errors = parse_number<double>(words[kSendErrors]);
  if (name.size() != 1 || !received || !receive_errors || !sent || !send_errors) return false;
  if (is_virtual_interface(name[0])) return true;
  totals.received += *received;
  totals.sent += *sent;
  totals.errors += *receive_errors + *send_errors;
  totals.any = true;
  return true;
}

}  // namespace

void read_network(Probe& probe) {
  const std::string path = probe.roots.proc + "/net/dev";
  const auto text = probe.text(path);
  if (!text) return;
  Totals totals;
  for_each_line(*text, [&](std::string_view line) {
    if (!add_line(line, totals)) probe.nonsense(path, line);
  });
  if (!totals.any) return;
  probe.set("net_receive_bytes", totals.received);
  probe.set("net_transmit_bytes", totals.sent);
  probe.set("net_errors", totals.errors);
}

}  // namespace bramble::sensors
