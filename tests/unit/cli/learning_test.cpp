// Training and answering as the command does it, with kernels in the test's hands.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "aggregator/cli/cluster_workers.hpp"
#include "aggregator/cli/infer_rows.hpp"
#include "aggregator/cli/learn_files.hpp"
#include "aggregator/cli/options.hpp"
#include "aggregator/cli/train_view.hpp"
#include "support/learn_samples.hpp"
#include "support/local_kernels.hpp"
#include "support/temp_dir.hpp"

namespace bramble::cli {
namespace {

using learn::corner_files;
using learn::corner_plan;
using test::LocalKernels;

learn::Model trained_model() {
  auto training = learn::Training::prepare(corner_plan(), corner_files());
  learn::LocalWorkers workers(*training);
  learn::TrainerSettings settings;
  settings.epochs = 40;
  settings.optimiser.rate = 0.03;
  learn::Trainer trainer(*training, settings, workers);
  while (!trainer.done()) EXPECT_TRUE(trainer.next_epoch());
  return *make_model(*training, trainer.result());
}

std::string refusal(const std::vector<std::string>& args) {
  const auto line = parse_command_line(args);
  return line ? "it was taken" : line.error().message;
}

TEST(LearningOptions, NameWhatIsLearnedAndWhere) {
  const auto line = parse_command_line({"train", "digits.toml", "--output", "d.model", "--on", "pi[01-04]"});
  ASSERT_TRUE(line) << line.error().message;
  const auto& train = std::get<TrainCommand>(line->command);
  EXPECT_EQ(train.spec, "digits.toml");
  EXPECT_EQ(train.output, "d.model");
  EXPECT_EQ(train.task.argv, std::vector<std::string>{"mlp"});
  EXPECT_EQ(train.task.on, "pi[01-04]");
  EXPECT_EQ(train.resume, 0U);
  EXPECT_EQ(std::get<TrainCommand>(parse_command_line({"train", "digits.toml", "--resume", "12"})->command).resume,
            12U);
  EXPECT_THAT(refusal({"train", "digits.toml", "--resume", "0"}), testing::HasSubstr("--resume"));
  EXPECT_THAT(refusal({"train"}), testing::HasSubstr("name a spec"));
  EXPECT_THAT(refusal({"train", "digits.toml", "--input", "x"}), testing::HasSubstr("take no --input"));
}

TEST(LearningFiles, GoToTheCurrentFolder) {
  EXPECT_EQ(model_file("/srv/specs/iris.toml"), "iris.model");
  EXPECT_EQ(model_file("iris"), "iris.model");
}

TEST(LearningFiles, AreRefusedBeforeTheTrainingWhereTheyCannotBeWritten) {
  const test::TempDir dir;
  const std::string folder = dir.path();
  EXPECT_TRUE(check_model_file(folder + "/d.model"));
  EXPECT_TRUE(check_model_file("d.model"));
  EXPECT_EQ(check_model_file(folder).error().message,
            folder + " is a folder: name a file for the model, such as --output " + folder + "/my.model");
  EXPECT_THAT(check_model_file(folder + "/none/").error().message, testing::HasSubstr("is a folder: name a file"));
  EXPECT_EQ(check_model_file(folder + "/none/d.model").error().message,
            "there is no folder " + folder + "/none to write the model " + folder + "/none/d.model to");
}

TEST(LearningFiles, DoNotTakeThePlaceOfDevices) {
  EXPECT_EQ(check_model_file("/dev/null").error().message,
            "/dev/null is no regular file: name one for the model (--output)");
}

TEST(LearningFiles, AreRefusedInAFolderThatOneMayNotWriteTo) {
  const char* folder = "/proc/self";  // nobody may, root neither
  if (::access(folder, W_OK) == 0) GTEST_SKIP() << folder << " says that one may write to it";
  const auto status = check_model_file(std::string(folder) + "/d.model");
  EXPECT_THAT(status.error().message, testing::HasSubstr("cannot write the model /proc/self/d.model"));
}

TEST(LearningOptions, NameAModelAndWhatItAnswers) {
  const auto line = parse_command_line({"infer", "d.model", "new.csv", "--labels", "l", "--summary"});
  ASSERT_TRUE(line) << line.error().message;
  const auto& infer = std::get<InferCommand>(line->command);
  EXPECT_EQ(infer.model, "d.model");
  EXPECT_EQ(infer.input, "new.csv");
  EXPECT_EQ(infer.labels, "l");
  EXPECT_TRUE(infer.summary);
  EXPECT_EQ(infer.header, std::nullopt);
  const auto header_of = [](const std::string& option) {
    return std::get<InferCommand>(parse_command_line({"infer", "d.model", "new.csv", option})->command).header;
  };
  EXPECT_EQ(header_of("--header"), true);
  EXPECT_EQ(header_of("--no-header"), false);
  EXPECT_THAT(refusal({"infer", "d.model", "new.csv", "--header", "--no-header"}), testing::HasSubstr("exclude"));
  EXPECT_THAT(refusal({"infer", "d.model"}), testing::HasSubstr("name a model and its input"));
}

TEST(ClusterTraining, IsToTheBitThatOfOneProcess) {
  auto training = learn::Training::prepare(corner_plan(), corner_files());
  LocalKernels kernels(*files_for_kernels(corner_plan(), corner_files()));
  ClusterWorkers there(*training, kernels);
  learn::LocalWorkers here(*training);
  learn::TrainerSettings settings;
  settings.epochs = 3;
  learn::Trainer one(*training, settings, there), other(*training, settings, here);
  while (!other.done()) {
    const auto report = one.next_epoch();
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->validation, other.next_epoch()->validation);
  }
  EXPECT_EQ(one.state(), other.state());
  EXPECT_EQ(kernels.asked(), 3 * (4 * 4 + 4 + 1U)) << "72 rows: four batches of 16 and one of 8, four shards each";
}

TEST(ClusterTraining, SendsATaskToEachSlotWhileAStepIsShort) {
  constexpr uint64_t kSmall = 1000, kHalf = kMostTaskResultBytes / 2;
  EXPECT_EQ(task_count(4, kSmall, 1, 0), 1U);
  EXPECT_EQ(task_count(4, kSmall, 3, 20), 3U);
  EXPECT_EQ(task_count(4, kSmall, 40, 20), 4U) << "no more than there are calls";
  EXPECT_EQ(task_count(256, kSmall, 4, 1000), 20U) << "several each where it takes a second";
  EXPECT_EQ(task_count(256, kSmall, 4, 3'600'000), 256U);
  EXPECT_EQ(task_count(5, kHalf, 1, 0), 3U) << "what comes back must not be too much for a task";
  EXPECT_EQ(task_count(5, 3 * kHalf, 1, 0), 5U);
}

TEST(ClusterTraining, SendsTheDataUnderNamesOfItsOwn) {
  learn::Plan plan = corner_plan();
  plan.data.file = "/home/ada/corners.csv";
  const auto files = files_for_kernels(plan, learn::from({{"/home/ada/corners.csv", "1,2,a\n"}}));
  ASSERT_TRUE(files) << files.error().message;
  ASSERT_EQ(files->size(), 2U);
  EXPECT_EQ((*files)[0].name, "data");
  EXPECT_EQ((*files)[0].bytes, "1,2,a\n");
  EXPECT_EQ(learn::decode_plan((*files)[1].bytes)->data.file, "data");
  EXPECT_FALSE(files_for_kernels(plan, corner_files()));
}

TEST(ClusterTraining, EndsWithTheKernelsSentence) {
  class Broken : public Kernels {
    Result<std::vector<std::string>> ask(const std::vector<std::string>&, const std::vector<KernelFile>&,
                                         size_t) override {
      return fail(ErrorCode::io, "epoch 1, step 1, shard 1: the loss is no finite number any more");
    }
  } broken;
  auto training = learn::Training::prepare(corner_plan(), corner_files());
  ClusterWorkers workers(*training, broken);
  learn::Trainer trainer(*training, {}, workers);
  EXPECT_EQ(trainer.next_epoch().error().message, "epoch 1, step 1, shard 1: the loss is no finite number any more");
}

TEST(ClusterAnswers, ComeInTheOrderOfTheRowsHoweverTheyAreCut) {
  const learn::Model model = trained_model();
  const auto data =
      learn::load_rows(model.source, model.input, model.labels, learn::from({{"", learn::three_corners(100)}}));
  ASSERT_TRUE(data) << data.error().message;
  const auto expected = learn::Inference::of(model)->answer(data->values);
  for (const size_t together : {1U, 3U, 7U, 100U, 1000U}) {
    LocalKernels kernels({{learn::kModelFile, encode_model(model)}});
    std::vector<float> answers;
    const Status status =
        answer_rows(kernels, *data, model, together, [&](size_t first, const std::vector<float>& part) {
          EXPECT_EQ(first * 3, answers.size());
          answers.insert(answers.end(), part.begin(), part.end());
          return Status();
        });
    EXPECT_TRUE(status);
    EXPECT_EQ(answers, *expected) << together;
    EXPECT_GE(kernels.asked(), std::min<size_t>(together, 100));
  }
}

TEST(ClusterAnswers, AreJudgedByTheLabels) {
  const learn::Model model = trained_model();
  const auto data = learn::load_rows(model.source, model.input, model.labels,
                                     learn::from({{"", "0.5,0.5,a\n4.5,0.5,b\n0.5,4.5,a\n"}}));
  const auto answers = learn::Inference::of(model)->answer(data->values);
  learn::Evaluation evaluation;
  for (size_t row = 0; row < 3; ++row) judge(evaluation, model, *data, row, answers->data() + 3 * row);
  EXPECT_EQ(evaluation.confusion, (std::vector<uint64_t>{1, 0, 1, 0, 1, 0, 0, 0, 0}));
  EXPECT_EQ(evaluation_text(evaluation, model.class_names),
            "66.67 % right: 2 of 3\n"
            "class \\ answer  a  b  c\n"
            "a               1  .  1\n"
            "b               .  1  .\n"
            "c               .  .  .\n");
  EXPECT_EQ(evaluation_json(evaluation, model.class_names)["confusion"].dump(), "[[1,0,1],[0,1,0],[0,0,0]]");
  const auto line = answer_json(model, *data, 2, answers->data() + 6);
  EXPECT_EQ(line["row"], 3);
  EXPECT_EQ(line["answer"], "c");
  EXPECT_EQ(line["label"], "a");
}

TEST(ClusterAnswers, OfAnotherLengthAreRefused) {
  class Short : public Kernels {
    Result<std::vector<std::string>> ask(const std::vector<std::string>& calls, const std::vector<KernelFile>&,
                                         size_t) override {
      return std::vector<std::string>(calls.size(), learn::encode_floats({1, 2}));
    }
  } kernels;
  const learn::Model model = trained_model();
  const auto data = learn::load_rows(model.source, model.input, model.labels, learn::from({{"", "1,2\n3,4\n"}}));
  const auto never = [](size_t, const std::vector<float>&) {
    ADD_FAILURE() << "taken";
    return Status();
  };
  EXPECT_EQ(answer_rows(kernels, *data, model, 1, never).error().message,
            "a node answered 2 values for the rows from 1 on");
}

TEST(TrainView, TellsAnEpochInOneLine) {
  learn::EpochReport report{3, 1437, 0.12345, 0.961, {359, 46.7, {300, 14, 0, 45}}, true};
  EXPECT_EQ(epoch_line(report, 50, true, {2, 12.34}),
            "epoch  3/50  loss 0.1235 96.1%  held out 0.1301 96.1%  898 rows/s 12.3 J best\n");
  EXPECT_THAT(epoch_line(report, 50, true, {2, 0.0312}), ::testing::HasSubstr(" 0.031 J best"));
  EXPECT_EQ(epoch_json(report, true, {2, 0})["energy_j"], nullptr);
  const learn::EpochReport longest{1'000'000, 1'000'000, 1.2345e-300, 1, {1, 1.2345e300, {1}}, true};
  for (const double seconds : {1.0, 1e9}) {
    for (const bool classes : {true, false}) {
      EXPECT_LE(epoch_line(longest, 1'000'000, classes, {seconds, 1e9}).size(), 81U);
    }
  }
  report.validation = {};
  EXPECT_EQ(epoch_line(report, 3, false, {2, 0}), "epoch 3/3  loss 0.1235  718 rows/s\n");
}

TEST(TrainView, SaysWhatIsOddAboutTheData) {
  std::string text;
  for (int i = 0; i < 30; ++i) text += std::to_string(i % 3) + ",5," + "abc"[i % 3] + "\n";
  const auto training = learn::Training::prepare(corner_plan(), learn::from({{"corners.csv", text}}));
  EXPECT_THAT(training_notes(*training),
              testing::ElementsAre("24 rows to learn from, 6 held out; 2 values to 3 classes; 51 parameters",
                                   "constant in the rows to learn from, and left out: column 2"));
  learn::Plan plan = corner_plan();
  plan.data.header = true;
  plan.data.target_name = "kind";
  std::string named = "x,kind,width";
  for (int i = 0; i < 12; ++i) named += ",c" + std::to_string(i);
  for (int i = 0; i < 30; ++i) {
    named += "\n" + std::to_string(i % 3) + "," + "abc"[i % 3] + ",5";
    for (int column = 0; column < 12; ++column) named += ",0";
  }
  const auto wide = learn::Training::prepare(plan, learn::from({{"corners.csv", named}}));
  ASSERT_TRUE(wide) << wide.error().message;
  EXPECT_THAT(training_notes(*wide).back(), testing::HasSubstr("left out: column 3 'width', column 4 'c0', "));
  EXPECT_THAT(training_notes(*wide).back(), testing::EndsWith("column 12 'c8' and 3 more"));
}

}  // namespace
}  // namespace bramble::cli
