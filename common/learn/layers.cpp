#include "common/learn/layers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "common/base/nearest.hpp"

namespace bramble::learn {
namespace {

constexpr uint32_t kMaxSize = 65536;

struct Name {
  const char* text;
  LayerKind kind;
};

constexpr std::array<Name, 8> kNames = {{{"dense", LayerKind::dense},
                                         {"conv2d", LayerKind::conv2d},
                                         {"max_pool", LayerKind::max_pool},
                                         {"avg_pool", LayerKind::avg_pool},
                                         {"relu", LayerKind::relu},
                                         {"tanh", LayerKind::tanh},
                                         {"sigmoid", LayerKind::sigmoid},
                                         {"flatten", LayerKind::flatten}}};

const char* name_of(LayerKind kind) { return kNames.at(static_cast<size_t>(kind)).text; }

bool is_pool(LayerKind kind) { return kind == LayerKind::max_pool || kind == LayerKind::avg_pool; }

std::vector<std::string> words_of(const std::string& text, char separator) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (c == separator) {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  if (separator == ' ') std::erase(words, "");
  return words;
}

std::optional<uint32_t> number_of(const std::string& text, uint32_t least) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < least || number > kMaxSize) return {};
  return number;
}

const char* usage_of(LayerKind kind) {
  if (kind == LayerKind::dense) return "write \"dense SIZE\", such as \"dense 64\"";
  if (kind == LayerKind::conv2d)
    return "write \"conv2d CHANNELS HEIGHTxWIDTH [stride N] [pad N]\", such as \"conv2d 8 3x3 pad 1\"; pad is less "
           "than the window";
  if (is_pool(kind)) return "write its window, such as \"max_pool 2x2\", and perhaps \"stride N\"";
  return "it takes no more words";
}

bool take_window(const std::string& text, Layer& layer) {
  const auto sides = words_of(text, 'x');
  if (sides.size() != 2) return false;
  const auto height = number_of(sides[0], 1), width = number_of(sides[1], 1);
  if (!height || !width) return false;
  layer.window_height = *height;
  layer.window_width = *width;
  return true;
}

// What follows the kind; false if that is not as usage_of says.
bool take_words(const std::vector<std::string>& words, Layer& layer) {
  size_t next = 1;
  if (layer.has_parameters()) {
    const auto size = next < words.size() ? number_of(words[next], 1) : std::nullopt;
    if (!size) return false;
    layer.size = *size;
    ++next;
  }
  if (layer.kind == LayerKind::conv2d || is_pool(layer.kind)) {
    if (next >= words.size() || !take_window(words[next++], layer)) return false;
    layer.stride = layer.kind == LayerKind::conv2d ? 1 : layer.window_height;
    for (; next + 1 < words.size(); next += 2) {
      const bool pads = words[next] == "pad" && layer.kind == LayerKind::conv2d;
      const auto number = number_of(words[next + 1], pads ? 0 : 1);
      if (!number || (!pads && words[next] != "stride")) return false;
      (pads ? layer.padding : layer.stride) = *number;
    }
  }
  const bool pads_less = layer.padding == 0 || layer.padding < std::min(layer.window_height, layer.window_width);
  return next == words.size() && pads_less;
}

std::optional<uint32_t> slid(uint32_t side, uint32_t window, const Layer& layer) {
  const uint64_t room = uint64_t{side} + 2 * uint64_t{layer.padding};
  if (room < window) return {};
  return static_cast<uint32_t>((room - window) / layer.stride + 1);
}

Result<Shape> shape_after(const Layer& layer, Shape in) {
  switch (layer.kind) {
    case LayerKind::dense:
      if (in.is_image())
        return fail("it takes plain values, and gets a " + format_shape(in) + ": put \"flatten\" before it");
      return Shape{1, 1, layer.size};
    case LayerKind::flatten:
      return Shape{1, 1, static_cast<uint32_t>(in.size())};
    case LayerKind::conv2d:
    case LayerKind::max_pool:
    case LayerKind::avg_pool: {
      if (!in.is_image()) {
        return fail("it takes an image, and gets " + format_shape(in) +
                    ": say in the data's shape what image a row is, such as \"8x8\"");
      }
      const auto height = slid(in.height, layer.window_height, layer),
                 width = slid(in.width, layer.window_width, layer);
      if (!height || !width) return fail("its window is larger than what it gets, a " + format_shape(in));
      return Shape{*height, *width, layer.kind == LayerKind::conv2d ? layer.size : in.channels};
    }
    default:
      return in;
  }
}

std::string place_of(size_t index, const Layer& layer) {
  return "layer " + std::to_string(index + 1) + " (" + format_layer(layer) + ")";
}

uint64_t weights_for_a_value(const FittedLayer& fitted) {
  if (fitted.layer.kind == LayerKind::dense) return fitted.in.values();
  return uint64_t{fitted.layer.window_height} * fitted.layer.window_width * fitted.in.channels;
}

// Of all layers up to one.
struct Needs {
  uint64_t parameters = 0;
  uint64_t values = 0;  // for one row
};

