#include "common/learn/plan.hpp"

namespace bramble::learn {
namespace {

constexpr std::string_view kPlanKind = "BRMP";
constexpr uint32_t kPlanVersion = 1;
constexpr size_t kMaxPlanText = 4096;

}  // namespace

void write_shape(Writer& writer, Shape shape) {
  for (const uint32_t side : {shape.height, shape.width, shape.channels}) writer.number(side);
}

Shape read_shape(Reader& reader) {
  Shape shape;
  for (uint32_t* side : {&shape.height, &shape.width, &shape.channels}) {
    *side = reader.number<uint32_t>();
    if (*side == 0 || *side > kMaxValuesOfRow) reader.refuse();
  }
  return reader.good() ? shape : Shape{};
}

void write_source(Writer& writer, const DataSource& source) {
  writer.number(source.format);
  writer.text(source.file);
  writer.text(source.labels_file);
  writer.number(static_cast<uint8_t>(source.header));
  writer.text(source.target_name);
  writer.number(source.target_column);
  writer.number(source.target);
  writer.texts(source.class_names);
  writer.number(static_cast<uint8_t>(source.shape.has_value()));
  write_shape(writer, source.shape.value_or(Shape{}));
}

DataSource read_source(Reader& reader) {
  DataSource source;
  source.format = reader.choice(Format::idx);
  source.file = reader.text(kMaxPlanText);
  source.labels_file = reader.text(kMaxPlanText);
  source.header = reader.flag();
  source.target_name = reader.text(kMaxPlanText);
  source.target_column = reader.number<uint32_t>();
  source.target = reader.choice(Target::none);
  source.class_names = reader.texts(kMaxClasses, kMaxPlanText);
  const bool has_shape = reader.flag();
  const Shape shape = read_shape(reader);
  if (has_shape) source.shape = shape;
  return source;
}

// Layers travel in words, so that what is read went through the same checks as what a person writes.
void write_layers(Writer& writer, const std::vector<Layer>& layers) {
  std::vector<std::string> words;
  for (const Layer& layer : layers) words.push_back(format_layer(layer));
  writer.texts(words);
}

std::vector<Layer> read_layers(Reader& reader) {
  std::vector<Layer> layers;
  for (const std::string& words : reader.texts(kMaxLayers, kMaxPlanText)) {
    const auto layer = parse_layer(words);
    if (!layer) return {};
    layers.push_back(*layer);
  }
  return layers;
}

std::string encode_plan(const Plan& plan) {
  Writer writer;
  write_source(writer, plan.data);
  write_layers(writer, plan.layers);
  writer.number(plan.loss);
  writer.number(plan.normalise);
  writer.number(plan.validation);
  writer.number(plan.seed);
  writer.number(plan.batch);
  writer.number(plan.shards);
  return seal(kPlanKind, kPlanVersion, writer.take());
}

Result<Plan> decode_plan(std::string_view bytes) {
  const auto content = unseal(kPlanKind, kPlanVersion, bytes);
  if (!content) return in_context("the plan of a training", content.error());
  Reader reader(*content);
  Plan plan;
  plan.data = read_source(reader);
  plan.layers = read_layers(reader);
  plan.loss = reader.choice(Loss::mean_squared);
  plan.normalise = reader.choice(Normalise::none);
  plan.validation = reader.number<double>();
  plan.seed = reader.number<uint64_t>();
  plan.batch = reader.number<uint32_t>();
  plan.shards = reader.number<uint32_t>();
  const bool in_bounds = plan.validation >= 0 && plan.validation < 1 && plan.batch >= 1 && plan.batch <= kMaxBatch &&
                         plan.shards >= 1 && plan.shards <= kMaxShards && !plan.layers.empty();
  if (!reader.at_end() || !in_bounds) return fail(ErrorCode::corrupt, "the plan of a training: it makes no sense");
  return plan;
}

}  // namespace bramble::learn
