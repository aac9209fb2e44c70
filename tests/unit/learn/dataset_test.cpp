#include "common/learn/dataset.hpp"

#include <gtest/gtest.h>

#include "common/learn/scaling.hpp"
#include "support/learn_samples.hpp"

namespace bramble::learn {
namespace {

using Floats = std::vector<float>;
using Texts = std::vector<std::string>;
using Classes = std::vector<uint32_t>;

DataSource csv() {
  DataSource source;
  source.file = "f.csv";
  return source;
}

std::string wrong(const DataSource& source, const std::string& text) {
  const auto data = load_dataset(source, from({{"f.csv", text}}));
  return data ? "it was taken" : data.error().message;
}

std::string idx_head(std::initializer_list<unsigned char> sizes) {
  std::string text{'\0', '\0', '\x08', static_cast<char>(sizes.size())};
  for (const unsigned char size : sizes) text += std::string(3, '\0') + static_cast<char>(size);
  return text;
}

DataSource idx() {
  DataSource source;
  source.format = Format::idx;
  source.file = "images";
  source.labels_file = "labels";
  return source;
}

std::string wrong_idx(const std::string& images, const std::string& labels) {
  const auto data = load_dataset(idx(), from({{"images", images}, {"labels", labels}}));
  return data ? "it was taken" : data.error().message;
}

TEST(LearnDataset, LabelsThatAreNoUtf8HaveNamesThatAre) {
  DataSource source;
  source.file = "f.csv";
  const auto data = load_dataset(source, from({{"f.csv", "1,2,gr\xfcn\n2,3,rot\n"}}));
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ(data->labels, (std::vector<std::string>{"gr\xfcn", "rot"}));
  EXPECT_EQ(data->class_names, (std::vector<std::string>{"gr\uFFFDn", "rot"}));
}

TEST(LearnDataset, NumbersClassesByTheirLabelsAlone) {
  const auto data = load_dataset(csv(), from({{"f.csv", "1,10\n2,9\n3,b\n4,9\n5,a\n"}}));
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ(data->labels, (Texts{"9", "10", "a", "b"}));  // numbers by value, then texts
  EXPECT_EQ(data->classes, (Classes{1, 0, 3, 0, 2}));
  EXPECT_EQ(data->class_names, data->labels);
  EXPECT_EQ(data->shape, (Shape{1, 1, 1}));
}

TEST(LearnDataset, NamesClassesAsAsked) {
  DataSource source = csv();
  source.class_names = {"cat", "dog"};
  EXPECT_EQ(load_dataset(source, from({{"f.csv", "1,0\n2,1\n"}}))->class_names, source.class_names);
  EXPECT_EQ(wrong(source, "1,0\n2,1\n3,2\n"), "f.csv: it has 3 different labels, and `classes` names 2");
}

TEST(LearnDataset, LearnsNumbersToo) {
  DataSource source = csv();
  source.target = Target::number;
  const auto data = load_dataset(source, from({{"f.csv", "1,10\n2,9.5\n"}}));
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ(data->numbers, (Floats{10, 9.5}));
  EXPECT_TRUE(data->classes.empty());
  EXPECT_EQ(wrong(source, "1,10\n\n2,x\n"), "f.csv:3:2: 'x' is no number");
}

TEST(LearnDataset, SaysWhatIsWrong) {
  EXPECT_EQ(wrong(csv(), "1,a\n2,a\n"), "f.csv: all 2 rows have the label 'a': there is nothing to tell apart");
  std::string many;
  for (size_t i = 0; i <= kMaxClasses; ++i) many += "1," + std::to_string(i) + "\n";
  EXPECT_EQ(
      wrong(csv(), many),
      "f.csv:1:2: there are more than 1000 different labels; if the column holds numbers to be estimated, name it "
      "as `target` instead of `label`");
  DataSource shaped = csv();
  shaped.shape = Shape{2, 2, 1};
  EXPECT_EQ(wrong(shaped, "1,2,3,a\n"), "f.csv: a row has 3 values, and a 2x2 image has 4");
  EXPECT_EQ(load_dataset(csv(), from({})).error().message, "f.csv: there is no such file");
}

TEST(LearnDataset, ReadsIdx) {
  const std::string images = idx_head({2, 2, 3}) + std::string("\x00\x01\x02\x03\x04\x05\xff\x00\x00\x00\x00\x09", 12);
  const auto data = load_dataset(idx(), from({{"images", images}, {"labels", idx_head({2}) + "\x07\x03"}}));
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ(data->shape, (Shape{2, 3, 1}));
  EXPECT_EQ(data->values, (Floats{0, 1, 2, 3, 4, 5, 255, 0, 0, 0, 0, 9}));
  EXPECT_EQ(data->labels, (Texts{"3", "7"}));
  EXPECT_EQ(data->classes, (Classes{1, 0}));
}

TEST(LearnDataset, SaysAtWhichByteAnIdxFileIsWrong) {
  const std::string images = idx_head({2, 1, 1}) + "ab", labels = idx_head({2}) + "ab";
  EXPECT_EQ(wrong_idx(images, labels), "it was taken");
  EXPECT_EQ(wrong_idx("", labels), "images: byte 1: this is no IDX file (those begin with two zero bytes)");
  EXPECT_EQ(wrong_idx("\x1f\x8bxxxx", labels), "images: it is compressed: gunzip it first");
  EXPECT_EQ(wrong_idx(std::string("\0\0\x0d\x03", 4), labels),
            "images: byte 3: its numbers are of kind 13; here only bytes (8) are read");
  EXPECT_EQ(wrong_idx(labels, images), "images: byte 4: it has 1 dimensions, and 2 to 4 are wanted for images");
  EXPECT_EQ(wrong_idx(images, images), "labels: byte 4: it has 3 dimensions, and 1 are wanted for labels");
  EXPECT_EQ(wrong_idx(images.substr(0, 9), labels), "images: byte 10: the file ends in its head");
  EXPECT_EQ(wrong_idx(images + "c", labels), "images: byte 20: the file has 3 bytes of data, and its head says 2");
  EXPECT_EQ(wrong_idx(images.substr(0, 17), labels),
            "images: byte 18: the file has 1 bytes of data, and its head says 2");
  EXPECT_EQ(wrong_idx(idx_head({2, 0, 1}), labels),
            "images: byte 9: a size of 0 is none, or makes more than 134217728 values");
  EXPECT_EQ(wrong_idx(std::string("\0\0\x08\x03", 4) + std::string(12, '\xff'), labels),
            "images: byte 5: a size of 4294967295 is none, or makes more than 134217728 values");
  EXPECT_EQ(wrong_idx(images, idx_head({1}) + "a"), "labels: it has 1 labels, and images has 2 images");
}

TEST(LearnDataset, ReadsRowsForAModelWithAndWithoutLabels) {
  const Texts labels = {"a", "b"};
  const auto with = load_rows(csv(), {1, 1, 2}, labels, from({{"f.csv", "1,2,b\n3,4,b\n"}}));
  ASSERT_TRUE(with) << with.error().message;
  EXPECT_EQ(with->classes, (Classes{1, 1}));  // one class is good here
  const auto without = load_rows(csv(), {1, 1, 2}, labels, from({{"f.csv", "1,2\n3,4\n"}}));
  ASSERT_TRUE(without) << without.error().message;
  EXPECT_TRUE(without->classes.empty());
  EXPECT_EQ(without->values, (Floats{1, 2, 3, 4}));
  EXPECT_EQ(load_rows(csv(), {1, 1, 2}, labels, from({{"f.csv", "1,2,b\n3,4,c\n"}})).error().message,
            "f.csv:2:3: unknown label 'c' (the model knows no such class)");
  EXPECT_EQ(load_rows(csv(), {1, 1, 5}, labels, from({{"f.csv", "1,2,b\n"}})).error().message,
            "f.csv:1: the line has 3 columns, and the model takes 5 (6 with the label)");
}

TEST(LearnDataset, LosesNoRowOfAFileWithoutNamesWhereTheModelLearnedFromOneWithNames) {
  DataSource named = csv();
  named.header = true;
  const Texts labels = {"a", "b"};
  const Fetch bare = from({{"f.csv", "1,2\n3,4\n"}}), full = from({{"f.csv", "x,y\n1,2\n3,4\n"}});
  const auto doubted = load_rows(named, {1, 1, 2}, labels, bare);
  ASSERT_FALSE(doubted);
  EXPECT_NE(doubted.error().message.find("--no-header"), std::string::npos) << doubted.error().message;
  EXPECT_EQ(load_rows(named, {1, 1, 2}, labels, bare, false)->rows, 2U);
  EXPECT_EQ(load_rows(named, {1, 1, 2}, labels, bare, true)->rows, 1U);
  EXPECT_EQ(load_rows(csv(), {1, 1, 2}, labels, full, true)->rows, 2U);
  EXPECT_EQ(load_rows(csv(), {1, 1, 2}, labels, full).error().message,
            "f.csv:1:1: 'x' is no number; if line 1 has the columns' names, say --header");
}

TEST(LearnScaling, UsesTheTrainingPartAlone) {
  Dataset data;
  data.shape = {1, 1, 2};
  data.rows = 3;
  data.values = {1, 5, 3, 5, 1000, 7};
  const Scaling scaling = scaling_of(Normalise::columns, data, {0, 1});
  EXPECT_EQ(scaling.mean, (Floats{2, 5}));
  EXPECT_EQ(scaling.factor, (Floats{1, 0}));
  EXPECT_EQ(constant_columns(scaling), std::vector<size_t>{1});
  rescale(scaling, data.values);
  EXPECT_EQ(data.values, (Floats{-1, 0, 1, 0, 998, 0}));
}

TEST(LearnScaling, OfTheWholeHasOneMeanAndDeviation) {
  Dataset data;
  data.shape = {1, 2, 1};
  data.rows = 2;
  data.values = {0, 0, 4, 4};
  const Scaling scaling = scaling_of(Normalise::whole, data, {0, 1});
  EXPECT_EQ(scaling.mean, (Floats{2, 2}));
  EXPECT_EQ(scaling.factor, (Floats{0.5, 0.5}));
  EXPECT_EQ(scaling_of(Normalise::none, data, {0, 1}), (Scaling{{0, 0}, {1, 1}}));
}

}  // namespace
}  // namespace bramble::learn
