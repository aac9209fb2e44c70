// The few things that we ask of libgpiod, as one interface: its major versions 1 and 2 share no call. CMake builds
// gpio_api_1.cpp or gpio_api_2.cpp after the version that it finds. The rules are in gpio_pin.hpp; here are none.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/result.hpp"

namespace bramble::aggregator {

struct GpioChipInfo {
  std::string label;
  int64_t lines = 0;
};

struct GpioLineInfo {
  std::string name;      // may be empty
  std::string consumer;  // who has it; may be empty though it is used
  bool used = false;
};

enum class GpioPull { as_is, up, down };

struct GpioRequestOptions {
  int64_t offset = 0;
  bool active_low = false;
  bool open_drain = false;  // of an output
  bool input = false;       // false: neither direction nor level are touched
  GpioPull pull = GpioPull::as_is;
};

// One line that is ours, until this object goes. Levels are logical: active_low is reckoned with.
class GpioRequest {
 public:
  virtual ~GpioRequest() = default;
  virtual Result<bool> get() = 0;
  virtual Status make_output(bool level) = 0;  // direction and level in one step
  virtual Status set(bool level) = 0;          // of an output; safe in a forked child
  virtual int descriptor() const = 0;
};

// Used by one thread at a time. Errors are the system's: ErrorCode::denied, conflict (the line is in use).
class GpioApi {
 public:
  virtual ~GpioApi() = default;
  virtual std::vector<std::string> chip_paths() = 0;  // "/dev/gpiochip0", in order of their numbers
  virtual Result<GpioChipInfo> chip(const std::string& path) = 0;
  virtual Result<GpioLineInfo> line(const std::string& path, int64_t offset) = 0;
  virtual Result<std::unique_ptr<GpioRequest>> request(const std::string& path, const GpioRequestOptions& options) = 0;
};

inline constexpr const char* kGpioConsumer = "bramble";

std::unique_ptr<GpioApi> make_gpio_api();  // of the libgpiod that this was built with
std::string gpio_library();                // "libgpiod 1.6.3"

}  // namespace bramble::aggregator
