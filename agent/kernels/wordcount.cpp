// Counts words: what white space (of ASCII) separates. Input: text. Result: a line "WORD<tab>COUNT" for each word, in
// the order of its bytes.
#include <map>

#include "agent/kernels/kernel.hpp"

namespace {

constexpr std::string_view kSpace = " \t\n\v\f\r";

std::string count_words(std::string_view text) {
  std::map<std::string_view, uint64_t> counts;
  while (true) {
    const size_t begin = text.find_first_not_of(kSpace);
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin);
    const std::string_view word = text.substr(0, text.find_first_of(kSpace));
    text.remove_prefix(word.size());
    ++counts[word];
  }
  std::string result;
  for (const auto& [word, count] : counts) (result += word) += '\t' + std::to_string(count) + '\n';
  return result;
}

}  // namespace

int main() { return bramble::kernel::serve(count_words); }
