#include <gtest/gtest.h>

#include "common/learn/calls.hpp"
#include "common/learn/model.hpp"
#include "common/learn/trainer.hpp"
#include "common/posix/files.hpp"
#include "kernel_process.hpp"
#include "support/learn_samples.hpp"
#include "support/temp_dir.hpp"

namespace bramble::learn {
namespace {

class MlpKernel : public testing::Test {
 public:
  void SetUp() override {
    lay("plan", encode_plan(corner_plan()));
    lay("corners.csv", three_corners(90));
    lay("params", encode_floats(here_.initial()));
  }

  void lay(const std::string& name, const std::string& text) {
    ASSERT_TRUE(posix::write_file_atomically(directory_ / name, text));
  }

  test::KernelProcess start() { return {BRAMBLE_MLP, directory_.path()}; }

  test::TempDir directory_;
  Training here_ = *Training::prepare(corner_plan(), corner_files());
};

TEST_F(MlpKernel, ComputesTheSameGradientsAsTheLibraryHere) {
  auto kernel = start();
  for (const GradientCall& call : {GradientCall{0, 0, 0, "params"}, {0, 4, 3, "params"}, {7, 2, 1, "params"}}) {
    const auto answer = kernel.ask(encode_call(call));
    ASSERT_TRUE(answer.good) << answer.text;
    const auto gradient = decode_gradient(answer.text, here_.topology().parameters);
    ASSERT_TRUE(gradient) << gradient.error().message;
    EXPECT_EQ(*gradient, *here_.gradient(here_.initial(), call.epoch, call.step, call.shard));
  }
  EXPECT_EQ(kernel.end(), 0);
}

// Two kernels, and a file of parameters for each step.
class Kernels : public Workers {
 public:
  explicit Kernels(MlpKernel& test) : test_(test), kernels_{test.start(), test.start()} {}

  Result<std::vector<Gradient>> gradients(const std::vector<float>& parameters, uint32_t epoch,
                                          uint32_t step) override {
    const std::string file = "params-" + std::to_string(epoch) + "." + std::to_string(step);
    test_.lay(file, encode_floats(parameters));
    std::vector<Gradient> gradients;
    for (uint32_t shard = 0; shard < test_.here_.shards_of(step); ++shard) {
      const auto answer = kernels_[shard % 2].ask(encode_call(GradientCall{epoch, step, shard, file}));
      if (!answer.good) return fail(answer.text);
      gradients.push_back(*decode_gradient(answer.text, parameters.size()));
    }
    return gradients;
  }
  Result<Evaluation> evaluate(const std::vector<float>& parameters, Part part) override {
    test_.lay("params-" + std::to_string(++evaluations_), encode_floats(parameters));
    const auto count = static_cast<uint32_t>(test_.here_.rows_of(part).size());
    const auto answer =
        kernels_[0].ask(encode_call(EvaluationCall{part, 0, count, "params-" + std::to_string(evaluations_)}));
    return answer.good ? decode_evaluation(answer.text, test_.here_.data().labels.size()) : fail(answer.text);
  }

 private:
  MlpKernel& test_;
  test::KernelProcess kernels_[2];
  int evaluations_ = 0;
};

TEST_F(MlpKernel, TrainsOverItsPipesToTheBitWhatTheLibraryTrainsHere) {
  Kernels kernels(*this);
  LocalWorkers local(here_);
  TrainerSettings settings;
  settings.epochs = 3;
  Trainer there(here_, settings, kernels), here(here_, settings, local);
  while (!there.done()) {
    const auto one = there.next_epoch(), other = here.next_epoch();
    ASSERT_TRUE(one) << one.error().message;
    EXPECT_EQ(one->validation, other->validation);
  }
  EXPECT_EQ(there.state(), here.state());
}

TEST_F(MlpKernel, AnswersRowsWithAModel) {
  const Model model = *make_model(here_, here_.initial());
  lay("model", encode_model(model));
  auto kernel = start();
  const std::vector<float> rows = {0.5F, 0.5F, 4.5F, 0.25F};
  const auto answer = kernel.ask(encode_call(AnswerCall{rows}));
  ASSERT_TRUE(answer.good) << answer.text;
  EXPECT_EQ(*decode_floats(answer.text), *Inference::of(model)->answer(rows));
}

TEST_F(MlpKernel, SaysWhatIsWrongAndGoesOn) {
  auto kernel = start();
  const auto refused = [&kernel](const std::string& call) {
    const auto answer = kernel.ask(call);
    EXPECT_FALSE(answer.good);
    return answer.text;
  };
  EXPECT_EQ(refused("nonsense"), "a call of learning: it is cut off, or makes no sense");
  EXPECT_EQ(refused(""), "a call of learning: it is cut off, or makes no sense");
  EXPECT_EQ(refused(encode_call(GradientCall{0, 0, 99, "params"})),
            "epoch 1, step 1, shard 100: there is no such shard");
  EXPECT_NE(refused(encode_call(GradientCall{0, 0, 0, "absent"})).find("absent"), std::string::npos);
  EXPECT_EQ(refused(encode_call(GradientCall{0, 0, 0, "../params"})),
            "a call of learning: it is cut off, or makes no sense");
  EXPECT_NE(refused(encode_call(AnswerCall{{1, 2}})).find("model"), std::string::npos);
  auto runaway = here_.initial();
  runaway[0] = std::numeric_limits<float>::infinity();
  lay("params-2", encode_floats(runaway));
  EXPECT_EQ(refused(encode_call(GradientCall{1, 2, 3, "params-2"})),
            "epoch 2, step 3, shard 4: a parameter is no finite number any more; a lower rate may help");
  EXPECT_TRUE(kernel.ask(encode_call(GradientCall{0, 0, 0, "params"})).good);
  EXPECT_EQ(kernel.end(), 0);
}

TEST_F(MlpKernel, NamesTheLineOfDamagedData) {
  lay("corners.csv", "1,2,a\n1,b\n");
  EXPECT_EQ(start().ask(encode_call(GradientCall{0, 0, 0, "params"})).text,
            "corners.csv:2:3: a field is missing: the line has 2, and the first one has 3");
}

}  // namespace
}  // namespace bramble::learn
