// A pin that is a file.
#pragma once

#include "aggregator/power/pin.hpp"

namespace bramble::aggregator {

// The file at `path` holds "1" or "0"; one that does not exist reads 0. While `path`.stuck exists the level stays as it
// is: a relay that sticks. A directory that is gone is a chip that is gone.
class SimPin : public Pin {
 public:
  explicit SimPin(std::string path) : path_(std::move(path)), stuck_path_(path_ + ".stuck") {}

  Status take() override;
  void release() override {}
  Result<bool> read() override;
  Status drive(bool level) override;
  int descriptor() const override { return -1; }

 private:
  const std::string path_;
  const std::string stuck_path_;
};

}  // namespace bramble::aggregator
