#include "agent/sensors/sensors.hpp"

namespace bramble::sensors {

wire::Telemetry Sensors::read(MonoTime now) {
  wire::Telemetry reading;
  Values& values = reading.values;
  cpu_.read(roots_, values);
  read_load(roots_, values);
  read_memory(roots_, values);
  read_temperature(roots_, values);
  read_frequency(roots_, values);
  read_uptime(roots_, values);
  read_network(roots_, values);
  read_disks(roots_, values);
  read_free_space(roots_, values);
  read_pressure(roots_, values);
  power_.add(now, values);
  return reading;
}

}  // namespace bramble::sensors
