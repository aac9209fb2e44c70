#include "common/learn/training.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <limits>

#include "support/learn_samples.hpp"

namespace bramble::learn {
namespace {

std::string wrong(const Plan& plan, const Fetch& fetch) {
  const auto training = Training::prepare(plan, fetch);
  return training ? "it was taken" : training.error().message;
}

std::string from_text(const std::string& text, Plan plan = corner_plan()) {
  return wrong(plan, from({{"corners.csv", text}}));
}

TEST(LearnTraining, CutsABatchInShardsWhoseSumIsItsGradient) {
  Plan whole = corner_plan(), cut = corner_plan();
  whole.shards = 1;
  cut.shards = 5;
  auto one = Training::prepare(whole, corner_files()), many = Training::prepare(cut, corner_files());
  const auto parameters = one->initial();
  const auto expected = one->gradient(parameters, 0, 1, 0);
  ASSERT_TRUE(expected) << expected.error().message;
  std::vector<Gradient> shards;
  for (uint32_t shard = 0; shard < many->shards_of(1); ++shard)
    shards.push_back(*many->gradient(parameters, 0, 1, shard));
  ASSERT_EQ(shards.size(), 5U);
  EXPECT_EQ(shards[0].rows, 4U);  // 16 rows: 4, 3, 3, 3, 3
  EXPECT_EQ(shards[4].rows, 3U);
  const auto sum = combine(shards);
  for (size_t i = 0; i < sum.size(); ++i) EXPECT_NEAR(sum[i], expected->values[i], 1e-6);
}

TEST(LearnTraining, HasFewerShardsInABatchOfFewRows) {
  Plan plan = corner_plan();
  plan.batch = 71;  // of 72
  auto training = Training::prepare(plan, corner_files());
  EXPECT_EQ(training->steps(), 2U);
  EXPECT_EQ(training->shards_of(0), 4U);
  EXPECT_EQ(training->shards_of(1), 1U);
  const auto parameters = training->initial();
  EXPECT_EQ(training->gradient(parameters, 0, 1, 0)->rows, 1U);
  EXPECT_EQ(training->gradient(parameters, 0, 1, 1).error().message,
            "epoch 1, step 2, shard 2: there is no such shard");
  EXPECT_FALSE(training->gradient(parameters, 0, 2, 0));
}

TEST(LearnTraining, GradientDependsOnNothingThatWasComputedBefore) {
  auto busy = Training::prepare(corner_plan(), corner_files()),
       fresh = Training::prepare(corner_plan(), corner_files());
  const auto parameters = busy->initial();
  for (uint32_t epoch = 0; epoch < 3; ++epoch) ASSERT_TRUE(busy->gradient(parameters, epoch, 0, 0));
  ASSERT_TRUE(busy->evaluate(parameters, Part::validation, 0, 18));
  EXPECT_EQ(*busy->gradient(parameters, 1, 2, 3), *fresh->gradient(parameters, 1, 2, 3));
}

TEST(LearnTraining, EvaluatesPartsOfAPart) {
  auto training = Training::prepare(corner_plan(), corner_files());
  const auto parameters = training->initial();
  const auto all = training->evaluate(parameters, Part::training, 0, 72);
  ASSERT_TRUE(all) << all.error().message;
  Evaluation sum = *training->evaluate(parameters, Part::training, 0, 40);
  sum.add(*training->evaluate(parameters, Part::training, 40, 32));
  EXPECT_EQ(sum.rows, 72U);
  EXPECT_EQ(sum.confusion, all->confusion);
  EXPECT_NEAR(sum.loss_sum, all->loss_sum, 1e-9);
  for (size_t line = 0; line < 3; ++line) {
    EXPECT_EQ(sum.confusion[line * 3] + sum.confusion[line * 3 + 1] + sum.confusion[line * 3 + 2], 24U);
  }
  EXPECT_FALSE(training->evaluate(parameters, Part::training, 0, 73));
  EXPECT_FALSE(training->evaluate(parameters, Part::training, SIZE_MAX, 2));
}

TEST(LearnTraining, SaysWhereNumbersEndToBeNumbers) {
  auto training = Training::prepare(corner_plan(), corner_files());
  auto parameters = training->initial();
  parameters.back() = std::numeric_limits<float>::infinity();  // tanh would hide it
  EXPECT_EQ(training->gradient(parameters, 2, 1, 3).error().message,
            "epoch 3, step 2, shard 4: a parameter is no finite number any more; a lower rate may help");
  Plan plan = corner_plan();
  plan.layers = layers_of({"dense 8", "dense 3"});
  training = Training::prepare(plan, corner_files());
  parameters = std::vector<float>(training->topology().parameters, 1e38F);
  EXPECT_EQ(training->gradient(parameters, 2, 1, 3).error().message,
            "epoch 3, step 2, shard 4: the loss is no finite number any more; a lower rate may help");
  EXPECT_EQ(training->evaluate(parameters, Part::validation, 0, 18).error().message,
            "evaluation: the loss is no finite number any more; a lower rate may help");
  parameters.pop_back();
  EXPECT_EQ(training->gradient(parameters, 0, 0, 0).error().message,
            "epoch 1, step 1, shard 1: there are 50 parameters, and the network has 51");
}

TEST(LearnTraining, SeesNumbersThatAreNoneBehindReluAndPooling) {
  Plan plan = corner_plan();
  plan.data.shape = Shape{1, 2, 1};
  plan.layers = layers_of({"conv2d 2 1x1", "conv2d 2 1x1", "relu", "max_pool 1x2", "flatten", "dense 3"});
  auto training = Training::prepare(plan, corner_files());
  ASSERT_TRUE(training) << training.error().message;
  auto parameters = training->initial();
  const float signs[] = {1e30F, 1e30F, 0, 0, 1e30F, -1e30F, -1e30F, -1e30F, 0, 0};  // infinity less infinity
  std::copy(std::begin(signs), std::end(signs), parameters.begin());
  EXPECT_FALSE(training->gradient(parameters, 0, 0, 0));
}

TEST(LearnTraining, RefusesDataThatTeachesNothing) {
  EXPECT_EQ(from_text("1,2,a\n1,3,a\n"), "corners.csv: all 2 rows have the label 'a': there is nothing to tell apart");
  EXPECT_EQ(from_text("1,2,a\n1,2,b\n1,2,c\n1,2,a\n1,2,a\n1,2,a\n"),
            "corners.csv: all columns are constant in the training part: there is nothing to learn from");
  EXPECT_EQ(from_text("1,2,a\n1,3,b\n2,3,c\n"),
            "corners.csv: it has 3 rows: too few to set that share aside for validation");
}

TEST(LearnTraining, RefusesPlansThatDoNotFitTheirData) {
  Plan plan = corner_plan();
  plan.layers = layers_of({"dense 8", "tanh", "dense 4"});
  EXPECT_EQ(wrong(plan, corner_files()),
            "the last layer gives 4 values, and 3 values, one for each class, are wanted: end with \"dense 3\"");
  plan.data.target = Target::number;
  EXPECT_EQ(wrong(plan, corner_files()),
            "cross-entropy is for classes: numbers are learned with \"mean-squared-error\"");
}

TEST(LearnTraining, GoesOnWithAConstantColumn) {
  std::string text;
  for (int i = 0; i < 30; ++i) text += std::to_string(i % 3) + ",5," + "abc"[i % 3] + "\n";
  auto training = Training::prepare(corner_plan(), from({{"corners.csv", text}}));
  ASSERT_TRUE(training) << training.error().message;
  EXPECT_EQ(constant_columns(training->scaling()), std::vector<size_t>{1});
  EXPECT_TRUE(training->gradient(training->initial(), 0, 0, 0));
}

}  // namespace
}  // namespace bramble::learn
