#include "common/posix/machine.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "common/posix/files.hpp"

namespace bramble::posix {
namespace {

constexpr size_t kMaxIdBytes = 256;

Result<std::string> given_or_read(const std::string& given, const std::string& path, const std::string& advice) {
  if (!given.empty()) return given;
  auto text = read_file(path, kMaxIdBytes);
  if (!text) return fail(text.error().code, text.error().message + " (" + advice + ")");
  const size_t end = text->find_last_not_of(" \t\r\n");
  text->resize(end == std::string::npos ? 0 : end + 1);
  if (text->empty()) return fail(ErrorCode::not_found, path + " is empty (" + advice + ")");
  return text;
}

// Empty for one that leads nowhere from another machine, or only over a named interface.
std::string text_of(const sockaddr* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = nullptr;
  if (address->sa_family == AF_INET) {
    bytes = &reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
  } else if (address->sa_family == AF_INET6) {
    const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
    if (!IN6_IS_ADDR_LINKLOCAL(&v6)) bytes = &v6;
  }
  if (bytes == nullptr || ::inet_ntop(address->sa_family, bytes, text.data(), text.size()) == nullptr) return "";
  const std::string result = text.data();
  return result.starts_with("169.254.") ? "" : result;
}

}  // namespace

std::vector<std::string> local_addresses() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return {};
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> list(first, ::freeifaddrs);
  std::vector<std::string> addresses;
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    const bool is_up = (entry->ifa_flags & IFF_UP) != 0 && (entry->ifa_flags & IFF_LOOPBACK) == 0;
    if (entry->ifa_addr == nullptr || !is_up) continue;
    if (std::string text = text_of(entry->ifa_addr); !text.empty()) addresses.push_back(std::move(text));
  }
  std::stable_partition(addresses.begin(), addresses.end(),
                        [](const std::string& text) { return text.find(':') == std::string::npos; });
  return addresses;
}

Result<std::string> read_boot_id(const MachineOptions& options) {
  return given_or_read(options.boot_id, options.root + "/proc/sys/kernel/random/boot_id",
                       "is /proc mounted? or give boot_id in the configuration");
}

Result<MachineIdentity> read_machine_identity(const MachineOptions& options) {
  const auto machine = given_or_read(options.machine_id, options.root + "/etc/machine-id",
                                     "run systemd-machine-id-setup, or give machine_id in the configuration");
  if (!machine) return tl::unexpected(machine.error());
  const auto boot = read_boot_id(options);
  if (!boot) return tl::unexpected(boot.error());
  return MachineIdentity{*machine, *boot};
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  const std::string full = name.data();
  return full.substr(0, full.find('.'));
}

}  // namespace bramble::posix
