// A network at work: from rows to outputs, and from the outputs' gradient back to the parameters'. Holds only what it
// computes with; the parameters are the caller's. Not thread-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "common/learn/layer_maths.hpp"
#include "common/learn/layers.hpp"

namespace bramble::learn {

// From a seed, the same everywhere: weights from an even distribution around 0 as wide as keeps values from growing or
// fading from layer to layer (He before relu, Glorot elsewhere), biases 0.
std::vector<float> initial_parameters(const Topology& topology, uint64_t seed);

template <typename T>
class Network {
 public:
  explicit Network(Topology topology);

  const Topology& topology() const { return topology_; }

  // rows x outputs. `in` must live until backward() is done.
  const std::vector<T>& forward(const T* parameters, const T* in, size_t rows);

  // After forward() with the same parameters and rows; adds to the gradient, which has as many values as parameters.
  void backward(const T* parameters, const std::vector<T>& out_gradient, T* gradient);

 private:
  Topology topology_;
  std::vector<LayerState<T>> states_;
  const T* in_ = nullptr;
  size_t rows_ = 0;
};

}  // namespace bramble::learn
