// The fastest wired link, from sysfs in Mbit/s. Wi-Fi has no such figure, and a link that is down says -1 or refuses.
#include "agent/sensors/interfaces.hpp"
#include "agent/sensors/sources.hpp"
#include "common/posix/files.hpp"

namespace bramble::sensors {
namespace {

constexpr size_t kMaxInterfaces = 256;

}  // namespace

void read_link(Probe& probe) {
  const std::string net = probe.roots.sys + "/class/net";
  const auto names = posix::list_directory(net, kMaxInterfaces);
  if (!names) return;
  double fastest_mbps = 0;
  for (const std::string& name : *names) {
    if (is_virtual_interface(name)) continue;
    fastest_mbps = std::max(fastest_mbps, probe.number_if_told(net + "/" + name + "/speed").value_or(0));
  }
  if (fastest_mbps > 0) probe.set("link_speed_bps", fastest_mbps * 1e6);
}

}  // namespace bramble::sensors
