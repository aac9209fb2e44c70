#include "common/learn/model.hpp"

#include <algorithm>
#include <utility>

#include "common/base/utf8.hpp"
#include "common/learn/arithmetic.hpp"

namespace bramble::learn {
namespace {

constexpr std::string_view kModelKind = "BRMM";
constexpr uint32_t kModelVersion = 1;
constexpr size_t kMaxModelText = 4096;
constexpr size_t kPieceRows = 32;

Status check(const Model& model) {
  const auto topology = fit_layers(model.input, model.layers, model.outputs());
  if (!topology) return tl::unexpected<Error>(topology.error());
  const bool good = model.parameters.size() == topology->parameters &&
                    model.class_names.size() == model.labels.size() &&
                    model.scaling.mean.size() == model.input.size() &&
                    model.scaling.factor.size() == model.input.size() && model.labels.size() != 1;
  if (!good) return fail("its parts do not fit each other");
  if (!std::all_of(model.class_names.begin(), model.class_names.end(), is_utf8)) {
    return fail("its classes have names that are not UTF-8");
  }
  if (!all_finite(model.parameters) || !all_finite(model.scaling.mean) || !all_finite(model.scaling.factor)) {
    return fail("it holds what is no finite number");
  }
  return {};
}

}  // namespace

Result<Model> make_model(const Training& training, std::vector<float> parameters) {
  Model model;
  model.source = training.plan().data;
  model.source.file.clear();
  model.source.labels_file.clear();
  model.input = training.topology().input;
  model.layers = training.plan().layers;
  model.loss = training.plan().loss;
  model.labels = training.data().labels;
  model.class_names = training.data().class_names;
  model.scaling = training.scaling();
  model.parameters = std::move(parameters);
  if (Status status = check(model); !status)
    return in_context("the model", {ErrorCode::corrupt, status.error().message});
  return model;
}

std::string encode_model(const Model& model) {
  Writer writer;
  write_source(writer, model.source);
  write_shape(writer, model.input);
  write_layers(writer, model.layers);
  writer.number(model.loss);
  writer.texts(model.labels);
  writer.texts(model.class_names);
  writer.list(model.scaling.mean);
  writer.list(model.scaling.factor);
  writer.list(model.parameters);
  return seal(kModelKind, kModelVersion, writer.take());
}

Result<Model> decode_model(std::string_view bytes) {
  const auto content = unseal(kModelKind, kModelVersion, bytes);
  if (!content) return in_context("the model", content.error());
  Reader reader(*content);
  Model model;
  model.source = read_source(reader);
  model.input = read_shape(reader);
  model.layers = read_layers(reader);
  model.loss = reader.choice(Loss::mean_squared);
  model.labels = reader.texts(kMaxClasses, kMaxModelText);
  model.class_names = reader.texts(kMaxClasses, kMaxModelText);
  model.scaling.mean = reader.list<float>(kMaxValuesOfRow);
  model.scaling.factor = reader.list<float>(kMaxValuesOfRow);
  model.parameters = reader.list<float>(kMaxParameters);
  if (!reader.at_end()) return fail(ErrorCode::corrupt, "the model: it makes no sense");
  if (Status status = check(model); !status)
    return in_context("the model", {ErrorCode::corrupt, status.error().message});
  return model;
}

Result<Inference> Inference::of(Model model) {
  auto topology = fit_layers(model.input, model.layers, model.outputs());
  if (!topology) return tl::unexpected<Error>(topology.error());
  return Inference(std::move(model), std::move(*topology));
}

Inference::Inference(Model model, Topology topology) : model_(std::move(model)), network_(std::move(topology)) {}

Result<std::vector<float>> Inference::answer(std::vector<float> rows) {
  const size_t columns = model_.input.size(), count = rows.size() / columns;
  if (rows.empty() || rows.size() % columns != 0) {
    return fail("rows of " + std::to_string(columns) + " values are wanted, and " + std::to_string(rows.size()) +
                " values came");
  }
  rescale(model_.scaling, rows);
  std::vector<float> answers;
  answers.reserve(count * model_.outputs());
  for (size_t done = 0; done < count; done += kPieceRows) {
    const size_t together = std::min(kPieceRows, count - done);
    const auto& out = network_.forward(model_.parameters.data(), rows.data() + done * columns, together);
    answers.insert(answers.end(), out.begin(), out.end());
  }
  for (size_t row = 0; row < count; ++row) {
    to_answers(model_.loss, answers.data() + row * model_.outputs(), model_.outputs());
  }
  return answers;
}

}  // namespace bramble::learn
