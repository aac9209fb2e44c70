#include "common/learn/calls.hpp"

#include <gtest/gtest.h>

namespace bramble::learn {
namespace {

TEST(LearnCalls, ComeBackAsTheyWere) {
  const LearnCall calls[] = {GradientCall{1, 2, 3, "params-1"}, EvaluationCall{Part::training, 512, 100, "p"},
                             AnswerCall{{1.5F, -2}}};
  for (const LearnCall& call : calls) {
    const std::string bytes = encode_call(call);
    const auto again = decode_call(bytes);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, call);
    for (size_t cut = 0; cut < bytes.size(); ++cut) EXPECT_FALSE(decode_call(bytes.substr(0, cut))) << cut;
    EXPECT_FALSE(decode_call(bytes + "x"));
  }
}

TEST(LearnCalls, NameNoFileElsewhere) {
  for (const char* name : {"", "a/b", "/etc/passwd", "..", ".hidden"}) {
    EXPECT_FALSE(decode_call(encode_call(GradientCall{0, 0, 0, name}))) << name;
    EXPECT_FALSE(decode_call(encode_call(EvaluationCall{Part::training, 0, 1, name}))) << name;
  }
}

TEST(LearnCalls, ResultsComeBackAsTheyWereOrAreRefused) {
  const Gradient gradient{7, 3.5, 2, {1, 2, 3}};
  EXPECT_EQ(*decode_gradient(encode_gradient(gradient), 3), gradient);
  EXPECT_EQ(decode_gradient(encode_gradient(gradient), 4).error().message,
            "a gradient: it is cut off, or makes no sense");
  EXPECT_FALSE(decode_gradient(encode_gradient(gradient).substr(1), 3));
  EXPECT_FALSE(decode_gradient(encode_gradient({0, 0, 0, {1}}), 1)) << "of no rows";
  const Evaluation evaluation{9, 1.25, {4, 1, 0, 4}};
  EXPECT_EQ(*decode_evaluation(encode_evaluation(evaluation), 2), evaluation);
  EXPECT_FALSE(decode_evaluation(encode_evaluation(evaluation), 3)) << "of other classes";
  EXPECT_FALSE(decode_evaluation(encode_evaluation({9, 1.25, {1, 2, 3}}), 2)) << "not all pairs of classes";
  EXPECT_FALSE(decode_evaluation("short", 2));
  EXPECT_EQ(*decode_floats(encode_floats({1, -0.5F})), (std::vector<float>{1, -0.5F}));
  EXPECT_FALSE(decode_floats(std::string("\xff\xff\xff\xff", 4)));
}

}  // namespace
}  // namespace bramble::learn
