#include "common/learn/layer_maths.hpp"

#include <algorithm>

#include "common/learn/arithmetic.hpp"
#include "common/learn/product.hpp"

namespace bramble::learn {
namespace {

// Calls visit(place in the window, place in the image) for each point of the window at (y, x) that lies in the image.
template <typename Visit>
void each_point(const FittedLayer& layer, size_t y, size_t x, const Visit& visit) {
  const Layer& what = layer.layer;
  for (size_t v = 0; v < what.window_height; ++v) {
    const size_t line = y * what.stride + v;
    if (line < what.padding || line - what.padding >= layer.in.height) continue;
    for (size_t u = 0; u < what.window_width; ++u) {
      const size_t column = x * what.stride + u;
      if (column < what.padding || column - what.padding >= layer.in.width) continue;
      visit(v * what.window_width + u, (line - what.padding) * layer.in.width + column - what.padding);
    }
  }
}

// Calls visit(row, number of the window in it, y, x) for each place of the window.
template <typename Visit>
void each_window(const FittedLayer& layer, size_t rows, const Visit& visit) {
  for (size_t row = 0; row < rows; ++row) {
    for (size_t y = 0; y < layer.out.height; ++y) {
      for (size_t x = 0; x < layer.out.width; ++x) visit(row, y * layer.out.width + x, y, x);
    }
  }
}

// A convolution is a dense layer on windows.
size_t windows_of_row(const FittedLayer& layer) {
  return layer.layer.kind == LayerKind::conv2d ? size_t{layer.out.height} * layer.out.width : 1;
}

template <typename T>
void lay_out_windows(const FittedLayer& layer, const T* in, size_t rows, std::vector<T>& windows) {
  const size_t channels = layer.in.channels, length = layer.fan_in();
  windows.assign(rows * windows_of_row(layer) * length, T{0});
  each_window(layer, rows, [&](size_t row, size_t window, size_t y, size_t x) {
    T* to = windows.data() + (row * windows_of_row(layer) + window) * length;
    const T* image = in + row * layer.in.size();
    each_point(layer, y, x, [&](size_t in_window, size_t in_image) {
      std::copy_n(image + in_image * channels, channels, to + in_window * channels);
    });
  });
}

template <typename T>
void add_up_windows(const FittedLayer& layer, const std::vector<T>& windows, size_t rows, T* in_gradient) {
  const size_t channels = layer.in.channels, length = layer.fan_in();
  std::fill_n(in_gradient, rows * layer.in.size(), T{0});
  each_window(layer, rows, [&](size_t row, size_t window, size_t y, size_t x) {
    const T* from = windows.data() + (row * windows_of_row(layer) + window) * length;
    T* image = in_gradient + row * layer.in.size();
    each_point(layer, y, x, [&](size_t in_window, size_t in_image) {
      for (size_t c = 0; c < channels; ++c) image[in_image * channels + c] += from[in_window * channels + c];
    });
  });
}

template <typename T>
void weigh(const FittedLayer& layer, const T* weights, const T* in, size_t rows, LayerState<T>& state) {
  const size_t length = layer.fan_in(), size = layer.layer.size, count = rows * windows_of_row(layer);
  multiply(by_rows(in, length), by_rows(weights, size), state.out.data(), count, length, size);
  const T* biases = weights + length * size;
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j < size; ++j) state.out[i * size + j] += biases[j];
  }
}

template <typename T>
void weigh_back(const FittedLayer& layer, const T* weights, const T* in, size_t rows, const T* out_gradient,
                T* weight_gradient, T* in_gradient) {
  const size_t length = layer.fan_in(), size = layer.layer.size, count = rows * windows_of_row(layer);
  multiply_and_add(transposed(by_rows(in, length)), by_rows(out_gradient, size), weight_gradient, length, count, size);
  T* bias_gradient = weight_gradient + length * size;
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j < size; ++j) bias_gradient[j] += out_gradient[i * size + j];
  }
  if (in_gradient == nullptr) return;
  multiply(by_rows(out_gradient, size), transposed(by_rows(weights, size)), in_gradient, count, size, length);
}

template <typename T>
void take_greatest(const FittedLayer& layer, const T* in, size_t rows, LayerState<T>& state) {
  const size_t channels = layer.in.channels;
  state.chosen.resize(state.out.size());
  each_window(layer, rows, [&](size_t row, size_t window, size_t y, size_t x) {
    const T* image = in + row * layer.in.size();
    const size_t at = row * layer.out.size() + window * channels;
    for (size_t c = 0; c < channels; ++c) {
      size_t best = SIZE_MAX;
      each_point(layer, y, x, [&](size_t, size_t in_image) {
        const size_t candidate = in_image * channels + c;
        // The first of equal ones; one that is no number wins and stays, so that it is seen at the end.
        if (best == SIZE_MAX || image[candidate] > image[best] || image[candidate] != image[candidate])
          best = candidate;
      });
      state.out[at + c] = image[best];
      state.chosen[at + c] = static_cast<uint32_t>(best);
    }
  });
}

