// Estimates pi. Input: "SEED POINTS". Result: how many of so many random points of the unit square lie in the quarter
// circle. Equal inputs have equal results.
#include <charconv>
#include <stdexcept>

#include "agent/kernels/kernel.hpp"

namespace {

constexpr uint64_t kMaxPoints = 1'000'000'000'000;

// Sebastiano Vigna's splitmix64: passes BigCrush with any seed, and needs no warming up.
class SplitMix64 {
 public:
  explicit SplitMix64(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }  // [0, 1)

 private:
  uint64_t state_;
};

// The number at the front of the text, which is taken off it with one space behind it.
uint64_t take_number(std::string_view& text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) throw std::invalid_argument("the input must be SEED POINTS, as in 7 1000000");
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  return number;
}

std::string count_inside(std::string_view input) {
  SplitMix64 random(take_number(input));
  const uint64_t points = take_number(input);
  if (!input.empty() || points > kMaxPoints) {
    throw std::invalid_argument("the input must be SEED POINTS, as in 7 1000000, and at most 10^12 points");
  }
  uint64_t inside = 0;
  for (uint64_t i = 0; i < points; ++i) {
    const double x = random.unit(), y = random.unit();
    inside += x * x + y * y < 1 ? 1 : 0;
  }
  return std::to_string(inside);
}

}  // namespace

int main() { return bramble::kernel::serve(count_inside); }
