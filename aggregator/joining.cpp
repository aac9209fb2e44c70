#include "aggregator/joining.hpp"

#include <algorithm>
#include <charconv>

#include "common/base/duration.hpp"
#include "common/mqtt/broker_address.hpp"
#include "common/posix/log.hpp"
#include "common/posix/machine.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::aggregator {
namespace {

constexpr size_t kMaxHosts = 32;  // in the broker's certificate

bool is_every_address(const std::string& address) { return address.empty() || address == "0.0.0.0" || address == "::"; }

std::string url_of(const std::string& host, int port) { return "ssl://" + mqtt::to_string({host, port, true}); }

void add_once(std::vector<std::string>& list, const std::string& entry) {
  if (!entry.empty() && std::find(list.begin(), list.end(), entry) == list.end()) list.push_back(entry);
}

// The name first: it stays when an address is given to another machine.
std::vector<std::string> hosts_of_this_machine(const DaemonConfig& config) {
  std::vector<std::string> hosts = config.host_names;
  const std::string name = posix::host_name();
  if (!name.empty()) add_once(hosts, name + ".local");
  add_once(hosts, name);
  for (const std::string& address : posix::local_addresses()) add_once(hosts, address);
  if (hosts.size() > kMaxHosts - 2) hosts.resize(kMaxHosts - 2);
  return hosts;
}

}  // namespace

Result<NodeListener> parse_node_listen(const std::string& text) {
  const size_t colon = text.rfind(':');
  NodeListener listener;
  const std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), listener.port);
  const bool good_port =
      error == std::errc() && end == port.data() + port.size() && listener.port > 0 && listener.port < 65536;
  listener.address = text.substr(0, colon);
  if (listener.address.starts_with('[') && listener.address.ends_with(']')) {
    listener.address = listener.address.substr(1, listener.address.size() - 2);
  }
  const bool plain = listener.address.find_first_of(" \t\n[]\"") == std::string::npos;
  if (!good_port || listener.address.empty() || !plain) {
    return fail("node_listen is '" + text + "': write ADDRESS:PORT, as 0.0.0.0:8883 for every address of this machine");
  }
  if (listener.address == "*") listener.address.clear();
  return listener;
}

bool lets_nodes_in(const DaemonConfig& config) {
  return !config.node_listen.empty() || !config.node_broker_url.empty();
}

std::optional<NodeListener> node_listener(const DaemonConfig& config) {
  if (config.node_listen.empty()) return {};
  auto listener = parse_node_listen(config.node_listen);
  if (!listener) return {};
  listener->directory = config.state_dir + "/ca";
  return *listener;
}

std::string node_broker_url(const DaemonConfig& config) {
  const auto listener = node_listener(config);
  if (!config.node_broker_url.empty() || !listener) return config.node_broker_url;
  if (!is_every_address(listener->address)) return url_of(listener->address, listener->port);
  if (config.host_names.empty() && posix::local_addresses().empty()) {
    posix::log_warning("this machine knows no address of its own that nodes could be told, so join files name " +
                       posix::host_name() +
                       ".local alone: set host_names or node_broker_url, or restart the aggregator "
                       "when the network is up");
  }
  std::string urls;
  size_t count = 0;
  const std::string bare_name = posix::host_name();
  for (const std::string& host : hosts_of_this_machine(config)) {
    if (host == bare_name) continue;  // rarely known to others, and each way that leads nowhere costs seconds
    if (++count >= mqtt::kMaxBrokerUrls) break;
    urls += url_of(host, listener->port) + ",";
  }
  return urls + url_of("127.0.0.1", listener->port);  // for an agent on this machine; elsewhere nobody answers there
}

Result<std::optional<NodeAuthority>> open_authority(const DaemonConfig& config) {
  if (!lets_nodes_in(config)) return std::optional<NodeAuthority>();
  AuthorityOptions options{config.cluster, hosts_of_this_machine(config), config.certificate_days * kDayMs};
  for (const char* const host : {"localhost", "127.0.0.1"}) add_once(options.hosts, host);
  if (const auto listener = node_listener(config); listener && !is_every_address(listener->address)) {
    add_once(options.hosts, listener->address);
  }
  auto authority = NodeAuthority::open(config.state_dir + "/ca", std::move(options), posix::now().wall);
  if (!authority) return tl::unexpected<Error>(authority.error());
  return std::optional<NodeAuthority>(std::move(*authority));
}

}  // namespace bramble::aggregator
