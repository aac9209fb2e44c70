#include "common/learn/trainer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "common/learn/bytes.hpp"
#include "support/learn_samples.hpp"

namespace bramble::learn {
namespace {

// So many nodes, each with data of its own; shards go to them in turn, and the last answers first.
class ManyNodes : public Workers {
 public:
  ManyNodes(const Plan& plan, const Fetch& fetch, size_t nodes) {
    for (size_t i = 0; i < nodes; ++i) nodes_.push_back(*Training::prepare(plan, fetch));
  }

  Result<std::vector<Gradient>> gradients(const std::vector<float>& parameters, uint32_t epoch,
                                          uint32_t step) override {
    std::vector<Gradient> gradients(nodes_.front().shards_of(step));
    for (uint32_t shard = static_cast<uint32_t>(gradients.size()); shard-- > 0;) {
      if (lost_shard_ == shard) ++lost_, nodes_.erase(nodes_.begin()), lost_shard_ = UINT32_MAX;
      auto gradient = nodes_[(shard + step) % nodes_.size()].gradient(parameters, epoch, step, shard);
      if (!gradient) return tl::unexpected<Error>(gradient.error());
      gradients[shard] = std::move(*gradient);
    }
    return gradients;
  }

  Result<Evaluation> evaluate(const std::vector<float>& parameters, Part part) override {
    return LocalWorkers(nodes_.back()).evaluate(parameters, part);
  }

  void lose_one_at(uint32_t shard) { lost_shard_ = shard; }
  size_t lost() const { return lost_; }

 private:
  std::vector<Training> nodes_;
  uint32_t lost_shard_ = UINT32_MAX;
  size_t lost_ = 0;
};

TrainerSettings short_settings(uint32_t epochs = 3) {
  TrainerSettings settings;
  settings.epochs = epochs;
  settings.optimiser.rate = 0.01;
  return settings;
}

std::vector<float> train_to_end(Trainer& trainer) {
  while (!trainer.done()) {
    const auto report = trainer.next_epoch();
    EXPECT_TRUE(report) << report.error().message;
    if (!report) break;
  }
  return trainer.state().parameters;
}

TEST(LearnTrainer, IsTheSameToTheBitOnOneTwoAndFourNodes) {
  const auto training = Training::prepare(corner_plan(), corner_files());
  std::vector<float> expected;
  for (const size_t nodes : {1U, 2U, 4U, 3U}) {
    ManyNodes workers(corner_plan(), corner_files(), nodes);
    Trainer trainer(*training, short_settings(), workers);
    const auto parameters = train_to_end(trainer);
    if (expected.empty()) expected = parameters;
    EXPECT_EQ(parameters, expected) << nodes << " nodes";
  }
  EXPECT_NE(expected, training->initial());
}

// Learned once, in a debug build for amd64: an optimised one, one with sanitizers and an ARM must come to the same.
TEST(LearnTrainer, IsTheSameToTheBitInEveryBuildAndOnEveryMachine) {
  Plan plan = corner_plan();
  plan.data.shape = Shape{1, 2, 1};
  plan.layers =
      layers_of({"conv2d 5 1x1", "sigmoid", "avg_pool 1x2 stride 1", "flatten", "dense 9", "tanh", "dense 3"});
  auto training = Training::prepare(plan, corner_files());
  ASSERT_TRUE(training) << training.error().message;
  LocalWorkers workers(*training);
  Trainer trainer(*training, short_settings(5), workers);
  const auto parameters = train_to_end(trainer);
  const std::string bytes(reinterpret_cast<const char*>(parameters.data()), parameters.size() * sizeof(float));
  EXPECT_EQ(crc32(bytes), 191174134U);
}

TEST(LearnTrainer, IsTheSameToTheBitWhenANodeIsLostInTheMiddle) {
  auto training = Training::prepare(corner_plan(), corner_files());
  LocalWorkers local(*training);
  Trainer undisturbed(*training, short_settings(), local);
  ManyNodes workers(corner_plan(), corner_files(), 3);
  Trainer trainer(*training, short_settings(), workers);
  ASSERT_TRUE(trainer.next_epoch());
  workers.lose_one_at(2);
  EXPECT_EQ(train_to_end(trainer), train_to_end(undisturbed));
  EXPECT_EQ(workers.lost(), 1U);
}

TEST(LearnTrainer, GoesOnFromACheckpointAsIfNeverInterrupted) {
  auto training = Training::prepare(corner_plan(), corner_files());
  for (const Method method : {Method::sgd, Method::adam}) {
    TrainerSettings settings = short_settings(6);
    settings.optimiser.method = method;
    LocalWorkers workers(*training);
    Trainer whole(*training, settings, workers), first(*training, settings, workers),
        second(*training, settings, workers);
    train_to_end(whole);
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(first.next_epoch());
    const auto status = second.resume(first.checkpoint("data"), "data");
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_EQ(second.state().epochs_done, 2U);
    train_to_end(second);
    EXPECT_EQ(second.state(), whole.state());
  }
}

TEST(LearnTrainer, RefusesACheckpointOfAnotherTrainingOrADamagedOne) {
  auto training = Training::prepare(corner_plan(), corner_files());
  LocalWorkers workers(*training);
  Trainer trainer(*training, short_settings(), workers);
  ASSERT_TRUE(trainer.next_epoch());
  const std::string good = trainer.checkpoint("data");
  const std::string another =
      "the checkpoint is of another training: data, layers, seed or optimizer differ; remove it to start anew";
  EXPECT_EQ(trainer.resume(good, "other data").error().message, another);
  TrainerSettings faster = short_settings();
  faster.optimiser.rate = 0.02;
  EXPECT_EQ(Trainer(*training, faster, workers).resume(good, "data").error().message, another);
  EXPECT_TRUE(Trainer(*training, short_settings(99), workers).resume(good, "data"))
      << "more epochs are the same training";
  std::string bad = good;
  bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 1);
  EXPECT_EQ(trainer.resume(bad, "data").error().message, "the checkpoint: it is damaged: its checksum is another");
  EXPECT_EQ(trainer.resume(good.substr(0, 100), "data").error().message,
            "the checkpoint: it is cut off, or longer than it was");
}

// Plays losses that a test chooses.
class Played : public Workers {
 public:
  explicit Played(std::vector<double> losses, size_t parameters)
      : losses_(std::move(losses)), parameters_(parameters) {}

