#include "aggregator/cli/train_spec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bramble::cli {
namespace {

using testing::HasSubstr;

const std::string kLeast = "[data]\nfile = 'iris.csv'\n[model]\nlayers = ['dense 3']\n";

std::string refusal(const std::string& text) {
  const auto spec = parse_train_spec(text, "iris.toml");
  return spec ? "it was taken" : spec.error().message;
}

TEST(TrainSpec, NeedsDataAndLayersAlone) {
  const auto spec = parse_train_spec(kLeast, "/srv/iris.toml");
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->plan.data.file, "/srv/iris.csv") << "files lie beside the spec";
  EXPECT_EQ(spec->plan.data.target, learn::Target::classes);
  EXPECT_EQ(spec->plan.shards, 4U);
  EXPECT_EQ(spec->settings, learn::TrainerSettings());
}

TEST(TrainSpec, TakesAllThatThereIs) {
  const auto spec = parse_train_spec(
      "[data]\nimages = 'i'\nlabels = '/l'\nclasses = ['a', 'b']\nshape = '8x8'\nnormalise = 'whole'\n"
      "validation = 0.1\n"
      "[model]\nlayers = ['flatten', 'dense 2']\nloss = 'mean-squared-error'\n"
      "[training]\noptimizer = 'sgd'\nrate = 0.5\nmomentum = 0.8\nbeta1 = 0.7\nbeta2 = 0.99\nepsilon = 1e-6\n"
      "epochs = 7\npatience = 3\nbatch = 64\nshards = 8\nseed = 5\n",
      "s.toml");
  ASSERT_TRUE(spec) << spec.error().message;
  const learn::DataSource& source = spec->plan.data;
  EXPECT_EQ(source.format, learn::Format::idx);
  EXPECT_EQ(source.file, "i");
  EXPECT_EQ(source.labels_file, "/l");
  EXPECT_EQ(source.class_names, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(source.shape, (learn::Shape{8, 8, 1}));
  EXPECT_EQ(spec->plan.normalise, learn::Normalise::whole);
  EXPECT_EQ(spec->plan.validation, 0.1);
  EXPECT_EQ(spec->plan.loss, learn::Loss::mean_squared);
  EXPECT_EQ(spec->plan.layers.size(), 2U);
  EXPECT_EQ(spec->plan.batch, 64U);
  EXPECT_EQ(spec->plan.shards, 8U);
  EXPECT_EQ(spec->plan.seed, 5U);
  EXPECT_EQ(spec->settings, (learn::TrainerSettings{{learn::Method::sgd, 0.5, 0.8, 0.7, 0.99, 1e-6}, 7, 3}));
}

TEST(TrainSpec, FindsTheLabelByNameOrNumberOrEstimatesATarget) {
  const auto named =
      parse_train_spec("[data]\nfile='f'\nheader=true\nlabel='kind'\n[model]\nlayers=['dense 2']\n", "s");
  EXPECT_EQ(named->plan.data.target_name, "kind");
  const auto numbered = parse_train_spec("[data]\nfile='f'\nlabel=3\n[model]\nlayers=['dense 2']\n", "s");
  EXPECT_EQ(numbered->plan.data.target_column, 3U);
  const auto target = parse_train_spec("[data]\nfile='f'\ntarget=2\n[model]\nlayers=['dense 1']\n", "s");
  EXPECT_EQ(target->plan.data.target, learn::Target::number);
  EXPECT_EQ(target->plan.data.target_column, 2U);
}

TEST(TrainSpec, NamesTheLineOfWhatIsWrong) {
  EXPECT_EQ(refusal(kLeast + "[training]\nepoch = 3\n"), "iris.toml:6: unknown key 'epoch'; did you mean 'epochs'?");
  EXPECT_EQ(refusal(kLeast + "[trainng]\n"), "iris.toml:5: unknown key 'trainng'; did you mean 'training'?");
  EXPECT_EQ(refusal(kLeast + "[training]\nepochs = 0\n"),
            "iris.toml:6: epochs must be a whole number from 1 to 1000000");
  EXPECT_THAT(refusal(kLeast + "[training]\noptimizer = 'adan'\n"), HasSubstr("iris.toml:6: unknown optimizer 'adan'"));
  EXPECT_THAT(refusal(kLeast + "loss = 'squared'\n"), HasSubstr("iris.toml:5: unknown loss 'squared'"));
  EXPECT_THAT(refusal("[data]\nfile='f'\n\nnormalise='row'\n[model]\nlayers=['dense 3']\n"),
              HasSubstr("iris.toml:4: unknown normalise 'row'"));
  EXPECT_THAT(refusal(kLeast + "[training]\nrate = -1\n"),
              HasSubstr("iris.toml:6: rate must be a number from 1e-09 to 1000"));
  EXPECT_EQ(refusal(kLeast + "[training]\nrate = 0\n"), "iris.toml:6: rate must be a number from 1e-09 to 1000");
  EXPECT_EQ(refusal(kLeast + "[training]\n\nepsilon = 2\n"), "iris.toml:7: epsilon must be a number from 1e-12 to 1");
  EXPECT_THAT(refusal("[data]\nfile='f'\n[model]\nlayers=['relu',\n'dens 3']\n"),
              HasSubstr("iris.toml:5: layer 2: unknown layer 'dens'; did you mean 'dense'?"));
  EXPECT_THAT(refusal("[data]\nfile='f'\n[model]\n"), HasSubstr("[model] needs layers"));
  EXPECT_THAT(refusal("[data]\nfile='f'\nimages='i'\n[model]\nlayers=['dense 3']\n"), HasSubstr("[data] needs file"));
  EXPECT_THAT(refusal("[data]\nimages='i'\n[model]\nlayers=['dense 3']\n"), HasSubstr("go together"));
  EXPECT_THAT(refusal("[data]\nfile='f'\nlabel=1\ntarget=2\n[model]\nlayers=['dense 3']\n"),
              HasSubstr("iris.toml:4: label and target exclude each other"));
  EXPECT_THAT(refusal("[data]\nfile='f'\nlabel=0\n[model]\nlayers=['dense 3']\n"),
              HasSubstr("iris.toml:3: label must be a name in quotes, or a whole number from 1"));
  EXPECT_THAT(refusal("[data]\nfile='f'\nshape='8'\n[model]\nlayers=['dense 3']\n"),
              HasSubstr("iris.toml:3: '8' is no shape"));
  EXPECT_THAT(refusal("[data]\nfile='f'\n"), HasSubstr("there is no [model]"));
  EXPECT_THAT(refusal(""), HasSubstr("there is no [data]"));
  EXPECT_THAT(refusal("[data"), HasSubstr("iris.toml:1: "));
  EXPECT_THAT(read_train_spec("/nowhere/x.toml").error().message, HasSubstr("/nowhere/x.toml"));
}

}  // namespace
}  // namespace bramble::cli