// False: more than a network may have. Each number is bounded before it is multiplied with the next, so that none comes
// round to a small one.
bool add_needs(const FittedLayer& fitted, Needs& needs) {
  const uint64_t weights = weights_for_a_value(fitted), points = uint64_t{fitted.out.height} * fitted.out.width;
  if (fitted.layer.has_parameters()) {
    if (weights > kMaxParameters) return false;
    needs.parameters += (weights + 1) * fitted.layer.size;
  }
  if (fitted.out.values() > kMaxValuesOfRow) return false;
  needs.values += fitted.out.values();
  // A convolution also lays out its windows side by side.
  if (fitted.layer.kind == LayerKind::conv2d) needs.values += weights * points;
  return needs.parameters <= kMaxParameters && needs.values <= kMaxValuesOfRow;
}

Status check_end(const Topology& topology, size_t outputs) {
  const Shape out = topology.output();
  if (out.size() == outputs && !out.is_image()) return {};
  const std::string wanted = outputs == 1 ? "1 value is" : std::to_string(outputs) + " values, one for each class, are";
  return fail(std::string("the last layer gives ") + (out.is_image() ? "a " : "") + format_shape(out) + ", and " +
              wanted + " wanted: end with \"dense " + std::to_string(outputs) + "\"");
}

}  // namespace

Result<Shape> parse_shape(const std::string& text) {
  const auto sides = words_of(text, 'x');
  Shape shape;
  const std::array<uint32_t*, 3> into = {&shape.height, &shape.width, &shape.channels};
  bool good = sides.size() == 2 || sides.size() == 3;
  for (size_t i = 0; good && i < sides.size(); ++i) {
    const auto side = number_of(sides[i], 1);
    good = side.has_value();
    if (good) *into[i] = *side;
  }
  if (!good) return fail("'" + text + "' is no shape: write HEIGHTxWIDTH or HEIGHTxWIDTHxCHANNELS, such as \"28x28\"");
  return shape;
}

std::string format_shape(Shape shape) {
  if (!shape.is_image()) return std::to_string(shape.channels) + (shape.channels == 1 ? " value" : " values");
  std::string text = std::to_string(shape.height) + "x" + std::to_string(shape.width);
  if (shape.channels > 1) text += "x" + std::to_string(shape.channels);
  return text + " image";
}

Result<Layer> parse_layer(const std::string& text) {
  const auto words = words_of(text, ' ');
  std::vector<std::string> known;
  for (const Name& name : kNames) {
    known.emplace_back(name.text);
    if (words.empty() || words[0] != name.text) continue;
    Layer layer;
    layer.kind = name.kind;
    if (!take_words(words, layer)) return fail("layer \"" + text + "\": " + usage_of(layer.kind));
    return layer;
  }
  return fail(unknown("layer", words.empty() ? "" : words[0], known));
}

std::string format_layer(const Layer& layer) {
  std::string text = name_of(layer.kind);
  if (layer.has_parameters()) text += " " + std::to_string(layer.size);
  if (layer.window_height == 0) return text;
  text += " " + std::to_string(layer.window_height) + "x" + std::to_string(layer.window_width);
  const uint32_t usual = layer.kind == LayerKind::conv2d ? 1 : layer.window_height;
  if (layer.stride != usual) text += " stride " + std::to_string(layer.stride);
  if (layer.padding != 0) text += " pad " + std::to_string(layer.padding);
  return text;
}

size_t FittedLayer::fan_in() const { return static_cast<size_t>(weights_for_a_value(*this)); }

Result<Topology> fit_layers(Shape input, const std::vector<Layer>& layers, size_t outputs) {
  if (layers.empty()) return fail("there are no layers: the least is \"dense " + std::to_string(outputs) + "\"");
  if (layers.size() > kMaxLayers) return fail("there are more than " + std::to_string(kMaxLayers) + " layers");
  Topology topology{input, {}, 0};
  Needs needs{0, input.values()};
  if (needs.values > kMaxValuesOfRow)
    return fail(ErrorCode::limit, "a row has more than " + std::to_string(kMaxValuesOfRow) + " values");
  for (size_t i = 0; i < layers.size(); ++i) {
    FittedLayer fitted{layers[i], topology.output(), {}, topology.parameters};
    const auto out = shape_after(fitted.layer, fitted.in);
    if (!out) return in_context(place_of(i, layers[i]), out.error());
    fitted.out = *out;
    if (!add_needs(fitted, needs)) {
      return fail(ErrorCode::limit, place_of(i, layers[i]) + ": up to here the network has more than " +
                                        std::to_string(kMaxParameters) + " parameters, or more than " +
                                        std::to_string(kMaxValuesOfRow) + " values for one row");
    }
    topology.parameters = static_cast<size_t>(needs.parameters);
    topology.layers.push_back(fitted);
  }
  if (Status status = check_end(topology, outputs); !status) return tl::unexpected<Error>(status.error());
  return topology;
}

}  // namespace bramble::learn
