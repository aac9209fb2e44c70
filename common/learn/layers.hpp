// What a network is made of: layers in words ("conv2d 8 3x3"), and how one fits on the other. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.hpp"

namespace bramble::learn {

inline constexpr size_t kMaxLayers = 64;
inline constexpr size_t kMaxParameters = 4'000'000;   // a gradient of floats is one reply of a kernel (16 MiB)
inline constexpr size_t kMaxValuesOfRow = 1'000'000;  // of all layers together, for one row of data

// A row of data is an image of height x width points with so many channels each; n plain numbers are 1 x 1 x n. The
// channels of a point lie side by side, then come the points of a line, then the lines.
struct Shape {
  uint32_t height = 1;
  uint32_t width = 1;
  uint32_t channels = 1;

  uint64_t values() const { return uint64_t{height} * width * channels; }  // of any shape, on any machine
  size_t size() const { return static_cast<size_t>(values()); }            // of one within kMaxValuesOfRow
  bool is_image() const { return height > 1 || width > 1; }
  bool operator==(const Shape&) const = default;
};

// "8x8" or "32x32x3"; each from 1 to 65536.
Result<Shape> parse_shape(const std::string& text);
std::string format_shape(Shape shape);  // "64 values", "8x8 image", "32x32x3 image"

enum class LayerKind : uint8_t { dense, conv2d, max_pool, avg_pool, relu, tanh, sigmoid, flatten };

struct Layer {
  LayerKind kind = LayerKind::flatten;
  uint32_t size = 0;  // dense: values that come out; conv2d: channels that come out
  uint32_t window_height = 0;
  uint32_t window_width = 0;
  uint32_t stride = 0;
  uint32_t padding = 0;

  bool has_parameters() const { return kind == LayerKind::dense || kind == LayerKind::conv2d; }
  bool operator==(const Layer&) const = default;
};

// "dense 64"; "conv2d 8 3x3 [stride N] [pad N]"; "max_pool 2x2 [stride N]" (else as the window); "relu"...
Result<Layer> parse_layer(const std::string& text);
std::string format_layer(const Layer& layer);

// A layer in its place. Its parameters: first window x channels in (dense: values in) by size weights, then size
// biases.
struct FittedLayer {
  Layer layer;
  Shape in;
  Shape out;
  size_t first_parameter = 0;

  size_t fan_in() const;  // weights for each value that comes out
};

struct Topology {
  Shape input;
  std::vector<FittedLayer> layers;
  size_t parameters = 0;

  Shape output() const { return layers.empty() ? input : layers.back().out; }
};

// The layers on each other, for rows of that shape and `outputs` values at the end. An error names the layer.
Result<Topology> fit_layers(Shape input, const std::vector<Layer>& layers, size_t outputs);

}  // namespace bramble::learn
