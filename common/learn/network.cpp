#include "common/learn/network.hpp"

#include <cmath>
#include <utility>

#include "common/base/random.hpp"

namespace bramble::learn {
namespace {

bool is_activation(LayerKind kind) {
  return kind == LayerKind::relu || kind == LayerKind::tanh || kind == LayerKind::sigmoid;
}

// Whether a layer's values go through relu before they are weighed again.
bool meets_relu(const Topology& topology, size_t index) {
  for (size_t i = index + 1; i < topology.layers.size(); ++i) {
    const Layer& next = topology.layers[i].layer;
    if (next.has_parameters() || is_activation(next.kind)) return next.kind == LayerKind::relu;
  }
  return false;
}

}  // namespace

std::vector<float> initial_parameters(const Topology& topology, uint64_t seed) {
  std::vector<float> parameters(topology.parameters, 0.0F);
  Random random(seed);
  for (size_t i = 0; i < topology.layers.size(); ++i) {
    const FittedLayer& layer = topology.layers[i];
    if (!layer.layer.has_parameters()) continue;
    const auto fan_in = static_cast<double>(layer.fan_in());
    const double fan = meets_relu(topology, i) ? fan_in : fan_in + layer.layer.size;
    const double limit = std::sqrt(6 / fan);
    for (size_t w = 0; w < layer.fan_in() * layer.layer.size; ++w) {
      parameters[layer.first_parameter + w] = static_cast<float>((2 * random.unit() - 1) * limit);
    }
  }
  return parameters;
}

template <typename T>
Network<T>::Network(Topology topology) : topology_(std::move(topology)), states_(topology_.layers.size()) {}

template <typename T>
const std::vector<T>& Network<T>::forward(const T* parameters, const T* in, size_t rows) {
  in_ = in;
  rows_ = rows;
  for (size_t i = 0; i < states_.size(); ++i) {
    const FittedLayer& layer = topology_.layers[i];
    layer_forward(layer, parameters + layer.first_parameter, in, rows, states_[i]);
    in = states_[i].out.data();
  }
  return states_.back().out;
}

template <typename T>
void Network<T>::backward(const T* parameters, const std::vector<T>& out_gradient, T* gradient) {
  std::vector<T> above = out_gradient, below;
  for (size_t i = states_.size(); i-- > 0;) {
    const FittedLayer& layer = topology_.layers[i];
    const T* in = i == 0 ? in_ : states_[i - 1].out.data();
    below.resize(i == 0 ? 0 : rows_ * layer.in.size());  // nobody asks for the gradient of the data
    layer_backward(layer, parameters + layer.first_parameter, in, rows_, states_[i], above.data(),
                   gradient + layer.first_parameter, i == 0 ? nullptr : below.data());
    std::swap(above, below);
  }
}

template class Network<float>;
template class Network<double>;

}  // namespace bramble::learn
