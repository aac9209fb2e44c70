#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <tuple>

#include "common/base/node_set.hpp"

namespace bramble {
namespace {

constexpr std::string_view kDigits = "0123456789";

// A name, taken apart at its last run of digits.
struct Parts {
  std::string_view before, digits, after;
};

Parts take_apart(std::string_view name) {
  const size_t last = name.find_last_of(kDigits);
  if (last == std::string_view::npos) return {name, {}, {}};
  const size_t before = name.find_last_not_of(kDigits, last);
  const size_t first = before == std::string_view::npos ? 0 : before + 1;
  if (last + 1 - first > kMaxNodeSetDigits) return {name, {}, {}};
  return {name.substr(0, first), name.substr(first, last + 1 - first), name.substr(last + 1)};
}

struct Number {
  uint32_t value;
  std::string_view digits;

  bool operator<(const Number& other) const {
    return value != other.value ? value < other.value : digits.size() < other.digits.size();
  }
  bool operator==(const Number& other) const { return digits == other.digits; }
};

Number number_of(std::string_view digits) {
  uint32_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return {value, digits};
}

// Does a range that begins with `first` name `next` right after `value`? It pads to the width of `first`.
bool continues(const Number& first, uint32_t value, const Number& next) {
  const size_t plain_width = std::to_string(next.value).size();
  return next.value == value + 1 && next.digits.size() == std::max(first.digits.size(), plain_width);
}

std::string fold_numbers(std::vector<Number>& numbers) {
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  std::string text;
  for (size_t i = 0; i < numbers.size();) {
    size_t last = i;
    while (last + 1 < numbers.size() && continues(numbers[i], numbers[last].value, numbers[last + 1])) ++last;
    if (!text.empty()) text += ',';
    text += numbers[i].digits;
    if (last > i) text.append("-").append(numbers[last].digits);
    i = last + 1;
  }
  const bool one = numbers.size() == 1;
  return one ? text : "[" + text + "]";
}

}  // namespace

std::string fold_node_set(const std::vector<std::string>& names) {
  using Family = std::tuple<std::string_view, std::string_view, bool>;  // what is around a number, if there is one
  std::map<Family, std::vector<Number>> families;
  for (const std::string& name : names) {
    const Parts parts = take_apart(name);
    auto& numbers = families[{parts.before, parts.after, !parts.digits.empty()}];
    if (!parts.digits.empty()) numbers.push_back(number_of(parts.digits));
  }
  std::string text;
  for (auto& [family, numbers] : families) {
    const auto& [before, after, numbered] = family;
    if (!text.empty()) text += ',';
    text.append(before);
    if (numbered) text += fold_numbers(numbers);
    text.append(after);
  }
  return text;
}

}  // namespace bramble
