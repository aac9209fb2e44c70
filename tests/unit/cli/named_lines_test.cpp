#include "aggregator/cli/named_lines.hpp"

#include <gtest/gtest.h>

namespace bramble::cli {
namespace {

class NamedLinesTest : public ::testing::Test {
 protected:
  std::string printed_;
  NamedLines lines_{"pi01", [this](std::string_view text) -> Status {
                      printed_ += text;
                      return {};
                    }};
};

TEST_F(NamedLinesTest, EachLineHasTheNameBeforeIt) {
  EXPECT_TRUE(lines_.add("one\ntwo\n\n"));
  EXPECT_EQ(printed_, "pi01: one\npi01: two\npi01: \n");
}

TEST_F(NamedLinesTest, ALineComesOutWhenItIsWhole) {
  EXPECT_TRUE(lines_.add("o"));
  EXPECT_TRUE(lines_.add("ne"));
  EXPECT_EQ(printed_, "");
  EXPECT_TRUE(lines_.add("\ntw"));
  EXPECT_EQ(printed_, "pi01: one\n");
  EXPECT_TRUE(lines_.end());
  EXPECT_EQ(printed_, "pi01: one\npi01: tw\n");
  EXPECT_TRUE(lines_.end());
  EXPECT_EQ(printed_, "pi01: one\npi01: tw\n") << "nothing is left";
}

TEST_F(NamedLinesTest, AnEndlessLineComesOutInPieces) {
  EXPECT_TRUE(lines_.add(std::string(kMaxLineBytes, 'x')));
  EXPECT_TRUE(lines_.add("y\n"));
  EXPECT_EQ(printed_, "pi01: " + std::string(kMaxLineBytes, 'x') + "\npi01: y\n");
}

TEST_F(NamedLinesTest, ALineOfExactlyTheLimitIsOne) {
  EXPECT_TRUE(lines_.add(std::string(kMaxLineBytes, 'x') + "\nz\n"));
  EXPECT_EQ(printed_, "pi01: " + std::string(kMaxLineBytes, 'x') + "\npi01: z\n");
}

TEST(NamedLines, WhatCannotBePrintedIsTold) {
  NamedLines lines("pi01", [](std::string_view) -> Status { return fail(ErrorCode::io, "gone"); });
  EXPECT_TRUE(lines.add("begun"));
  EXPECT_FALSE(lines.add("\n"));
}

}  // namespace
}  // namespace bramble::cli
