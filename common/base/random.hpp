// Numbers that look random and are the same on every machine for the same seed: for simulations and for jitter. Not for
// secrets. Not thread-safe.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <limits>

namespace bramble {

// One step of splitmix64: turns any number into a well-mixed one. Good for deriving one seed from another.
constexpr uint64_t mix(uint64_t value) {
  value += 0x9E3779B97F4A7C15ULL;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31);
}

// xoshiro256**. Meets UniformRandomBitGenerator; but the standard library's distributions differ between libraries, so
// use the members below where a seed must replay.
class Random {
 public:
  using result_type = uint64_t;

  explicit constexpr Random(uint64_t seed) {
    for (uint64_t& word : state_) {
      word = mix(seed);
      seed += 0x9E3779B97F4A7C15ULL;
    }
  }

  static constexpr uint64_t min() { return 0; }
  static constexpr uint64_t max() { return std::numeric_limits<uint64_t>::max(); }
  constexpr uint64_t operator()() { return next(); }

  constexpr uint64_t next() {
    const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  // From 0 to bound - 1, each equally likely; 0 for a bound of 0.
  constexpr uint64_t below(uint64_t bound) {
    if (bound == 0) return 0;
    const uint64_t unfair = (max() % bound + 1) % bound;  // how many numbers at the top would favour the small ones
    uint64_t value = next();
    while (value > max() - unfair) value = next();
    return value % bound;
  }

  // From first to last, both included; first <= last.
  constexpr int64_t between(int64_t first, int64_t last) {
    const uint64_t width = static_cast<uint64_t>(last) - static_cast<uint64_t>(first);
    const uint64_t offset = width == max() ? next() : below(width + 1);
    return static_cast<int64_t>(static_cast<uint64_t>(first) + offset);
  }

  // From 0 up to but not including 1.
  constexpr double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  // True that often of one: 0 never, 1 always.
  constexpr bool chance(double probability) { return unit() < probability; }

 private:
  std::array<uint64_t, 4> state_{};
};

}  // namespace bramble
