// Which driver a configured line gets.
#pragma once

#include <memory>

#include "aggregator/power/gpio_api.hpp"
#include "aggregator/power/line_config.hpp"
#include "aggregator/power/line_driver.hpp"
#include "aggregator/power/line_places.hpp"
#include "common/posix/event_loop.hpp"

namespace bramble::aggregator {

// Copies share one GpioApi and one LinePlaces, which live as long as the last driver that they serve.
class DriverMaker {
 public:
  DriverMaker() : gpio_(make_gpio_api()) {}
  explicit DriverMaker(std::shared_ptr<GpioApi> gpio) : gpio_(std::move(gpio)) {}

  std::unique_ptr<LineDriver> operator()(const LineConfig& line, posix::EventLoop& loop) const;

 private:
  std::shared_ptr<GpioApi> gpio_;
  std::shared_ptr<LinePlaces> places_ = std::make_shared<LinePlaces>();
};

}  // namespace bramble::aggregator
