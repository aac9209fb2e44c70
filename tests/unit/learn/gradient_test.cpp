// Every gradient against finite differences, in double.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "common/base/random.hpp"
#include "common/learn/loss.hpp"
#include "common/learn/network.hpp"
#include "support/learn_samples.hpp"

namespace bramble::learn {
namespace {

struct Net {
  std::string name;
  Shape input;
  std::vector<std::string> layers;
  size_t outputs;
  Loss loss;
};

void PrintTo(const Net& net, std::ostream* out) { *out << net.name; }

class LearnGradient : public testing::TestWithParam<Net> {};

constexpr size_t kRows = 5;

struct Question {
  std::vector<double> parameters, in, targets;
};

Question question_for(const Net& net, const Topology& topology) {
  Random random(11);
  Question question;
  for (const float value : initial_parameters(topology, 5)) question.parameters.push_back(value);
  for (double& value : question.parameters) value += 0.2 * (random.unit() - 0.5);  // biases, too, are not 0
  for (size_t i = 0; i < kRows * net.input.size(); ++i) question.in.push_back(2 * random.unit() - 1);
  for (size_t i = 0; i < kRows; ++i) {
    const size_t wanted = random.below(net.outputs);
    for (size_t j = 0; j < net.outputs; ++j) question.targets.push_back(j == wanted ? 1 : 0);
  }
  return question;
}

// The mean loss of the rows; adds to gradient where there is one.
double mean_loss(const Net& net, Network<double>& network, const Question& question, double* gradient) {
  const auto& out = network.forward(question.parameters.data(), question.in.data(), kRows);
  std::vector<double> slopes(out.size(), 0.0);
  double sum = 0;
  for (size_t i = 0; i < kRows; ++i) {
    const size_t at = i * net.outputs;
    sum +=
        row_loss(net.loss, out.data() + at, question.targets.data() + at, net.outputs, 1.0 / kRows, slopes.data() + at);
  }
  if (gradient != nullptr) network.backward(question.parameters.data(), slopes, gradient);
  return sum / kRows;
}

TEST_P(LearnGradient, IsTheSlopeOfTheLoss) {
  const Net& net = GetParam();
  const auto topology = fit_layers(net.input, layers_of(net.layers), net.outputs);
  ASSERT_TRUE(topology) << topology.error().message;
  Network<double> network(*topology);
  Question question = question_for(net, *topology);
  std::vector<double> gradient(topology->parameters, 0.0);
  mean_loss(net, network, question, gradient.data());
  ASSERT_FALSE(gradient.empty());
  double largest = 0;
  for (size_t i = 0; i < gradient.size(); ++i) {
    constexpr double kStep = 1e-5;
    const double before = question.parameters[i];
    question.parameters[i] = before + kStep;
    const double above = mean_loss(net, network, question, nullptr);
    question.parameters[i] = before - kStep;
    const double below = mean_loss(net, network, question, nullptr);
    question.parameters[i] = before;
    const double slope = (above - below) / (2 * kStep);
    EXPECT_NEAR(gradient[i], slope, 1e-8 + 1e-6 * std::fabs(slope)) << "parameter " << i;
    largest = std::max(largest, std::fabs(slope));
  }
  EXPECT_GT(largest, 1e-3);  // zeros everywhere would agree, too
}

constexpr Shape kFour{1, 1, 4}, kSmall{6, 5, 2};

const Net kNets[] = {
    {"dense_cross_entropy", kFour, {"dense 3"}, 3, Loss::cross_entropy},
    {"dense_mean_squared", kFour, {"dense 3"}, 3, Loss::mean_squared},
    {"one_number", kFour, {"dense 1"}, 1, Loss::mean_squared},
    {"sigmoid_at_the_end", kFour, {"dense 2", "sigmoid"}, 2, Loss::mean_squared},
    {"relu", kFour, {"dense 7", "relu", "dense 3"}, 3, Loss::cross_entropy},
    {"tanh", kFour, {"dense 7", "tanh", "dense 3"}, 3, Loss::cross_entropy},
    {"sigmoid", kFour, {"dense 7", "sigmoid", "dense 3"}, 3, Loss::cross_entropy},
    {"activation_first", kFour, {"tanh", "dense 3"}, 3, Loss::cross_entropy},
    {"deep", kFour, {"dense 9", "tanh", "dense 8", "sigmoid", "dense 7", "relu", "dense 2"}, 2, Loss::mean_squared},
    {"conv2d", kSmall, {"conv2d 3 3x2", "flatten", "dense 3"}, 3, Loss::cross_entropy},
    {"conv2d_padded_strided", kSmall, {"conv2d 3 3x3 stride 2 pad 1", "flatten", "dense 3"}, 3, Loss::cross_entropy},
    {"conv2d_on_conv2d",
     kSmall,
     {"conv2d 3 3x3 pad 1", "tanh", "conv2d 2 2x2 stride 2 pad 1", "flatten", "dense 2"},
     2,
     Loss::mean_squared},
    {"max_pool", kSmall, {"conv2d 3 2x2", "max_pool 2x2", "flatten", "dense 3"}, 3, Loss::cross_entropy},
    {"max_pool_overlapping",
     kSmall,
     {"conv2d 3 2x2", "max_pool 3x2 stride 1", "flatten", "dense 3"},
     3,
     Loss::cross_entropy},
    {"avg_pool", kSmall, {"conv2d 3 2x2", "avg_pool 2x2", "flatten", "dense 3"}, 3, Loss::cross_entropy},
    {"avg_pool_overlapping",
     kSmall,
     {"conv2d 3 2x2", "avg_pool 2x3 stride 1", "flatten", "dense 3"},
     3,
     Loss::mean_squared},
    {"pool_first", kSmall, {"max_pool 2x2", "flatten", "dense 3"}, 3, Loss::cross_entropy},
    {"all_together",
     kSmall,
     {"conv2d 4 3x3 pad 1", "relu", "max_pool 2x2", "conv2d 3 2x2", "tanh", "avg_pool 1x1", "flatten", "dense 6",
      "sigmoid", "dense 3"},
     3,
     Loss::cross_entropy},
};

INSTANTIATE_TEST_SUITE_P(All, LearnGradient, testing::ValuesIn(kNets),
                         [](const auto& instance) { return instance.param.name; });

// (2/N) (p - y) p (1 - p) x, and softmax with cross-entropy (p - y) x: by hand, on one row.
TEST(LearnLoss, HasTheSlopesOfTheFormulas) {
  const auto topology = fit_layers({1, 1, 1}, layers_of({"dense 1", "sigmoid"}), 1);
  Network<double> network(*topology);
  const std::vector<double> parameters = {0.5, 0.1}, in = {2};
  const double p = network.forward(parameters.data(), in.data(), 1)[0], y = 1;
  double slope = 0;
  EXPECT_DOUBLE_EQ(row_loss(Loss::mean_squared, &p, &y, 1, 1, &slope), (p - y) * (p - y));
  std::vector<double> gradient(2, 0.0);
  network.backward(parameters.data(), {slope}, gradient.data());
  EXPECT_DOUBLE_EQ(gradient[0], 2 * (p - y) * p * (1 - p) * 2);
  EXPECT_DOUBLE_EQ(gradient[1], 2 * (p - y) * p * (1 - p));

  const double outputs[] = {1, 1}, targets[] = {1, 0};
  double slopes[] = {0, 0};
  EXPECT_NEAR(row_loss(Loss::cross_entropy, outputs, targets, 2, 1, slopes), std::log(2.0), 1e-15);
  EXPECT_DOUBLE_EQ(slopes[0], -0.5);
  EXPECT_DOUBLE_EQ(slopes[1], 0.5);
}

TEST(LearnLoss, OfHugeOutputsIsFinite) {
  const float outputs[] = {30000, -30000, 0}, targets[] = {0, 1, 0};
  float slopes[] = {0, 0, 0};
  EXPECT_DOUBLE_EQ(row_loss(Loss::cross_entropy, outputs, targets, 3, 1, slopes), 60000);
  EXPECT_FLOAT_EQ(slopes[0], 1);
  EXPECT_FLOAT_EQ(slopes[1], -1);
}

}  // namespace
}  // namespace bramble::learn
