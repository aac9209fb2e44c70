#include "aggregator/power/gpio_devices.hpp"

#include <grp.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/posix/error.hpp"
#include "common/posix/files.hpp"

namespace bramble::aggregator {
namespace {

std::string group_name(gid_t gid) {
  std::array<char, 4096> buffer;
  group entry{};
  group* found = nullptr;
  if (::getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) return entry.gr_name;
  return std::to_string(gid);
}

}  // namespace

std::vector<std::string> gpio_device_paths(const std::string& dev_root) {
  std::vector<std::string> paths;
  for (const std::string& name : posix::list_directory(dev_root).value_or(std::vector<std::string>())) {
    if (name.starts_with("gpiochip")) paths.push_back(dev_root + "/" + name);
  }
  std::stable_sort(paths.begin(), paths.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
  return paths;
}

Error gpio_open_error(const std::string& path, int error_number) {
  Error error = posix::system_error("cannot open " + path, error_number);
  struct stat device {};
  if (error.code != ErrorCode::denied || ::stat(path.c_str(), &device) != 0) return error;
  error.message += ": the aggregator's user must be in group '" + group_name(device.st_gid) + "' (usermod -aG " +
                   group_name(device.st_gid) + " bramble, then restart it)";
  return error;
}

}  // namespace bramble::aggregator
