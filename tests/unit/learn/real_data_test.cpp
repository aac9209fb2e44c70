// Fisher's flowers and handwritten digits (tests/fixtures/data): what users would try first.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "common/learn/model.hpp"
#include "common/learn/trainer.hpp"
#include "support/learn_samples.hpp"
#include "support/places.hpp"

namespace bramble::learn {
namespace {

Result<std::string> fixture(const std::string& name) {
  std::ifstream file(std::string(test::kSourceDir) + "/tests/fixtures/data/" + name);
  if (!file) return fail(ErrorCode::not_found, name);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Plan iris_plan() {
  Plan plan;
  plan.data.file = "iris.csv";
  plan.data.header = true;
  plan.data.class_names = {"setosa", "versicolor", "virginica"};
  plan.layers = layers_of({"dense 16", "tanh", "dense 3"});
  plan.batch = 16;
  plan.validation = 0.33;  // of 30 rows each one would be three per cent
  return plan;
}

Plan digits_plan(const std::vector<std::string>& layers) {
  Plan plan;
  plan.data.file = "digits.csv";
  plan.data.shape = Shape{8, 8, 1};
  plan.normalise = Normalise::whole;
  plan.layers = layers_of(layers);
  return plan;
}

// On the rows that were set aside: the mean over that many seeds. It is taken after the last epoch, so no epoch was
// chosen by these rows. That is said of epochs alone: no rows were kept apart for the choice of layers, rates and how
// many epochs there are.
double held_out_accuracy(Plan plan, const TrainerSettings& settings, uint64_t seeds) {
  double sum = 0;
  for (plan.seed = 1; plan.seed <= seeds; ++plan.seed) {
    auto training = Training::prepare(plan, fixture);
    if (!training) {
      ADD_FAILURE() << training.error().message;
      return 0;
    }
    LocalWorkers workers(*training);
    Trainer trainer(*training, settings, workers);
    while (!trainer.done()) {
      const auto report = trainer.next_epoch();
      if (report) continue;
      ADD_FAILURE() << report.error().message;
      return 0;
    }
    sum += workers.evaluate(trainer.state().parameters, Part::validation)->accuracy();
  }
  return sum / static_cast<double>(seeds);
}

TEST(LearnRealData, TellsIrisesApart) {
  TrainerSettings settings;
  settings.epochs = 80;
  settings.optimiser.rate = 0.01;
  EXPECT_GE(held_out_accuracy(iris_plan(), settings, 20), 0.96);
}

TEST(LearnRealData, ReadsDigitsWithDenseLayers) {
  TrainerSettings settings;
  settings.epochs = 30;
  settings.optimiser.rate = 0.003;
  EXPECT_GE(held_out_accuracy(digits_plan({"flatten", "dense 64", "relu", "dense 10"}), settings, 3), 0.97);
}

TEST(LearnRealData, ReadsDigitsWithAConvolution) {
  TrainerSettings settings;
  settings.epochs = 10;
  settings.optimiser.rate = 0.003;
  const Plan plan =
      digits_plan({"conv2d 16 3x3 pad 1", "relu", "max_pool 2x2", "flatten", "dense 32", "relu", "dense 10"});
  EXPECT_GE(held_out_accuracy(plan, settings, 1), 0.97);
}

}  // namespace
}  // namespace bramble::learn
