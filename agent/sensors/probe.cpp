#include "agent/sensors/probe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
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
  if (const int kept = kept_ == nullptr ? -1 : kept_->find(path); kept >= 0) {
    const auto pread = [kept](char* into, size_t most, size_t at) {
      return ::pread(kept, into, most, static_cast<off_t>(at));
    };
    if (const auto text = read_whole(path, false, pread)) return text;
    kept_->drop(path);  // a device that went and came again: opened anew
  }
  posix::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    if (complain && !is_absence(errno)) trouble("cannot open " + path + ": " + posix::errno_text(errno));
    return std::nullopt;
  }
  const auto text =
      read_whole(path, complain, [&](char* into, size_t most, size_t) { return ::read(fd.get(), into, most); });
  if (text && kept_ != nullptr) kept_->keep(path, std::move(fd));
  return text;
}

template <typename ReadAt>
std::optional<std::string_view> Probe::read_whole(const std::string& path, bool complain, const ReadAt& read_at) {
  std::span<char> room(buffer_);
  for (size_t size = 0; size < kMaxProbedBytes;) {
    if (size == room.size()) room = grown(size);
    const ssize_t got = read_at(room.data() + size, room.size() - size, size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      if (complain) trouble("cannot read " + path + ": " + posix::errno_text(errno));
      return std::nullopt;
    }
    size += static_cast<size_t>(got);
    if (static_cast<size_t>(got) < kSurelyWholeBytes) return std::string_view(room.data(), size);
  }
  if (complain) trouble(path + " is longer than " + std::to_string(kMaxProbedBytes) + " bytes");
  return std::nullopt;
}

// Twice the room, with what is in it.
std::span<char> Probe::grown(size_t size) {
  std::vector<char> twice(2 * size);
  std::copy_n(size == buffer_.size() ? buffer_.data() : larger_.data(), size, twice.data());
  larger_ = std::move(twice);
  return larger_;
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
