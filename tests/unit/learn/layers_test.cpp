#include "common/learn/layers.hpp"

#include <gtest/gtest.h>

#include <set>

#include "common/learn/network.hpp"
#include "support/learn_samples.hpp"

namespace bramble::learn {
namespace {

std::string wrong(Shape input, const std::vector<std::string>& layers, size_t outputs) {
  const auto topology = fit_layers(input, layers_of(layers), outputs);
  return topology ? "they fit" : topology.error().message;
}

TEST(LearnLayers, AreReadAndWrittenInWords) {
  for (const char* words : {"dense 64", "conv2d 8 3x3", "conv2d 8 3x5 stride 2 pad 1", "max_pool 2x2",
                            "avg_pool 3x3 stride 2", "relu", "tanh", "sigmoid", "flatten"}) {
    const auto layer = parse_layer(words);
    ASSERT_TRUE(layer) << layer.error().message;
    EXPECT_EQ(format_layer(*layer), words);
  }
  EXPECT_EQ(format_layer(layer_of("  conv2d  8 3x3 stride 1 pad 0")), "conv2d 8 3x3");
}

TEST(LearnLayers, SayHowTheyAreWritten) {
  EXPECT_EQ(parse_layer("dens 64").error().message, "unknown layer 'dens'; did you mean 'dense'?");
  EXPECT_EQ(parse_layer("").error().message, "unknown layer ''");
  EXPECT_EQ(parse_layer("dense").error().message, "layer \"dense\": write \"dense SIZE\", such as \"dense 64\"");
  EXPECT_EQ(parse_layer("relu 3").error().message, "layer \"relu 3\": it takes no more words");
  for (const char* bad : {"dense 0", "dense -1", "dense 64 2", "dense 65537", "conv2d 8", "conv2d 8 3", "conv2d 8 0x3",
                          "conv2d 8 3x3x3", "conv2d 8 3x3 stride 0", "conv2d 8 3x3 pad", "conv2d 8 3x3 pad 3",
                          "max_pool", "max_pool 2x2 pad 1", "max_pool 2x2 2", "conv2d 3x3 8"}) {
    EXPECT_FALSE(parse_layer(bad)) << bad;
  }
}

TEST(LearnLayers, KnowTheShapesBetweenThem) {
  const auto topology = fit_layers({28, 28, 1},
                                   layers_of({"conv2d 8 3x3 pad 1", "relu", "max_pool 2x2", "conv2d 4 5x5 stride 2",
                                              "tanh", "avg_pool 2x2 stride 1", "flatten", "dense 10"}),
                                   10);
  ASSERT_TRUE(topology) << topology.error().message;
  const Shape expected[] = {{28, 28, 8}, {28, 28, 8}, {14, 14, 8}, {5, 5, 4},
                            {5, 5, 4},   {4, 4, 4},   {1, 1, 64},  {1, 1, 10}};
  for (size_t i = 0; i < 8; ++i) EXPECT_EQ(topology->layers[i].out, expected[i]) << i;
  EXPECT_EQ(topology->parameters, size_t{9 + 1} * 8 + (25 * 8 + 1) * 4 + (64 + 1) * 10);
}

TEST(LearnLayers, ThatDoNotFitAreNamed) {
  EXPECT_EQ(wrong({8, 8, 1}, {"conv2d 4 3x3", "dense 10"}, 10),
            "layer 2 (dense 10): it takes plain values, and gets a 6x6x4 image: put \"flatten\" before it");
  EXPECT_EQ(
      wrong({1, 1, 64}, {"relu", "conv2d 4 3x3"}, 10),
      "layer 2 (conv2d 4 3x3): it takes an image, and gets 64 values: say in the data's shape what image a row is, "
      "such as \"8x8\"");
  EXPECT_EQ(wrong({8, 8, 1}, {"max_pool 2x2", "max_pool 5x5"}, 10),
            "layer 2 (max_pool 5x5): its window is larger than what it gets, a 4x4 image");
  EXPECT_EQ(wrong({1, 1, 4}, {"dense 8", "relu"}, 3),
            "the last layer gives 8 values, and 3 values, one for each class, are wanted: end with \"dense 3\"");
  EXPECT_EQ(wrong({1, 1, 4}, {}, 3), "there are no layers: the least is \"dense 3\"");
}

TEST(LearnLayers, AreBounded) {
  EXPECT_EQ(wrong({1, 1, 4}, std::vector<std::string>(65, "relu"), 4), "there are more than 64 layers");
  EXPECT_NE(wrong({1, 1, 60000}, {"dense 1000"}, 3).find("more than 4000000 parameters"), std::string::npos);
  EXPECT_NE(wrong({900, 900, 1}, {"conv2d 65536 800x800"}, 3).find("layer 1 (conv2d"), std::string::npos);
  EXPECT_EQ(wrong({65536, 65536, 65536}, {"flatten"}, 3), "a row has more than 1000000 values");
}

// Their sizes are 0 or small modulo 2^32 or 2^64.
TEST(LearnLayers, AreBoundedWhereSizesOverflow) {
  const std::string parameters = "up to here the network has more than 4000000 parameters";
  EXPECT_EQ(wrong({65536, 65536, 1}, {"flatten"}, 3), "a row has more than 1000000 values");
  EXPECT_NE(wrong({1, 1, 65535}, {"dense 65536"}, 65536).find("layer 1 (dense 65536): " + parameters),
            std::string::npos);
  EXPECT_NE(wrong({1, 2, 65536}, {"conv2d 65536 65536x65536 stride 65536 pad 65535"}, 3).find(parameters),
            std::string::npos);
  EXPECT_NE(wrong({1, 2, 1}, {"conv2d 1 65536x65536 pad 65535"}, 3).find(parameters), std::string::npos);
  EXPECT_EQ((Shape{65536, 65536, 65536}.values()), uint64_t{1} << 48);
}

TEST(LearnShape, IsReadAndShown) {
  EXPECT_EQ(*parse_shape("28x28"), (Shape{28, 28, 1}));
  EXPECT_EQ(*parse_shape("32x16x3"), (Shape{32, 16, 3}));
  EXPECT_EQ(format_shape({32, 16, 3}), "32x16x3 image");
  EXPECT_EQ(format_shape({1, 1, 1}), "1 value");
  for (const char* bad : {"", "28", "0x8", "8x", "8x8x8x8", "8 x 8", "axb"}) EXPECT_FALSE(parse_shape(bad)) << bad;
}

TEST(LearnNetwork, BeginsFromTheSeedAlone) {
  const auto topology = *fit_layers({8, 8, 1}, layers_of({"conv2d 4 3x3", "relu", "flatten", "dense 10"}), 10);
  const auto parameters = initial_parameters(topology, 1);
  EXPECT_EQ(parameters, initial_parameters(topology, 1));
  EXPECT_NE(parameters, initial_parameters(topology, 2));
  EXPECT_GT(std::set<float>(parameters.begin(), parameters.end()).size(), parameters.size() - 20);
  const FittedLayer& last = topology.layers.back();
  for (size_t i = 0; i < 10; ++i) EXPECT_EQ(parameters[last.first_parameter + last.fan_in() * 10 + i], 0) << "bias";
}

}  // namespace
}  // namespace bramble::learn
