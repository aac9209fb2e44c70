// What layers compute, forward and backward, on `rows` rows side by side. Sums run in one fixed order. For float and
// double. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/learn/layers.hpp"

namespace bramble::learn {

// What a layer keeps between forward and backward.
template <typename T>
struct LayerState {
  std::vector<T> out;            // rows x values that come out
  std::vector<T> windows;        // conv2d: each window as a row
  std::vector<uint32_t> chosen;  // max_pool: which value of its row each one is
};

// weights: of this layer, then its biases.
template <typename T>
void layer_forward(const FittedLayer& layer, const T* weights, const T* in, size_t rows, LayerState<T>& state);

// Adds to weight_gradient, and writes in_gradient (rows x values in) where it is not null. in: as in layer_forward.
template <typename T>
void layer_backward(const FittedLayer& layer, const T* weights, const T* in, size_t rows, const LayerState<T>& state,
                    const T* out_gradient, T* weight_gradient, T* in_gradient);

}  // namespace bramble::learn
