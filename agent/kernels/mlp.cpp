// Gradients, evaluations and answers of neural networks: common/learn/calls.hpp says what a call and its result hold.
// What it computes with lies in its working directory: `plan` and the data that it names, or `model`; and a file of
// parameters for each step. It reads each once, at the first call that needs it.
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "agent/kernels/kernel.hpp"
#include "common/learn/calls.hpp"
#include "common/learn/model.hpp"
#include "common/learn/training.hpp"
#include "common/posix/files.hpp"

namespace {

using namespace bramble;
using namespace bramble::learn;

constexpr size_t kMaxPlanBytes = size_t{16} << 20;
constexpr size_t kMaxModelBytes = size_t{64} << 20;
constexpr size_t kMaxDataBytes = size_t{1} << 30;

// A call that cannot be answered fails alone, with the sentence.
template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

std::string must_read(const std::string& name, size_t most) { return must(posix::read_file(name, most)); }

Result<std::string> read_data(const std::string& name) {
  if (name.find('/') != std::string::npos) return fail(name + ": data lies in the kernel's own directory");
  return posix::read_file(name, kMaxDataBytes);
}

class Learner {
 public:
  std::string answer(std::string_view input) {
    const LearnCall call = must(decode_call(input));
    return std::visit([this](const auto& each) { return reply_to(each); }, call);
  }

 private:
  std::string reply_to(const GradientCall& call) {
    const auto& parameters = parameters_in(call.parameters);
    return encode_gradient(must(training().gradient(parameters, call.epoch, call.step, call.shard)));
  }

  std::string reply_to(const EvaluationCall& call) {
    const auto& parameters = parameters_in(call.parameters);
    return encode_evaluation(must(training().evaluate(parameters, call.part, call.first, call.count)));
  }

  std::string reply_to(const AnswerCall& call) {
    if (!inference_) inference_ = must(Inference::of(must(decode_model(must_read(kModelFile, kMaxModelBytes)))));
    return encode_floats(must(inference_->answer(call.rows)));
  }

  Training& training() {
    if (!training_)
      training_ = must(Training::prepare(must(decode_plan(must_read(kPlanFile, kMaxPlanBytes))), read_data));
    return *training_;
  }

  const std::vector<float>& parameters_in(const std::string& file) {
    if (file != parameters_file_) {
      parameters_ = must(decode_floats(must_read(file, kernel::kMaxCallBytes + sizeof(uint32_t))));
      parameters_file_ = file;
    }
    return parameters_;
  }

  std::optional<Training> training_;
  std::optional<Inference> inference_;
  std::string parameters_file_;
  std::vector<float> parameters_;
};

}  // namespace

int main() {
  Learner learner;
  return kernel::serve([&learner](std::string_view input) { return learner.answer(input); });
}
