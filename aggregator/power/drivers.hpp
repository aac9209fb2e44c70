// Which driver a configured line gets.
#pragma once

#include <memory>

#include "aggregator/power/gpio_api.hpp"
#include "aggregator/power/line_config.hpp"
#include "aggregator/power/line_driver.hpp"
#include "common/posix/event_loop.hpp"

namespace bramble::aggregator {

// Copies share one GpioApi, which lives as long as the last driver that it serves.
class DriverMaker {
 public:
  DriverMaker() : gpio_(make_gpio_api()) {}
  explicit DriverMaker(std::shared_ptr<GpioApi> gpio) : gpio_(std::move(gpio)) {}

  std::unique_ptr<LineDriver> operator()(const LineConfig& line, posix::EventLoop& loop) const;

 private:
  std::shared_ptr<GpioApi> gpio_;
};

}  // namespace bramble::aggregator