  Result<std::vector<Gradient>> gradients(const std::vector<float>&, uint32_t, uint32_t) override {
    return std::vector<Gradient>{{16, 1, 1, std::vector<float>(parameters_, 0.5F)}};
  }
  Result<Evaluation> evaluate(const std::vector<float>&, Part) override {
    return Evaluation{1, losses_.at(next_++), {1}};
  }

 private:
  std::vector<double> losses_;
  size_t parameters_;
  size_t next_ = 0;
};

TEST(LearnTrainer, StopsEarlyAndKeepsTheBestEpoch) {
  auto training = Training::prepare(corner_plan(), corner_files());
  Played workers({5, 4, 3, 3, 6, 2}, training->topology().parameters);
  TrainerSettings settings = short_settings(100);
  settings.patience = 2;
  Trainer trainer(*training, settings, workers);
  std::vector<float> best;
  for (uint32_t epoch = 1; epoch <= 5; ++epoch) {
    ASSERT_FALSE(trainer.done()) << epoch;
    EXPECT_EQ(trainer.next_epoch()->best, epoch <= 3) << epoch;
    if (epoch == 3) best = trainer.state().parameters;
  }
  EXPECT_TRUE(trainer.done());
  EXPECT_TRUE(trainer.stopped_early());
  EXPECT_EQ(trainer.state().best_epoch, 3U);
  EXPECT_EQ(trainer.result(), best);
  EXPECT_NE(trainer.result(), trainer.state().parameters);
}

TEST(LearnTrainer, WithoutPatienceOrValidationGoesToTheEnd) {
  Plan plan = corner_plan();
  plan.validation = 0;
  auto training = Training::prepare(plan, corner_files());
  LocalWorkers workers(*training);
  Trainer trainer(*training, short_settings(), workers);
  const auto parameters = train_to_end(trainer);
  EXPECT_EQ(trainer.state().epochs_done, 3U);
  EXPECT_FALSE(trainer.stopped_early());
  EXPECT_EQ(trainer.result(), parameters);
}

TEST(LearnTrainer, StopsWhereNumbersRunAway) {
  Plan plan = corner_plan();
  plan.data.target = Target::number;
  plan.loss = Loss::mean_squared;
  plan.layers = layers_of({"dense 1"});
  std::string text;
  for (int i = 0; i < 40; ++i)
    text += std::to_string(i) + "," + std::to_string(i % 7) + "," + std::to_string(1000 * i) + "\n";
  auto training = Training::prepare(plan, from({{"corners.csv", text}}));
  ASSERT_TRUE(training) << training.error().message;
  TrainerSettings settings = short_settings(1000);
  settings.optimiser.method = Method::sgd;
  settings.optimiser.rate = 1e6;
  LocalWorkers workers(*training);
  Trainer trainer(*training, settings, workers);
  Result<EpochReport> report = EpochReport{};
  while (report && !trainer.done()) report = trainer.next_epoch();
  ASSERT_FALSE(report);
  EXPECT_TRUE(report.error().message.starts_with("epoch ")) << report.error().message;
  EXPECT_NE(report.error().message.find("no finite number any more; a lower rate may help"), std::string::npos);
}

// Slopes that no parameter survives, in one step alone.
class SteepAtTheEnd : public Workers {
 public:
  explicit SteepAtTheEnd(const Training& training) : training_(training) {}

