#include "common/learn/loss.hpp"

#include <algorithm>
#include <vector>

#include "common/base/nearest.hpp"
#include "common/learn/arithmetic.hpp"

namespace bramble::learn {
namespace {

// The softmax of the outputs into probabilities; returns the logarithm of the sum that they were divided by.
template <typename T>
double softmax(const T* outputs, size_t count, std::vector<double>& probabilities) {
  probabilities.assign(outputs, outputs + count);
  const double greatest = *std::max_element(probabilities.begin(), probabilities.end());
  double sum = 0;
  for (double& value : probabilities) {
    value = exp_of(value - greatest);
    sum += value;
  }
  for (double& value : probabilities) value /= sum;
  return greatest + log_of(sum);
}

}  // namespace

Result<Loss> parse_loss(const std::string& text) {
  if (text == "cross-entropy") return Loss::cross_entropy;
  if (text == "mean-squared-error") return Loss::mean_squared;
  return fail(unknown("loss", text, {"cross-entropy", "mean-squared-error"}) +
              " (there are \"cross-entropy\" and \"mean-squared-error\")");
}

const char* format_loss(Loss loss) { return loss == Loss::cross_entropy ? "cross-entropy" : "mean-squared-error"; }

template <typename T>
double row_loss(Loss loss, const T* outputs, const T* target, size_t count, double scale, T* gradient) {
  double sum = 0;
  if (loss == Loss::cross_entropy) {
    std::vector<double> probabilities;
    const double log_of_sum = softmax(outputs, count, probabilities);
    for (size_t i = 0; i < count; ++i) {
      const double wanted = static_cast<double>(target[i]);
      sum += wanted * (log_of_sum - static_cast<double>(outputs[i]));
      gradient[i] += static_cast<T>(scale * (probabilities[i] - wanted));
    }
    return sum;
  }
  for (size_t i = 0; i < count; ++i) {
    const double difference = static_cast<double>(outputs[i]) - static_cast<double>(target[i]);
    sum += difference * difference;
    gradient[i] += static_cast<T>(scale * 2 * difference / static_cast<double>(count));
  }
  return sum / static_cast<double>(count);
}

void to_answers(Loss loss, float* outputs, size_t count) {
  if (loss != Loss::cross_entropy) return;
  std::vector<double> probabilities;
  softmax(outputs, count, probabilities);
  for (size_t i = 0; i < count; ++i) outputs[i] = static_cast<float>(probabilities[i]);
}

template double row_loss<float>(Loss, const float*, const float*, size_t, double, float*);
template double row_loss<double>(Loss, const double*, const double*, size_t, double, double*);

}  // namespace bramble::learn
