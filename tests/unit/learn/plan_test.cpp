#include "common/learn/plan.hpp"

#include <gtest/gtest.h>

#include "support/learn_samples.hpp"

namespace bramble::learn {
namespace {

Plan full_plan() {
  Plan plan;
  plan.data.format = Format::idx;
  plan.data.file = "images";
  plan.data.labels_file = "labels";
  plan.data.header = true;
  plan.data.target_name = "kind";
  plan.data.target_column = 3;
  plan.data.target = Target::number;
  plan.data.class_names = {"a", "b"};
  plan.data.shape = Shape{8, 8, 3};
  plan.layers = layers_of({"conv2d 4 3x3 stride 2 pad 1", "relu", "max_pool 2x2", "flatten", "dense 10"});
  plan.loss = Loss::mean_squared;
  plan.normalise = Normalise::whole;
  plan.validation = 0.25;
  plan.seed = 77;
  plan.batch = 64;
  plan.shards = 8;
  return plan;
}

TEST(LearnPlan, ComesBackAsItWas) {
  for (const Plan& plan : {full_plan(), corner_plan()}) {
    const auto again = decode_plan(encode_plan(plan));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, plan);
  }
}

TEST(LearnPlan, RefusesEveryDamage) {
  const std::string good = encode_plan(full_plan());
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    EXPECT_FALSE(decode_plan(bad)) << "byte " << i;
    EXPECT_FALSE(decode_plan(good.substr(0, i))) << "cut at " << i;
  }
  EXPECT_FALSE(decode_plan(good + "x"));
}

// Bytes with a good checksum that are no plan: read to their end, or refused, without a fault.
TEST(LearnPlan, RefusesContentThatMakesNoSense) {
  const std::string good = encode_plan(full_plan());
  const std::string content(good.begin() + 16, good.end() - 4);
  size_t refused = 0;
  for (size_t i = 0; i < content.size(); ++i) {
    std::string bad = content;
    bad[i] = '\xff';
    refused += decode_plan(seal("BRMP", 1, bad)) ? 0 : 1;
  }
  EXPECT_GT(refused, 20U);
  EXPECT_FALSE(decode_plan(seal("BRMP", 1, "")));
  EXPECT_EQ(decode_plan(seal("BRMP", 2, content)).error().message,
            "the plan of a training: it is of version 2, and this program reads version 1");
  EXPECT_EQ(decode_plan("nonsense").error().message,
            "the plan of a training: this is no such file: it begins otherwise");
  Plan plan = corner_plan();
  plan.shards = 0;
  EXPECT_EQ(decode_plan(encode_plan(plan)).error().message, "the plan of a training: it makes no sense");
}

TEST(LearnBytes, ChecksumIsTheUsualOne) { EXPECT_EQ(crc32("123456789"), 0xCBF43926U); }

}  // namespace
}  // namespace bramble::learn
