// A trained network with all that is needed to use it: one file. Pure. README.md has the format.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"
#include "common/learn/network.hpp"
#include "common/learn/plan.hpp"
#include "common/learn/scaling.hpp"
#include "common/learn/training.hpp"

namespace bramble::learn {

struct Model {
  DataSource source;  // how rows look; without the files' names
  Shape input;
  std::vector<Layer> layers;
  Loss loss = Loss::cross_entropy;
  std::vector<std::string> labels;  // empty: it estimates a number
  std::vector<std::string> class_names;
  Scaling scaling;
  std::vector<float> parameters;

  size_t outputs() const { return labels.empty() ? 1 : labels.size(); }
  bool operator==(const Model&) const = default;
};

// Refuses parameters that decode_model would refuse.
Result<Model> make_model(const Training& training, std::vector<float> parameters);

std::string encode_model(const Model& model);
Result<Model> decode_model(std::string_view bytes);

// A model at work. Not thread-safe.
class Inference {
 public:
  static Result<Inference> of(Model model);

  const Model& model() const { return model_; }

  // rows: as in the data, not scaled. outputs() values for each: probabilities of the classes (or how much speaks for
  // each, where the loss is the mean squared error), or the number. Each row's answer depends on that row alone.
  Result<std::vector<float>> answer(std::vector<float> rows);

 private:
  Inference(Model model, Topology topology);
  Model model_;
  Network<float> network_;
};

}  // namespace bramble::learn
