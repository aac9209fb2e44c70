#include "aggregator/cli/unknown_word.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "common/base/nearest.hpp"

namespace bramble::cli {
namespace {

constexpr std::string_view kDashes = "--";

struct OtherWord {
  std::string_view word;
  std::string_view ours;
};
constexpr std::array<OtherWord, 12> kOtherWords{{{"show", "info"},
                                                 {"status", "info"},
                                                 {"describe", "info"},
                                                 {"ls", "list"},
                                                 {"ps", "list"},
                                                 {"rm", "forget"},
                                                 {"delete", "forget"},
                                                 {"kill", "cancel"},
                                                 {"stop", "cancel"},
                                                 {"logs", "cat"},
                                                 {"output", "cat"},
                                                 {"why", "explain"}}};

}  // namespace

std::string unknown_option(const std::string& word, const std::vector<std::string>& options) {
  std::vector<std::string> bare;
  for (const std::string& option : options) bare.push_back(option.substr(option.find_first_not_of('-')));
  const auto meant = nearest(word.substr(std::min(word.find_first_not_of('-'), word.size())), bare);
  const std::string message = unknown("option", word, {});
  return meant ? message + "; did you mean '" + std::string(kDashes) + *meant + "'?" : message;
}

std::string unknown_command(const std::string& word, const std::vector<std::string>& commands) {
  const std::string message = unknown("command", word, commands);
  if (nearest(word, commands)) return message;
  for (const OtherWord& other : kOtherWords) {
    if (other.word != word) continue;
    const auto ours = std::find(commands.begin(), commands.end(), other.ours);
    if (ours != commands.end()) return message + "; did you mean '" + *ours + "'?";
  }
  return message;
}

}  // namespace bramble::cli
