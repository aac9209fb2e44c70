#include "aggregator/power/drivers.hpp"

#include "aggregator/power/command_driver.hpp"
#include "aggregator/power/gpio_pin.hpp"
#include "aggregator/power/meter_driver.hpp"
#include "aggregator/power/pin_driver.hpp"
#include "aggregator/power/sim_pin.hpp"

namespace bramble::aggregator {
namespace {

using Driver = std::unique_ptr<LineDriver>;

struct Parts {
  LineRole role;
  posix::EventLoop& loop;
  const std::shared_ptr<GpioApi>& gpio;
  SettleLine settle;
};

Driver make(const GpioPlace& place, const Parts& parts) {
  const bool input = parts.role == LineRole::halted;
  return std::make_unique<PinDriver>(parts.role, std::make_unique<GpioPin>(parts.gpio, place, input, parts.settle),
                                     parts.loop);
}

Driver make(const CommandPlace& place, const Parts& parts) {
  return std::make_unique<CommandDriver>(place, parts.loop);
}

Driver make(const SimPlace& place, const Parts& parts) {
  if (parts.role == LineRole::meter) return std::make_unique<SimMeter>(place.path);
  return std::make_unique<PinDriver>(parts.role, std::make_unique<SimPin>(place.path), parts.loop);
}

Driver make(const MeterPlace& place, const Parts& parts) {
  return std::make_unique<MeterDriver>(place, "/sys", parts.settle);
}

}  // namespace

Driver DriverMaker::operator()(const LineConfig& line, posix::EventLoop& loop) const {
  const Parts parts{line.spec.role, loop, gpio_, [places = places_, spec = line.spec](const std::string& place) {
                      return places->settle(spec, place);
                    }};
  return std::visit([&](const auto& place) { return make(place, parts); }, line.place);
}

}  // namespace bramble::aggregator
