#include "aggregator/power/drivers.hpp"

#include "aggregator/power/command_driver.hpp"
#include "aggregator/power/gpio_pin.hpp"
#include "aggregator/power/meter_driver.hpp"
#include "aggregator/power/pin_driver.hpp"
#include "aggregator/power/sim_pin.hpp"

namespace bramble::aggregator {
namespace {

using Driver = std::unique_ptr<LineDriver>;

Driver make(const GpioPlace& place, LineRole role, posix::EventLoop& loop, const std::shared_ptr<GpioApi>& gpio) {
  return std::make_unique<PinDriver>(role, std::make_unique<GpioPin>(gpio, place, role == LineRole::halted), loop);
}

Driver make(const CommandPlace& place, LineRole, posix::EventLoop& loop, const std::shared_ptr<GpioApi>&) {
  return std::make_unique<CommandDriver>(place, loop);
}

Driver make(const SimPlace& place, LineRole role, posix::EventLoop& loop, const std::shared_ptr<GpioApi>&) {
  if (role == LineRole::meter) return std::make_unique<SimMeter>(place.path);
  return std::make_unique<PinDriver>(role, std::make_unique<SimPin>(place.path), loop);
}

Driver make(const MeterPlace& place, LineRole, posix::EventLoop&, const std::shared_ptr<GpioApi>&) {
  return std::make_unique<MeterDriver>(place);
}

}  // namespace

Driver DriverMaker::operator()(const LineConfig& line, posix::EventLoop& loop) const {
  return std::visit([&](const auto& place) { return make(place, line.spec.role, loop, gpio_); }, line.place);
}

}  // namespace bramble::aggregator
