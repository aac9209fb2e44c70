#include "aggregator/cli/train_spec.hpp"

#include <filesystem>
#include <utility>

#include "common/posix/config_file.hpp"
#include "common/posix/files.hpp"

namespace bramble::cli {
namespace {

using posix::ConfigFile;

constexpr size_t kMaxSpecBytes = 1 << 20;

// What a word means.
template <typename T>
void take_word(ConfigFile& file, const char* key, Result<T> (*parse)(const std::string&), T& into) {
  std::string word;
  file.text(key, word);
  if (word.empty()) return;
  if (const auto value = parse(word)) {
    into = *value;
  } else {
    file.complain_of(key, value.error().message);
  }
}

template <typename T>
void take_count(ConfigFile& file, const char* key, T& into, int64_t least, int64_t most) {
  auto number = static_cast<int64_t>(into);
  file.integer(key, number, least, most);
  into = static_cast<T>(number);
}

void take_target(ConfigFile& file, learn::DataSource& source) {
  int64_t label = 0, target = 0;
  std::string label_name, target_name;
  file.name_or_integer("label", label_name, label, 1, learn::kMaxColumns);
  file.name_or_integer("target", target_name, target, 1, learn::kMaxColumns);
  const bool is_number = target > 0 || !target_name.empty();
  if (is_number && (label > 0 || !label_name.empty())) {
    file.complain_of("target", "label and target exclude each other: a row has a class, or a number to be estimated");
  }
  source.target = is_number ? learn::Target::number : learn::Target::classes;
  source.target_name = is_number ? target_name : label_name;
  source.target_column = static_cast<uint32_t>(is_number ? target : label);
}

void take_data(ConfigFile& file, const std::filesystem::path& folder, learn::Plan& plan) {
  learn::DataSource& source = plan.data;
  std::string images, labels, shape;
  file.text("file", source.file);
  file.text("images", images);
  file.text("labels", labels);
  file.flag("header", source.header);
  take_target(file, source);
  file.list("classes", source.class_names);
  file.text("shape", shape);
  take_word(file, "normalise", &learn::parse_normalise, plan.normalise);
  file.real("validation", plan.validation, 0, 0.9);
  if (source.file.empty() == images.empty()) file.complain("[data] needs file (CSV), or images and labels (IDX)");
  if (images.empty() != labels.empty()) file.complain("images and labels go together: two IDX files");
  if (!images.empty()) {
    source.format = learn::Format::idx;
    source.file = images;
    source.labels_file = folder / labels;
  }
  source.file = folder / source.file;
  if (shape.empty()) return;
  if (const auto parsed = learn::parse_shape(shape)) {
    source.shape = *parsed;
  } else {
    file.complain_of("shape", parsed.error().message);
  }
}

void take_model(ConfigFile& file, learn::Plan& plan) {
  std::vector<std::string> layers;
  file.list("layers", layers);
  take_word(file, "loss", &learn::parse_loss, plan.loss);
  for (size_t i = 0; i < layers.size(); ++i) {
    if (const auto layer = learn::parse_layer(layers[i])) {
      plan.layers.push_back(*layer);
    } else {
      file.complain_of("layers", i, "layer " + std::to_string(i + 1) + ": " + layer.error().message);
    }
  }
  if (layers.empty()) file.complain("[model] needs layers, such as [\"dense 64\", \"relu\", \"dense 10\"]");
}

void take_training(ConfigFile& file, TrainSpec& spec) {
  learn::OptimiserSettings& optimiser = spec.settings.optimiser;
  take_word(file, "optimizer", &learn::parse_method, optimiser.method);
  file.real("rate", optimiser.rate, 1e-9, 1e3);
  file.real("momentum", optimiser.momentum, 0, 0.9999);
  file.real("beta1", optimiser.beta1, 0, 0.9999);
  file.real("beta2", optimiser.beta2, 0, 0.999999);
  file.real("epsilon", optimiser.epsilon, 1e-12, 1);
  take_count(file, "epochs", spec.settings.epochs, 1, learn::kMaxEpochs);
  take_count(file, "patience", spec.settings.patience, 0, learn::kMaxEpochs);
  take_count(file, "batch", spec.plan.batch, 1, learn::kMaxBatch);
  take_count(file, "shards", spec.plan.shards, 1, learn::kMaxShards);
  take_count(file, "seed", spec.plan.seed, 0, INT64_MAX);
}

}  // namespace

Result<TrainSpec> parse_train_spec(const std::string& text, const std::string& path) {
  auto file = ConfigFile::parse(text, path);
  if (!file) return tl::unexpected(file.error());
  const auto folder = std::filesystem::path(path).parent_path();
  TrainSpec spec;
  bool has_data = false, has_model = false;
  file->table("data", [&](ConfigFile& table) {
    has_data = true;
    take_data(table, folder, spec.plan);
  });
  file->table("model", [&](ConfigFile& table) {
    has_model = true;
    take_model(table, spec.plan);
  });
  file->table("training", [&](ConfigFile& table) { take_training(table, spec); });
  if (!has_data) file->complain("there is no [data]: name the file to learn from");
  if (!has_model) file->complain("there is no [model]: name its layers");
  if (Status status = file->finish(); !status) return tl::unexpected(status.error());
  return spec;
}

Result<TrainSpec> read_train_spec(const std::string& path) {
  const auto text = posix::read_file(path, kMaxSpecBytes);
  if (!text) return tl::unexpected(text.error());
  return parse_train_spec(*text, path);
}

}  // namespace bramble::cli
