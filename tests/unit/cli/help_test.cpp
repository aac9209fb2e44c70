// What people are told who ask for help, or would have needed it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <variant>

#include "aggregator/cli/options.hpp"

namespace bramble::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string refusal(const std::vector<std::string>& args) {
  const auto line = parse_command_line(args);
  return line ? "" : line.error().message;
}

std::string help_of(std::vector<std::string> command) {
  command.emplace_back("--help");
  const auto line = parse_command_line(command);
  const auto* help = line ? std::get_if<HelpText>(&line->command) : nullptr;
  EXPECT_NE(help, nullptr) << ::testing::PrintToString(command);
  return help == nullptr ? "" : help->text;
}

// The first words of the lines below "Subcommands:".
std::vector<std::string> subcommands_in(const std::string& help) {
  std::vector<std::string> names;
  std::istringstream lines(help);
  bool below = false;
  for (std::string each; std::getline(lines, each);) {
    if (each == "Subcommands:") {
      below = true;
    } else if (below && each.empty()) {
      break;
    } else if (below && each.starts_with("  ") && !each.starts_with("   ")) {
      names.push_back(each.substr(2, each.find(' ', 2) - 2));
    }
  }
  return names;
}

// Of the command and all below it; how many these are.
size_t expect_helps_of_80_columns(const std::vector<std::string>& command) {
  const std::string help = help_of(command);
  std::istringstream lines(help);
  for (std::string each; std::getline(lines, each);) {
    EXPECT_LE(each.size(), 80U) << ::testing::PrintToString(command) << ": " << each;
  }
  size_t seen = 1;
  for (const std::string& name : subcommands_in(help)) {
    std::vector<std::string> below = command;
    below.push_back(name);
    seen += expect_helps_of_80_columns(below);
  }
  return seen;
}

TEST(Help, OfEveryCommandFitsInto80Columns) { EXPECT_GT(expect_helps_of_80_columns({}), 40U); }

TEST(Help, OfCallNamesTheKernels) { EXPECT_THAT(help_of({"call"}), HasSubstr("wordcount, montecarlo, matmul")); }

TEST(Help, OfCallSaysWhatACallThatFailedLeaves) { EXPECT_THAT(help_of({"call"}), HasSubstr("leaves an empty line")); }

TEST(Help, NamesItsDocumentsAsTheyAreCalledInTheSourcesAndWhereInstalled) {
  EXPECT_THAT(help_of({"call"}), AllOf(HasSubstr("agent/kernels/README.md"), HasSubstr("bramble-agent/KERNELS.md.gz")));
  EXPECT_THAT(help_of({"train"}), AllOf(HasSubstr("aggregator/cli/LEARNING.md"), HasSubstr("bramble/LEARNING.md.gz")));
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
