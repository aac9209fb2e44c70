#include "common/learn/optimiser.hpp"

#include <cmath>

#include "common/base/nearest.hpp"
#include "common/learn/arithmetic.hpp"

namespace bramble::learn {
namespace {

void step_sgd(const OptimiserSettings& settings, OptimiserState& state, const std::vector<float>& gradient,
              std::vector<float>& parameters) {
  for (size_t i = 0; i < parameters.size(); ++i) {
    const double velocity = settings.momentum * static_cast<double>(state.first[i]) + static_cast<double>(gradient[i]);
    state.first[i] = static_cast<float>(velocity);
    parameters[i] = static_cast<float>(static_cast<double>(parameters[i]) - settings.rate * velocity);
  }
}

void step_adam(const OptimiserSettings& settings, OptimiserState& state, const std::vector<float>& gradient,
               std::vector<float>& parameters) {
  state.beta1_power *= settings.beta1;
  state.beta2_power *= settings.beta2;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const auto g = static_cast<double>(gradient[i]);
    const double mean = settings.beta1 * static_cast<double>(state.first[i]) + (1 - settings.beta1) * g;
    const double square = settings.beta2 * static_cast<double>(state.second[i]) + (1 - settings.beta2) * g * g;
    state.first[i] = static_cast<float>(mean);
    state.second[i] = static_cast<float>(square);
    // Both began at 0 and are too small by what their powers say.
    const double step =
        mean / (1 - state.beta1_power) / (std::sqrt(square / (1 - state.beta2_power)) + settings.epsilon);
    parameters[i] = static_cast<float>(static_cast<double>(parameters[i]) - settings.rate * step);
  }
}

}  // namespace

Result<Method> parse_method(const std::string& text) {
  if (text == "sgd") return Method::sgd;
  if (text == "adam") return Method::adam;
  return fail(unknown("optimizer", text, {"sgd", "adam"}) + " (there are \"sgd\" and \"adam\")");
}

Status check_state(const OptimiserState& state) {
  if (all_finite(state.first) && all_finite(state.second)) return {};
  return fail(ErrorCode::limit,
              "what the optimizer remembers of the gradients is no finite number any more: they are "
              "too steep; a lower rate, or data nearer to 1, may help");
}

OptimiserState start_state(const OptimiserSettings& settings, size_t parameters) {
  OptimiserState state;
  state.first.assign(parameters, 0.0F);
  if (settings.method == Method::adam) state.second.assign(parameters, 0.0F);
  return state;
}

void take_step(const OptimiserSettings& settings, OptimiserState& state, const std::vector<float>& gradient,
               std::vector<float>& parameters) {
  if (settings.method == Method::sgd) {
    step_sgd(settings, state, gradient, parameters);
  } else {
    step_adam(settings, state, gradient, parameters);
  }
}

}  // namespace bramble::learn
