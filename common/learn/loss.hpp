// How wrong the outputs of a network are. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/base/result.hpp"

namespace bramble::learn {

enum class Loss : uint8_t {
  cross_entropy,  // of the softmax of the outputs, for classes
  mean_squared,   // (1/N) of the squared differences, over all outputs of all rows
};

Result<Loss> parse_loss(const std::string& text);  // "cross-entropy", "mean-squared-error"
const char* format_loss(Loss loss);

// Of one row: adds scale x the gradient's row to gradient, and returns the row's loss. target: as many values as
// outputs; for classes 1 at the class and 0 elsewhere.
template <typename T>
double row_loss(Loss loss, const T* outputs, const T* target, size_t count, double scale, T* gradient);

// What a network tells of one row: with cross-entropy the probabilities of the classes, else the outputs themselves.
void to_answers(Loss loss, float* outputs, size_t count);

}  // namespace bramble::learn
