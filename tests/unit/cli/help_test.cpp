// What people are told who ask for help, or would have needed it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <variant>

#include "aggregator/cli/options.hpp"

namespace bramble::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string refusal(const std::vector<std::string>& args) {
  const auto line = parse_command_line(args);
  return line ? "" : line.error().message;
}

TEST(Help, OfCallFitsInto80ColumnsAndNamesTheKernels) {
  const auto line = parse_command_line({"call", "--help"});
  ASSERT_TRUE(line && std::holds_alternative<HelpText>(line->command));
  const std::string text = std::get<HelpText>(line->command).text;
  std::istringstream lines(text);
  for (std::string each; std::getline(lines, each);) EXPECT_LE(each.size(), 80U) << each;
  EXPECT_THAT(text, HasSubstr("wordcount, montecarlo, matmul"));
  EXPECT_THAT(text, HasSubstr("KERNELS.md.gz"));
}

TEST(Help, OfACommandThatOthersCallSoNamesOurs) {
  EXPECT_THAT(refusal({"job", "show", "3"}), HasSubstr("unknown command 'show'; did you mean 'info'?"));
  EXPECT_THAT(refusal({"job", "kill", "3"}), HasSubstr("did you mean 'cancel'?"));
  EXPECT_THAT(refusal({"token", "show"}), Not(HasSubstr("'info'"))) << "there is none";
}

TEST(Help, NamesAnOptionOnlyWhereItIsNearWithoutItsDashes) {
  EXPECT_THAT(refusal({"call", "wordcount", "--json"}), Not(HasSubstr("did you mean")));
  EXPECT_THAT(refusal({"call", "wordcount", "--progres"}), HasSubstr("did you mean '--progress'?"));
}

}  // namespace
}  // namespace bramble::cli
