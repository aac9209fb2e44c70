#include "common/learn/model.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "support/learn_samples.hpp"

namespace bramble::learn {
namespace {

Model corner_model() {
  const auto training = Training::prepare(corner_plan(), corner_files());
  return *make_model(*training, training->initial());
}

std::string wrong(const Model& model) {
  const auto again = decode_model(encode_model(model));
  return again ? "it was taken" : again.error().message;
}

TEST(LearnModel, IsRefusedWithNamesOfClassesThatAreNoUtf8) {
  const auto training = Training::prepare(corner_plan(), corner_files());
  Model model = *make_model(*training, training->initial());
  model.class_names[0] = "\xfc";
  EXPECT_EQ(decode_model(encode_model(model)).error().message, "the model: its classes have names that are not UTF-8");
}

TEST(LearnModel, ComesBackAsItWas) {
  const Model model = corner_model();
  const auto again = decode_model(encode_model(model));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, model);
  EXPECT_EQ(again->labels, (std::vector<std::string>{"a", "b", "c"}));
}

TEST(LearnModel, RefusesEveryDamage) {
  const std::string good = encode_model(corner_model());
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x40);
    ASSERT_FALSE(decode_model(bad)) << "byte " << i;
    ASSERT_FALSE(decode_model(good.substr(0, i))) << "cut at " << i;
  }
  EXPECT_EQ(decode_model("P1 3 3").error().message, "the model: this is no such file: it begins otherwise");
}

TEST(LearnModel, RefusesPartsThatDoNotFit) {
  Model model = corner_model();
  model.parameters.pop_back();
  EXPECT_EQ(wrong(model), "the model: its parts do not fit each other");
  model = corner_model();
  model.class_names.pop_back();
  EXPECT_EQ(wrong(model), "the model: its parts do not fit each other");
  model = corner_model();
  model.parameters[3] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(wrong(model), "the model: it holds what is no finite number");
  model = corner_model();
  model.layers.pop_back();
  EXPECT_EQ(wrong(model),
            "the model: the last layer gives 8 values, and 3 values, one for each class, are wanted: end "
            "with \"dense 3\"");
}

TEST(LearnModel, IsNotMadeOfParametersThatNobodyCouldUse) {
  const auto training = Training::prepare(corner_plan(), corner_files());
  std::vector<float> parameters = training->initial();
  parameters.back() = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(make_model(*training, parameters).error().message, "the model: it holds what is no finite number");
  parameters.pop_back();
  EXPECT_EQ(make_model(*training, parameters).error().message, "the model: its parts do not fit each other");
}

TEST(LearnInference, AnswersEachRowWithProbabilitiesThatDependOnItAlone) {
  auto inference = Inference::of(corner_model());
  ASSERT_TRUE(inference) << inference.error().message;
  std::vector<float> rows;
  for (int i = 0; i < 200; ++i) rows.push_back(static_cast<float>(i % 11) / 3);
  const auto together = inference->answer(rows);
  ASSERT_TRUE(together) << together.error().message;
  ASSERT_EQ(together->size(), 300U);
  for (size_t row = 0; row < 100; ++row) {
    const auto alone = inference->answer({rows[row * 2], rows[row * 2 + 1]});
    float sum = 0;
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_EQ((*alone)[i], (*together)[row * 3 + i]);
      sum += (*alone)[i];
    }
    EXPECT_NEAR(sum, 1, 1e-6);
  }
}

TEST(LearnInference, WantsWholeRows) {
  auto inference = Inference::of(corner_model());
  EXPECT_EQ(inference->answer({1, 2, 3}).error().message, "rows of 2 values are wanted, and 3 values came");
  EXPECT_FALSE(inference->answer({}));
}

}  // namespace
}  // namespace bramble::learn
