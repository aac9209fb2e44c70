#include "common/posix/machine.hpp"

#include <unistd.h>

#include <array>

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

}  // namespace

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
