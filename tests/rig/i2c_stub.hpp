// Chips on the kernel's pretended I2C bus: registers that drivers read and write, and that a test sees from behind.
// Only in a guest of the rig: needs root, i2c-stub and i2c-dev.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bramble::rig {

inline constexpr int kExpander = 0x20;
inline constexpr int kMeter = 0x40;

// Registers of a PCA9535, port 0: the level of its pins, what is driven, and which pins are inputs.
inline constexpr uint8_t kExpanderInput = 0;
inline constexpr uint8_t kExpanderOutput = 2;
inline constexpr uint8_t kExpanderDirection = 6;

// Throws std::runtime_error where the kernel says no. The bus and its registers stay when it goes.
class I2cStub {
 public:
  I2cStub();
  ~I2cStub();
  I2cStub(const I2cStub&) = delete;
  I2cStub& operator=(const I2cStub&) = delete;

  // Has the kernel's driver of this kind take the chip: "pca9535", "ina219". It goes with this object.
  void add(const std::string& kind, int address);

  // As after power is applied: all pins inputs, with pull-ups. Before its driver takes it.
  void reset_expander() const;

  uint8_t read_byte(int address, uint8_t at) const;
  void write_byte(int address, uint8_t at, uint8_t value) const;
  void write_word(int address, uint8_t at, uint16_t value) const;  // most significant byte first, as an INA219 wants it

  std::string device_name(int address) const;  // "0-0020"

 private:
  int number_ = -1;
  std::string folder_;  // of the bus in sysfs
  std::vector<int> added_;
};

}  // namespace bramble::rig
