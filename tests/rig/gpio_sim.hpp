// A GPIO chip of the kernel's own simulator, made through configfs, and the kernel's record of what its lines did.
// Only in a guest of the rig: needs root, gpio-sim and tracefs.
#pragma once

#include <string>
#include <vector>

namespace bramble::rig {

// Throws std::runtime_error where the kernel says no.
class GpioSim {
 public:
  // Lines are called GPIO0, GPIO1... A hog is a line that the kernel itself uses, under that name.
  GpioSim(std::string name, std::string label, int lines, int hogged_line = -1, const std::string& hog = {});
  ~GpioSim();
  GpioSim(const GpioSim&) = delete;
  GpioSim& operator=(const GpioSim&) = delete;

  // Whether any such chip's lines keep their level when they are let go of, as on a Pi. At first they do not.
  static void keep_levels(bool keep);

  void plug_in();
  void unplug();

  bool level(int line) const;          // physical
  void pull(int line, bool up) const;  // what an undriven line, or the outside, makes of it
  std::string device_path() const;     // "/dev/gpiochip0"
  int base() const;                    // the kernel's own number of its first line

 private:
  std::string config_;  // its folder of configfs
  std::string label_;
  std::string lines_;  // its folder of sysfs, while it is plugged in
};

// What the kernel did to lines since the last call, in order: "17=1" is a level that was driven, "17 in" a line that is
// not driven any more.
class GpioTrace {
 public:
  GpioTrace();
  std::vector<std::string> take(const GpioSim& chip);
};

}  // namespace bramble::rig
