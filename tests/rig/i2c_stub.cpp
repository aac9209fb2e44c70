#include "rig/i2c_stub.hpp"

#include <fcntl.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <sys/ioctl.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "common/posix/unique_fd.hpp"

namespace bramble::rig {
namespace {

namespace fs = std::filesystem;

void put(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  if (!file) throw std::runtime_error("cannot write '" + text + "' to " + path);
}

int stub_bus() {
  for (const auto& entry : fs::directory_iterator("/sys/bus/i2c/devices")) {
    std::ifstream file(entry.path() / "name");
    std::string name;
    std::getline(file, name);
    if (name.find("stub") != std::string::npos) return std::stoi(entry.path().filename().string().substr(4));
  }
  return -1;
}

void transfer(int bus, int address, uint8_t direction, uint8_t at, uint32_t size, i2c_smbus_data& data) {
  const std::string device = "/dev/i2c-" + std::to_string(bus);
  const posix::UniqueFd file(::open(device.c_str(), O_RDWR | O_CLOEXEC));
  i2c_smbus_ioctl_data call{direction, at, size, &data};
  // A driver of the kernel has the chip: so it is asked for in spite of it.
  if (!file || ::ioctl(file.get(), I2C_SLAVE_FORCE, address) != 0 || ::ioctl(file.get(), I2C_SMBUS, &call) != 0) {
    throw std::runtime_error("cannot reach chip " + std::to_string(address) + " on " + device);
  }
}

}  // namespace

I2cStub::I2cStub() : number_(stub_bus()) {
  if (number_ < 0) {
    if (std::system("insmod /rig/modules/i2c-stub.ko chip_addr=0x20,0x40") != 0) {
      throw std::runtime_error("i2c-stub cannot be loaded");
    }
    number_ = stub_bus();
  }
  folder_ = "/sys/bus/i2c/devices/i2c-" + std::to_string(number_);
}

I2cStub::~I2cStub() {
  for (const int address : added_) {
    std::ofstream(folder_ + "/delete_device") << address << std::flush;
  }
}

void I2cStub::add(const std::string& kind, int address) {
  put(folder_ + "/new_device", kind + " " + std::to_string(address));
  added_.push_back(address);
}

void I2cStub::reset_expander() const {
  constexpr uint8_t kPolarity = 4;
  for (uint8_t at = 0; at < 8; ++at) write_byte(kExpander, at, at / 2 == kPolarity / 2 ? 0 : 0xff);
}

uint8_t I2cStub::read_byte(int address, uint8_t at) const {
  i2c_smbus_data data{};
  transfer(number_, address, I2C_SMBUS_READ, at, I2C_SMBUS_BYTE_DATA, data);
  return data.byte;
}

void I2cStub::write_byte(int address, uint8_t at, uint8_t value) const {
  i2c_smbus_data data{};
  data.byte = value;
  transfer(number_, address, I2C_SMBUS_WRITE, at, I2C_SMBUS_BYTE_DATA, data);
}

void I2cStub::write_word(int address, uint8_t at, uint16_t value) const {
  i2c_smbus_data data{};
  data.word = static_cast<uint16_t>((value >> 8) | (value << 8));
  transfer(number_, address, I2C_SMBUS_WRITE, at, I2C_SMBUS_WORD_DATA, data);
}

std::string I2cStub::device_name(int address) const {
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "%d-%04x", number_, static_cast<unsigned>(address));
  return name.data();
}

}  // namespace bramble::rig
