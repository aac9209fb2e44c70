// From a gradient to new parameters: steepest descent with momentum, and Adam. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.hpp"

namespace bramble::learn {

enum class Method : uint8_t { sgd, adam };

Result<Method> parse_method(const std::string& text);  // "sgd", "adam"

struct OptimiserSettings {
  Method method = Method::adam;
  double rate = 0.001;
  double momentum = 0.9;  // sgd
  double beta1 = 0.9;     // adam: how long it remembers gradients
  double beta2 = 0.999;   // adam: and their squares
  double epsilon = 1e-8;  // adam

  bool operator==(const OptimiserSettings&) const = default;
};

// All that the next step depends on besides parameters and gradient: with it a run goes on as if never interrupted.
struct OptimiserState {
  double beta1_power = 1;
  double beta2_power = 1;
  std::vector<float> first;   // sgd: the velocity; adam: the mean gradient
  std::vector<float> second;  // adam: the mean square

  bool operator==(const OptimiserState&) const = default;
};

// Adam divides by the root of `second`: where that is infinite no step changes anything any more, and nobody would
// know.
Status check_state(const OptimiserState& state);

OptimiserState start_state(const OptimiserSettings& settings, size_t parameters);

// All three as long as each other (and `second` for adam).
void take_step(const OptimiserSettings& settings, OptimiserState& state, const std::vector<float>& gradient,
               std::vector<float>& parameters);

}  // namespace bramble::learn