template <typename T>
void take_mean(const FittedLayer& layer, const T* in, size_t rows, LayerState<T>& state) {
  const size_t channels = layer.in.channels;
  const T points = static_cast<T>(layer.layer.window_height * layer.layer.window_width);
  each_window(layer, rows, [&](size_t row, size_t window, size_t y, size_t x) {
    T* to = state.out.data() + row * layer.out.size() + window * channels;
    std::fill_n(to, channels, T{0});
    each_point(layer, y, x, [&](size_t, size_t in_image) {
      for (size_t c = 0; c < channels; ++c) to[c] += in[row * layer.in.size() + in_image * channels + c];
    });
    for (size_t c = 0; c < channels; ++c) to[c] /= points;
  });
}

template <typename T>
void pool_back(const FittedLayer& layer, size_t rows, const LayerState<T>& state, const T* out_gradient,
               T* in_gradient) {
  const size_t channels = layer.in.channels;
  const T points = static_cast<T>(layer.layer.window_height * layer.layer.window_width);
  std::fill_n(in_gradient, rows * layer.in.size(), T{0});
  each_window(layer, rows, [&](size_t row, size_t window, size_t y, size_t x) {
    const size_t at = row * layer.out.size() + window * channels;
    T* image = in_gradient + row * layer.in.size();
    if (layer.layer.kind == LayerKind::max_pool) {
      for (size_t c = 0; c < channels; ++c) image[state.chosen[at + c]] += out_gradient[at + c];
      return;
    }
    each_point(layer, y, x, [&](size_t, size_t in_image) {
      for (size_t c = 0; c < channels; ++c) image[in_image * channels + c] += out_gradient[at + c] / points;
    });
  });
}

template <typename T>
T activated(LayerKind kind, T value) {
  if (kind == LayerKind::relu) return value < 0 ? T{0} : value;  // what is no number stays so
  if (kind == LayerKind::tanh) return static_cast<T>(tanh_of(static_cast<double>(value)));
  if (kind == LayerKind::sigmoid) return static_cast<T>(sigmoid_of(static_cast<double>(value)));
  return value;
}

// The slope at the value that came out.
template <typename T>
T slope(LayerKind kind, T out) {
  if (kind == LayerKind::relu) return out > 0 ? T{1} : T{0};
  if (kind == LayerKind::tanh) return 1 - out * out;
  if (kind == LayerKind::sigmoid) return out * (1 - out);
  return T{1};
}

}  // namespace

template <typename T>
void layer_forward(const FittedLayer& layer, const T* weights, const T* in, size_t rows, LayerState<T>& state) {
  state.out.resize(rows * layer.out.size());
  switch (layer.layer.kind) {
    case LayerKind::dense:
      return weigh(layer, weights, in, rows, state);
    case LayerKind::conv2d:
      lay_out_windows(layer, in, rows, state.windows);
      return weigh(layer, weights, state.windows.data(), rows, state);
    case LayerKind::max_pool:
      return take_greatest(layer, in, rows, state);
    case LayerKind::avg_pool:
      return take_mean(layer, in, rows, state);
    default:
      for (size_t i = 0; i < state.out.size(); ++i) state.out[i] = activated(layer.layer.kind, in[i]);
  }
}

template <typename T>
void layer_backward(const FittedLayer& layer, const T* weights, const T* in, size_t rows, const LayerState<T>& state,
                    const T* out_gradient, T* weight_gradient, T* in_gradient) {
  switch (layer.layer.kind) {
    case LayerKind::dense:
      return weigh_back(layer, weights, in, rows, out_gradient, weight_gradient, in_gradient);
    case LayerKind::conv2d: {
      std::vector<T> windows(in_gradient == nullptr ? 0 : state.windows.size());
      T* window_gradient = in_gradient == nullptr ? nullptr : windows.data();
      weigh_back(layer, weights, state.windows.data(), rows, out_gradient, weight_gradient, window_gradient);
      if (in_gradient != nullptr) add_up_windows(layer, windows, rows, in_gradient);
      return;
    }
    case LayerKind::max_pool:
    case LayerKind::avg_pool:
      if (in_gradient != nullptr) pool_back(layer, rows, state, out_gradient, in_gradient);
      return;
    default:
      if (in_gradient == nullptr) return;
      for (size_t i = 0; i < state.out.size(); ++i) {
        in_gradient[i] = out_gradient[i] * slope(layer.layer.kind, state.out[i]);
      }
  }
}

template void layer_forward<float>(const FittedLayer&, const float*, const float*, size_t, LayerState<float>&);
template void layer_forward<double>(const FittedLayer&, const double*, const double*, size_t, LayerState<double>&);
template void layer_backward<float>(const FittedLayer&, const float*, const float*, size_t, const LayerState<float>&,
                                    const float*, float*, float*);
template void layer_backward<double>(const FittedLayer&, const double*, const double*, size_t,
                                     const LayerState<double>&, const double*, double*, double*);

}  // namespace bramble::learn
