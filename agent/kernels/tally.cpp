// A filter: sorted lines "KEY<tab>NUMBER" in, for each key one line with the sum of its numbers out. For --combine and
// --reduce of `bramble map`. Numbers are whole (64 bits); a line that is none of this ends it with status 1.
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>

namespace {

struct Sum {
  std::string key;
  int64_t number = 0;
};

bool add(std::string_view text, int64_t& sum) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty() &&
         !__builtin_add_overflow(sum, number, &sum);
}

void print(const Sum& sum) { std::cout << sum.key << '\t' << sum.number << '\n'; }

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  std::string line;
  Sum sum;
  bool any = false;
  for (uint64_t number = 1; std::getline(std::cin, line); ++number) {
    const size_t tab = line.find('\t');
    const std::string_view key = std::string_view(line).substr(0, tab);
    if (!any || key != sum.key) {
      if (any) print(sum);
      sum = {std::string(key), 0};
      any = true;
    }
    if (tab == std::string::npos || !add(std::string_view(line).substr(tab + 1), sum.number)) {
      std::cerr << "tally: line " << number << " is no KEY<tab>NUMBER, or the sum is too large: " << line.substr(0, 200)
                << '\n';
      return 1;
    }
  }
  if (any) print(sum);
  return std::cout.flush() ? 0 : 1;
}
