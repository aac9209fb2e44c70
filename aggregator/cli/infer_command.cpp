#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "aggregator/cli/commands.hpp"
#include "aggregator/cli/infer_rows.hpp"
#include "aggregator/cli/interrupts.hpp"
#include "aggregator/cli/learn_files.hpp"
#include "aggregator/cli/submission.hpp"
#include "aggregator/cli/table.hpp"
#include "aggregator/cli/train_view.hpp"
#include "common/learn/calls.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

// The rows' source: as the model learned them, from another file.
Result<learn::Dataset> load_input(const learn::Model& model, const InferCommand& command) {
  learn::DataSource source = model.source;
  source.file = command.input;
  source.labels_file = command.labels;
  if (source.format == learn::Format::csv && !command.labels.empty()) {
    return fail("--labels is for images (IDX): in a CSV file the label is a column");
  }
  if (source.format == learn::Format::idx && command.header) {
    return fail("--header and --no-header are for CSV: images (IDX) have no names");
  }
  auto rows = learn::load_rows(source, model.input, model.labels, read_learn_file, command.header);
  if (!rows) return wrong_file(rows.error());
  return rows;
}

Result<learn::Model> load_model(const std::string& file, const std::string& bytes) {
  auto model = learn::decode_model(bytes);
  if (model) return model;
  if (model.error().code != ErrorCode::invalid) return fail(model.error().code, file + ": " + model.error().message);
  return fail(ErrorCode::corrupt, file + " is no model: bramble train makes one; usage: bramble infer MODEL INPUT");
}

// One `bramble infer`: rows in pieces to the nodes, answers in the order of the rows.
class Infer {
 public:
  Infer(const Session& session, const InferCommand& command, const learn::Model& model, const learn::Dataset& data)
      : session_(session),
        command_(command),
        model_(model),
        data_(data),
        job_([&session] { return session.connect(); }, session.console, command.task),
        interrupts_([this] {
          job_.stop();
          cancel();
        }) {}

  Result<int> run(const std::string& model_bytes, uint64_t slots) {
    Status status = job_.add_file({learn::kModelFile, model_bytes});
    if (status)
      status = answer_rows(job_, data_, model_, 4 * slots,
                           [this](size_t first, const std::vector<float>& answers) { return take(first, answers); });
    if (interrupts_.signal() != 0) cancel();  // the job may be younger than the signal
    if (interrupts_.signal() != 0) return kSignalBase + interrupts_.signal();
    if (status) status = job_.close();
    if (status) status = tell_evaluation();
    if (status) return kGood;
    cancel();
    return tl::unexpected(status.error());
  }

 private:
  void cancel() { session_.cancel(job_.job()); }

  Status take(size_t first, const std::vector<float>& answers) {
    const size_t width = model_.outputs();
    std::string lines;
    for (size_t row = 0; row < answers.size() / width; ++row) {
      const float* answer = answers.data() + row * width;
      judge(evaluation_, model_, data_, first + row, answer);
      if (!command_.summary) lines += line_of(first + row, answer);
    }
    return session_.console.print(lines);
  }

  std::string line_of(size_t row, const float* answer) const {
    if (session_.common.json) return answer_json(model_, data_, row, answer).dump() + "\n";
    if (model_.labels.empty()) return fmt::format("{}\n", answer[0]);
    const size_t chosen = learn::greatest(answer, model_.outputs());
    return fmt::format("{}\t{:.4f}\n", without_controls(model_.class_names[chosen]), answer[chosen]);
  }

  // Among the answers it would be no answer: those who asked for a summary get it on standard output.
  Status tell_evaluation() {
    if (evaluation_.rows == 0) return {};
    const bool as_json = session_.common.json && command_.summary;
    const std::string text = as_json ? evaluation_json(evaluation_, model_.class_names).dump() + "\n"
                                     : evaluation_text(evaluation_, model_.class_names);
    if (command_.summary) return session_.console.print(text);
    session_.console.print_error_stream(text);
    return {};
  }

  const Session& session_;
  const InferCommand& command_;
  const learn::Model& model_;
  const learn::Dataset& data_;
  learn::Evaluation evaluation_;
  KernelJob job_;
  Interrupts interrupts_;  // last: its thread uses all of the above
};

}  // namespace

Result<int> infer(const Session& session, const InferCommand& given) {
  const auto bytes = read_learn_file(given.model);
  if (!bytes) return tl::unexpected(bytes.error());
  const auto model = load_model(given.model, *bytes);
  if (!model) return tl::unexpected(model.error());
  const auto data = load_input(*model, given);
  if (!data) return tl::unexpected(data.error());
  if (given.summary && data->classes.empty() && data->numbers.empty()) {
    return fail(given.input + ": its rows have no labels, so there is no summary");
  }
  Api api = session.connect();
  const auto slots = count_slots(api, given.task);
  if (!slots) return tl::unexpected(slots.error());
  InferCommand command = given;
  if (command.task.name.empty()) command.task.name = "infer";
  return Infer(session, command, *model, *data).run(*bytes, *slots);
}

}  // namespace bramble::cli
