#include "agent/sensors/probe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "agent/sensors/parse.hpp"
#include "common/base/utf8.hpp"
#include "common/posix/error.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::sensors {
namespace {

// The kernel hands out small files whole, longer ones in pieces of about a page: after a read of less than half a page
// there is no more, and the read that would say so can be spared.
constexpr size_t kSurelyWholeBytes = 2048;
constexpr size_t kShownBytes = 40;

bool is_absence(int error) { return error == ENOENT || error == ENOTDIR; }

}  // namespace

std::optional<std::string_view> Probe::read(const std::string& path, bool complain) {
  const posix::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    if (complain && !is_absence(errno)) trouble("cannot open " + path + ": " + posix::errno_text(errno));
    return std::nullopt;
  }
  size_t size = 0;
  while (size < buffer_.size()) {
    const ssize_t got = ::read(fd.get(), buffer_.data() + size, buffer_.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      if (complain) trouble("cannot read " + path + ": " + posix::errno_text(errno));
      return std::nullopt;
    }
    size += static_cast<size_t>(got);
    if (static_cast<size_t>(got) < kSurelyWholeBytes) return std::string_view(buffer_.data(), size);
  }
  if (complain) trouble(path + " is longer than " + std::to_string(buffer_.size()) + " bytes");
  return std::nullopt;
}

std::optional<double> Probe::number(const std::string& path) {
  const auto held = text(path);
  if (!held) return std::nullopt;
  const auto value = parse_number<double>(*held);
  if (!value) nonsense(path, *held);
  return value;
}

std::optional<double> Probe::number_if_told(const std::string& path) {
  const auto held = text_if_told(path);
  return held ? parse_number<double>(*held) : std::nullopt;
}

void Probe::trouble(std::string why) {
  if (complaint_.empty()) complaint_ = std::move(why);
}

void Probe::nonsense(const std::string& path, std::string_view held) {
  trouble(path + " holds '" + to_utf8(held.substr(0, held.find('\n')), kShownBytes) + "', which makes no sense there");
}

}  // namespace bramble::sensors
