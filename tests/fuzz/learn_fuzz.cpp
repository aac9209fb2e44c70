// Every reader of common/learn on any bytes: data (CSV, IDX), and what is kept or sent (plans, models, checkpoints,
// calls and their results), each also behind a checksum that is right. None may crash, hang or overflow; an error is a
// clear sentence; what is read holds together, and what was written by us reads as the same again.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>

#include "common/base/utf8.hpp"
#include "common/learn/arithmetic.hpp"
#include "common/learn/bytes.hpp"
#include "common/learn/calls.hpp"
#include "common/learn/csv.hpp"
#include "common/learn/idx.hpp"
#include "common/learn/model.hpp"
#include "common/learn/trainer.hpp"
#include "support/learn_samples.hpp"

namespace bramble::learn {
namespace {

constexpr size_t kMaxSentenceBytes = 5000;  // a file's or a column's name may be in it
const std::string kData = "the data";

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

void require_clear(const Error& error) {
  require(!error.message.empty() && error.message.size() < kMaxSentenceBytes, "an error is one sentence");
  require(is_utf8(error.message), "an error is UTF-8");
}

// --- data
// --------------------------------------------------------------------------------------------------------------

void check_table(const std::string& text, const CsvChoice& choice) {
  const auto table = read_csv(text, "data.csv", choice);
  if (!table) return require_clear(table.error());
  require(table->values.size() == table->rows * table->columns, "each row has all columns");
  require(table->lines.size() == table->rows, "each row stands in a line");
  require(table->texts.empty() || table->texts.size() == table->rows, "each row has its text, or none");
  require(all_finite(table->values), "numbers are finite");
}

void check_tables(const std::string& text) {
  for (const bool header : {false, true}) {
    for (const TextColumn which : {TextColumn::none, TextColumn::last, TextColumn::by_number, TextColumn::by_name}) {
      check_table(text, {header, which, "label", 2, 0});
      check_table(text, {header, which, "label", 1, 2});
      check_table(text, {header, which, "label", 2, 2, "label", true});
    }
  }
}

void check_numbers(const std::string& text) {
  const auto numbers = read_idx(text, "data.idx", 1, 4);
  if (!numbers) return require_clear(numbers.error());
  uint64_t values = 1;
  for (const uint32_t size : numbers->sizes) values *= size;
  require(numbers->bytes.size() == values, "sizes say how many numbers there are");
}

void check_dataset(const Dataset& data, Target target) {
  require(data.rows > 0 && data.values.size() == data.rows * data.shape.size(), "each row has its shape");
  require(data.classes.size() == (target == Target::classes ? data.rows : 0), "each row has a class");
  require(data.numbers.size() == (target == Target::number ? data.rows : 0), "each row has a number");
  require(all_finite(data.values) && all_finite(data.numbers), "numbers are finite");
  const bool known =
      std::all_of(data.classes.begin(), data.classes.end(), [&](uint32_t index) { return index < data.labels.size(); });
  require(known && data.labels.size() == data.class_names.size(), "each class has a label and a name");
}

void check_datasets(const std::string& text) {
  const Fetch fetch = [&](const std::string&) { return Result<std::string>(text); };
  for (const Format format : {Format::csv, Format::idx}) {
    for (const Target target : {Target::classes, Target::number, Target::none}) {
      DataSource source;
      source.format = format;
      source.file = source.labels_file = "data";
      source.target = target;
      const auto data = load_dataset(source, fetch);
      data ? check_dataset(*data, target) : require_clear(data.error());
      const auto rows = load_rows(source, {1, 2, 1}, {"a", "b", "c"}, fetch);
      if (!rows) require_clear(rows.error());
    }
  }
}

// --- what is kept or sent
// ----------------------------------------------------------------------------------------------

template <typename Decode, typename Encode>
void check_round_trip(std::string_view bytes, Decode decode_it, Encode encode_it, const char* what) {
  const auto value = decode_it(bytes);
  if (!value) return require_clear(value.error());
  const std::string encoded = encode_it(*value);
  const auto again = decode_it(encoded);
  require(again.has_value() && encode_it(*again) == encoded, what);  // by bytes: a NaN is not equal to itself
}

void check_model(std::string_view bytes) {
  check_round_trip(bytes, decode_model, encode_model, "a model reads as it was written");
  auto model = decode_model(bytes);
  if (!model || model->parameters.size() > 10'000 || model->input.size() > 1'000) return;
  std::vector<float> row(model->input.size(), 1.0F);
  auto inference = Inference::of(std::move(*model));
  require(inference.has_value(), "a model that was read can be used");
  require(inference->answer(std::move(row)).has_value(), "a model answers");
}

// A training, and the beginning that its checkpoints have: what they belong to.
struct Resumed {
  Training training = *Training::prepare(corner_plan(), corner_files());
  LocalWorkers workers{training};
  Trainer fresh{training, {}, workers};
  std::string beginning;

  Resumed() {
    const std::string checkpoint = fresh.checkpoint(kData);
    const std::string_view content = *unseal("BRMC", 1, checkpoint);
    Reader reader(content);
    beginning = std::string(content.substr(0, 4 + reader.text(content.size()).size()));
  }
};

void check_resumed(const Resumed& about, const std::string& checkpoint) {
  Trainer trainer = about.fresh;
  const Status status = trainer.resume(checkpoint, kData);
  if (!status) {
    require_clear(status.error());
    return require(trainer.state() == about.fresh.state(), "a checkpoint that is refused changes nothing");
  }
  require(trainer.state().parameters.size() == about.training.topology().parameters, "all parameters are there");
  require(all_finite(trainer.state().parameters) && all_finite(trainer.result()), "parameters are finite");
  Trainer again = about.fresh;
  require(again.resume(trainer.checkpoint(kData), kData).has_value(), "a checkpoint reads as it was written");
}

void check_calls(std::string_view bytes) {
  check_round_trip(bytes, decode_call, encode_call, "a call reads as it was written");
  const auto decode_three = [](std::string_view given) { return decode_evaluation(given, 3); };
  check_round_trip(bytes, decode_three, encode_evaluation, "an evaluation reads as it was written");
  if (const auto evaluation = decode_three(bytes)) static_cast<void>(evaluation->correct());
  check_round_trip(bytes, decode_floats, encode_floats, "a list reads as it was written");
  const auto decode = [](std::string_view given) { return decode_gradient(given, 3); };
  check_round_trip(bytes, decode, encode_gradient, "a gradient reads as it was written");
}

}  // namespace
}  // namespace bramble::learn

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bramble::learn;
  static const Resumed resumed;
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_tables(text);
  check_numbers(text);
  check_datasets(text);
  check_round_trip(text, decode_plan, encode_plan, "a plan reads as it was written");
  check_round_trip(seal("BRMP", 1, text), decode_plan, encode_plan, "a plan reads as it was written");
  check_model(text);
  check_model(seal("BRMM", 1, text));
  check_resumed(resumed, text);
  check_resumed(resumed, seal("BRMC", 1, resumed.beginning + text));
  check_calls(text);
  return 0;
}
