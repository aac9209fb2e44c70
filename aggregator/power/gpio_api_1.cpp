// tidy: unbuilt: for libgpiod 1.6; the build takes the file that fits the version it finds
#include <gpiod.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "aggregator/power/gpio_api.hpp"
#include "aggregator/power/gpio_devices.hpp"
#include "common/posix/error.hpp"

namespace bramble::aggregator {
namespace {

struct CloseChip {
  void operator()(gpiod_chip* chip) const { ::gpiod_chip_close(chip); }  // and releases its lines
};
using Chip = std::unique_ptr<gpiod_chip, CloseChip>;

std::string text_of(const char* text) { return text == nullptr ? std::string() : text; }

Result<Chip> open_chip(const std::string& path) {
  Chip chip(::gpiod_chip_open(path.c_str()));
  if (!chip) return tl::unexpected<Error>(gpio_open_error(path, errno));
  return chip;
}

Result<gpiod_line*> get_line(gpiod_chip* chip, int64_t offset) {
  gpiod_line* line = ::gpiod_chip_get_line(chip, static_cast<unsigned>(offset));
  if (line == nullptr) return posix::system_failure("cannot ask about line " + std::to_string(offset), errno);
  return line;
}

// Our descriptors of lines. This version does not hand one out; a child that presses must know which to keep.
std::vector<int> line_descriptors() {
  std::vector<int> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const std::string target = std::filesystem::read_symlink(entry.path(), error).string();
    if (target.starts_with("anon_inode:gpio-line")) found.push_back(std::stoi(entry.path().filename().string()));
  }
  return found;
}

// The one that is there now and was not before. Lines are requested by one thread only.
int new_descriptor(const std::vector<int>& before) {
  for (const int descriptor : line_descriptors()) {
    if (std::find(before.begin(), before.end(), descriptor) == before.end()) return descriptor;
  }
  return -1;
}

int flags_of(const GpioRequestOptions& options) {
  int flags = options.active_low ? GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW : 0;
  if (options.pull == GpioPull::up) flags |= GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP;
  if (options.pull == GpioPull::down) flags |= GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN;
  return flags;
}

class Request1 : public GpioRequest {
 public:
  Request1(Chip chip, gpiod_line* line, const GpioRequestOptions& options, int descriptor)
      : chip_(std::move(chip)), line_(line), options_(options), descriptor_(descriptor) {}

  Result<bool> get() override {
    const int level = ::gpiod_line_get_value(line_);
    if (level < 0) return posix::system_failure("cannot read the line", errno);
    return level != 0;
  }

  Status make_output(bool level) override {
    const int flags = flags_of(options_) | (options_.open_drain ? GPIOD_LINE_REQUEST_FLAG_OPEN_DRAIN : 0);
    if (::gpiod_line_set_config(line_, GPIOD_LINE_REQUEST_DIRECTION_OUTPUT, flags, level ? 1 : 0) != 0) {
      return posix::system_failure("cannot make the line an output", errno);
    }
    return {};
  }

  Status set(bool level) override {
    if (::gpiod_line_set_value(line_, level ? 1 : 0) != 0)
      return posix::system_failure("cannot switch the line", errno);
    return {};
  }

  int descriptor() const override { return descriptor_; }

 private:
  const Chip chip_;
  gpiod_line* const line_;
  const GpioRequestOptions options_;
  const int descriptor_;
};

class Api1 : public GpioApi {
 public:
  std::vector<std::string> chip_paths() override { return gpio_device_paths(); }

  Result<GpioChipInfo> chip(const std::string& path) override {
    const auto chip = open_chip(path);
    if (!chip) return tl::unexpected<Error>(chip.error());
    return GpioChipInfo{text_of(::gpiod_chip_label(chip->get())), ::gpiod_chip_num_lines(chip->get())};
  }

  Result<GpioLineInfo> line(const std::string& path, int64_t offset) override {
    const auto chip = open_chip(path);
    if (!chip) return tl::unexpected<Error>(chip.error());
    const auto line = get_line(chip->get(), offset);
    if (!line) return tl::unexpected<Error>(line.error());
    return GpioLineInfo{text_of(::gpiod_line_name(*line)), text_of(::gpiod_line_consumer(*line)),
                        ::gpiod_line_is_used(*line)};
  }

  Result<std::unique_ptr<GpioRequest>> request(const std::string& path, const GpioRequestOptions& options) override {
    auto chip = open_chip(path);
    if (!chip) return tl::unexpected<Error>(chip.error());
    const auto line = get_line(chip->get(), options.offset);
    if (!line) return tl::unexpected<Error>(line.error());
    const auto before = line_descriptors();
    const gpiod_line_request_config config{
        kGpioConsumer, options.input ? GPIOD_LINE_REQUEST_DIRECTION_INPUT : GPIOD_LINE_REQUEST_DIRECTION_AS_IS,
        flags_of(options)};
    if (::gpiod_line_request(*line, &config, 0) != 0) return posix::system_failure("cannot take the line", errno);
    return std::make_unique<Request1>(std::move(*chip), *line, options, new_descriptor(before));
  }
};

}  // namespace

std::unique_ptr<GpioApi> make_gpio_api() { return std::make_unique<Api1>(); }

std::string gpio_library() { return std::string("libgpiod ") + ::gpiod_version_string(); }

}  // namespace bramble::aggregator
