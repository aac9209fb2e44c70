// One wire with a level, real or simulated: what GPIO lines and simulated ones have in common, so that the rules of
// pin_driver.hpp stand once.
#pragma once

#include <string>

#include "common/base/result.hpp"

namespace bramble::aggregator {

// Levels are logical (core/lines.hpp). Used by the hand's thread; drive() also by a child of it (press.hpp).
class Pin {
 public:
  virtual ~Pin() = default;

  // Has it from now on, and leaves its level as it is. After an error it may be called again.
  virtual Status take() = 0;
  virtual void release() = 0;  // after an error of the others: what was taken is no good any more

  virtual Result<bool> read() = 0;
  // Where it goes well this takes no memory and no lock, so that a forked child may call it.
  virtual Status drive(bool level) = 0;

  // The descriptor without which a child cannot drive(); -1: it needs none.
  virtual int descriptor() const = 0;
};

}  // namespace bramble::aggregator
