// tidy: unbuilt: for libgpiod 2; the build takes the file that fits the version it finds
#include <gpiod.h>

#include <cerrno>
#include <optional>

#include "aggregator/power/gpio_api.hpp"
#include "aggregator/power/gpio_devices.hpp"
#include "common/posix/error.hpp"

namespace bramble::aggregator {
namespace {

template <auto free_function>
struct FreeWith {
  template <typename T>
  void operator()(T* what) const {
    free_function(what);
  }
};
using Chip = std::unique_ptr<gpiod_chip, FreeWith<::gpiod_chip_close>>;
using ChipInfo = std::unique_ptr<gpiod_chip_info, FreeWith<::gpiod_chip_info_free>>;
using LineInfo = std::unique_ptr<gpiod_line_info, FreeWith<::gpiod_line_info_free>>;
using LineSettings = std::unique_ptr<gpiod_line_settings, FreeWith<::gpiod_line_settings_free>>;
using LineSetup = std::unique_ptr<gpiod_line_config, FreeWith<::gpiod_line_config_free>>;
using RequestSetup = std::unique_ptr<gpiod_request_config, FreeWith<::gpiod_request_config_free>>;
using LineRequest = std::unique_ptr<gpiod_line_request, FreeWith<::gpiod_line_request_release>>;

std::string text_of(const char* text) { return text == nullptr ? std::string() : text; }

gpiod_line_value value_of(bool level) { return level ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE; }

Result<Chip> open_chip(const std::string& path) {
  Chip chip(::gpiod_chip_open(path.c_str()));
  if (!chip) return tl::unexpected<Error>(gpio_open_error(path, errno));
  return chip;
}

gpiod_line_bias bias_of(GpioPull pull) {
  switch (pull) {
    case GpioPull::up:
      return GPIOD_LINE_BIAS_PULL_UP;
    case GpioPull::down:
      return GPIOD_LINE_BIAS_PULL_DOWN;
    case GpioPull::as_is:
      break;
  }
  return GPIOD_LINE_BIAS_AS_IS;
}

// How the line shall be: as it stands, an input, or, with a level, an output.
Result<LineSetup> line_setup(const GpioRequestOptions& options, std::optional<bool> output) {
  LineSettings settings(::gpiod_line_settings_new());
  LineSetup setup(::gpiod_line_config_new());
  if (!settings || !setup) return posix::system_failure("cannot describe the line", errno);
  const auto direction = output          ? GPIOD_LINE_DIRECTION_OUTPUT
                         : options.input ? GPIOD_LINE_DIRECTION_INPUT
                                         : GPIOD_LINE_DIRECTION_AS_IS;
  const auto drive = output && options.open_drain ? GPIOD_LINE_DRIVE_OPEN_DRAIN : GPIOD_LINE_DRIVE_PUSH_PULL;
  ::gpiod_line_settings_set_active_low(settings.get(), options.active_low);
  const auto offset = static_cast<unsigned>(options.offset);
  const bool good = ::gpiod_line_settings_set_direction(settings.get(), direction) == 0 &&
                    ::gpiod_line_settings_set_bias(settings.get(), bias_of(options.pull)) == 0 &&
                    ::gpiod_line_settings_set_drive(settings.get(), drive) == 0 &&
                    ::gpiod_line_settings_set_output_value(settings.get(), value_of(output.value_or(false))) == 0 &&
                    ::gpiod_line_config_add_line_settings(setup.get(), &offset, 1, settings.get()) == 0;
  if (!good) return posix::system_failure("cannot describe the line", errno);
  return setup;
}

class Request2 : public GpioRequest {
 public:
  Request2(LineRequest request, const GpioRequestOptions& options) : request_(std::move(request)), options_(options) {}

  Result<bool> get() override {
    const auto level = ::gpiod_line_request_get_value(request_.get(), offset());
    if (level == GPIOD_LINE_VALUE_ERROR) return posix::system_failure("cannot read the line", errno);
    return level == GPIOD_LINE_VALUE_ACTIVE;
  }

  Status make_output(bool level) override {
    const auto setup = line_setup(options_, level);
    if (!setup) return tl::unexpected<Error>(setup.error());
    if (::gpiod_line_request_reconfigure_lines(request_.get(), setup->get()) != 0) {
      return posix::system_failure("cannot make the line an output", errno);
    }
    return {};
  }

  Status set(bool level) override {
    if (::gpiod_line_request_set_value(request_.get(), offset(), value_of(level)) != 0) {
      return posix::system_failure("cannot switch the line", errno);
    }
    return {};
  }

  int descriptor() const override { return ::gpiod_line_request_get_fd(request_.get()); }

 private:
  unsigned offset() const { return static_cast<unsigned>(options_.offset); }

  const LineRequest request_;
  const GpioRequestOptions options_;
};

class Api2 : public GpioApi {
 public:
  std::vector<std::string> chip_paths() override { return gpio_device_paths(); }

  Result<GpioChipInfo> chip(const std::string& path) override {
    const auto chip = open_chip(path);
    if (!chip) return tl::unexpected<Error>(chip.error());
    const ChipInfo info(::gpiod_chip_get_info(chip->get()));
    if (!info) return posix::system_failure("cannot ask about " + path, errno);
    return GpioChipInfo{text_of(::gpiod_chip_info_get_label(info.get())),
                        static_cast<int64_t>(::gpiod_chip_info_get_num_lines(info.get()))};
  }

  Result<GpioLineInfo> line(const std::string& path, int64_t offset) override {
    const auto chip = open_chip(path);
    if (!chip) return tl::unexpected<Error>(chip.error());
    const LineInfo info(::gpiod_chip_get_line_info(chip->get(), static_cast<unsigned>(offset)));
    if (!info) return posix::system_failure("cannot ask about line " + std::to_string(offset), errno);
    return GpioLineInfo{text_of(::gpiod_line_info_get_name(info.get())),
                        text_of(::gpiod_line_info_get_consumer(info.get())), ::gpiod_line_info_is_used(info.get())};
  }

  Result<std::unique_ptr<GpioRequest>> request(const std::string& path, const GpioRequestOptions& options) override {
    const auto chip = open_chip(path);
    if (!chip) return tl::unexpected<Error>(chip.error());
    const auto setup = line_setup(options, {});
    if (!setup) return tl::unexpected<Error>(setup.error());
    const RequestSetup consumer(::gpiod_request_config_new());
    if (!consumer) return posix::system_failure("cannot describe the line", errno);
    ::gpiod_request_config_set_consumer(consumer.get(), kGpioConsumer);
    LineRequest request(::gpiod_chip_request_lines(chip->get(), consumer.get(), setup->get()));
    if (!request) return posix::system_failure("cannot take the line", errno);
    return std::make_unique<Request2>(std::move(request), options);
  }
};

}  // namespace

std::unique_ptr<GpioApi> make_gpio_api() { return std::make_unique<Api2>(); }

std::string gpio_library() { return std::string("libgpiod ") + ::gpiod_api_version(); }

}  // namespace bramble::aggregator
