// A pin that is a GPIO line.
#pragma once

#include <memory>

#include "aggregator/power/gpio_api.hpp"
#include "aggregator/power/line_config.hpp"
#include "aggregator/power/line_places.hpp"
#include "aggregator/power/pin.hpp"

namespace bramble::aggregator {

class GpioPin : public Pin {
 public:
  // input: it is only read.
  GpioPin(std::shared_ptr<GpioApi> api, GpioPlace place, bool input, SettleLine settle = settle_anywhere)
      : api_(std::move(api)), place_(std::move(place)), input_(input), settle_(std::move(settle)) {}

  // Without an edge: the line is requested as it is, read, and made an output of that same level.
  Status take() override;
  void release() override;
  Result<bool> read() override;
  Status drive(bool level) override;
  int descriptor() const override { return request_ ? request_->descriptor() : -1; }

 private:
  Result<std::unique_ptr<GpioRequest>> request();

  const std::shared_ptr<GpioApi> api_;
  const GpioPlace place_;
  const bool input_;
  const SettleLine settle_;
  std::unique_ptr<GpioRequest> request_;
};

}  // namespace bramble::aggregator