  Result<std::vector<Gradient>> gradients(const std::vector<float>&, uint32_t epoch, uint32_t step) override {
    const float slope = epoch == 1 && step + 1 == training_.steps() ? 3e38F : 0.0F;
    return std::vector<Gradient>{{16, 1, 1, std::vector<float>(training_.topology().parameters, slope)}};
  }
  Result<Evaluation> evaluate(const std::vector<float>&, Part) override { return fail("not asked for"); }

 private:
  const Training& training_;
};

TEST(LearnTrainer, DoesNotEndWellWhereTheLastStepOfAllRunsAway) {
  Plan plan = corner_plan();
  plan.validation = 0;  // nothing looks at the parameters after that step
  const auto training = Training::prepare(plan, corner_files());
  TrainerSettings settings = short_settings(2);
  settings.optimiser.method = Method::sgd;
  settings.optimiser.rate = 1000;
  SteepAtTheEnd workers(*training);
  Trainer trainer(*training, settings, workers);
  ASSERT_TRUE(trainer.next_epoch());
  const auto report = trainer.next_epoch();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().message, "epoch 2, step 6: a parameter is no finite number any more; a lower rate may help");
  EXPECT_FALSE(trainer.done());
}

// Parameters stay as they are then, finite and useless: a step is divided by the root of the mean square.
TEST(LearnTrainer, StopsWhereAdamsMeanSquareBecomesInfinite) {
  Plan plan = corner_plan();
  plan.validation = 0;
  const auto training = Training::prepare(plan, corner_files());
  SteepAtTheEnd workers(*training);
  Trainer trainer(*training, short_settings(2), workers);
  ASSERT_TRUE(trainer.next_epoch());
  const auto report = trainer.next_epoch();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().message,
            "epoch 2, step 6: what the optimizer remembers of the gradients is no finite number any more: they are too "
            "steep; a lower rate, or data nearer to 1, may help");
}

TEST(LearnTrainer, LearnsANumber) {
  Plan plan = corner_plan();
  plan.data.target = Target::number;
  plan.loss = Loss::mean_squared;
  plan.layers = layers_of({"dense 1"});
  Random random(3);
  std::string text;
  for (int i = 0; i < 200; ++i) {
    const double x = random.unit(), y = random.unit();
    text += std::to_string(x) + "," + std::to_string(y) + "," + std::to_string(3 * x - 2 * y + 1) + "\n";
  }
  auto training = Training::prepare(plan, from({{"corners.csv", text}}));
  LocalWorkers workers(*training);
  Trainer trainer(*training, short_settings(150), workers);
  train_to_end(trainer);
  EXPECT_LT(trainer.state().best_loss, 1e-4);
}

}  // namespace
}  // namespace bramble::learn
