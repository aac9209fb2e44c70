#include "common/base/node_set.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <unordered_set>
#include <utility>

#include "common/base/ids.hpp"
#include "common/base/utf8.hpp"

namespace bramble {
namespace {

constexpr size_t kMaxTextBytes = 64 << 10;

std::string quoted(std::string_view text) { return "'" + to_utf8(text, 64) + "'"; }

tl::unexpected<Error> too_many() {
  return fail(ErrorCode::limit, "more than " + std::to_string(kMaxNodeSetNames) + " node names");
}

// Takes the text up to the next comma that is not within brackets.
std::string_view take_item(std::string_view& text) {
  bool in_brackets = false;
  size_t end = 0;
  for (; end < text.size() && (in_brackets || text[end] != ','); ++end) {
    if (text[end] == '[') in_brackets = true;
    if (text[end] == ']') in_brackets = false;
  }
  const std::string_view item = text.substr(0, end);
  text.remove_prefix(std::min(text.size(), end + 1));
  return item;
}

bool parse_number(std::string_view digits, uint32_t& number) {
  if (digits.empty() || digits.size() > kMaxNodeSetDigits) return false;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc{} && end == digits.data() + digits.size();
}

std::string padded(uint32_t number, size_t width) {
  const std::string digits = std::to_string(number);
  return std::string(width > digits.size() ? width - digits.size() : 0, '0') + digits;
}

// Appends the numbers of "7" or "01-04", as wide as the first is written.
Status add_range(std::string_view range, std::vector<std::string>& numbers) {
  const size_t dash = range.find('-');
  const std::string_view first_text = range.substr(0, dash);
  const std::string_view last_text = dash == std::string_view::npos ? first_text : range.substr(dash + 1);
  uint32_t first = 0, last = 0;
  if (!parse_number(first_text, first) || !parse_number(last_text, last)) {
    return fail("not a range of numbers: " + quoted(range) + "; write it like 1-4 or 01-04");
  }
  if (last < first) return fail("the range " + quoted(range) + " goes backwards");
  if (last - first >= kMaxNodeSetNames || numbers.size() + (last - first) >= kMaxNodeSetNames) return too_many();
  for (uint32_t number = first; number <= last; ++number) numbers.push_back(padded(number, first_text.size()));
  return {};
}

// The inside of one pair of brackets.
Result<std::vector<std::string>> expand_brackets(std::string_view inside) {
  std::vector<std::string> numbers;
  for (size_t begin = 0; begin <= inside.size();) {
    const size_t comma = std::min(inside.find(',', begin), inside.size());
    if (Status added = add_range(inside.substr(begin, comma - begin), numbers); !added) {
      return tl::unexpected(std::move(added.error()));
    }
    begin = comma + 1;
  }
  return numbers;
}

// Each head with each tail.
Result<std::vector<std::string>> joined(const std::vector<std::string>& heads, const std::vector<std::string>& tails) {
  if (heads.size() * tails.size() > kMaxNodeSetNames) return too_many();
  std::vector<std::string> all;
  all.reserve(heads.size() * tails.size());
  for (const std::string& head : heads) {
    for (const std::string& tail : tails) all.push_back(head + tail);
  }
  return all;
}

// All names of one item such as "rack[1-2]pi[01-04]".
Result<std::vector<std::string>> expand_item(std::string_view item) {
  std::vector<std::string> names = {""};
  for (std::string_view rest = item; !rest.empty();) {
    const size_t open = std::min(rest.find('['), rest.size());
    for (std::string& name : names) name += rest.substr(0, open);
    rest.remove_prefix(open);
    if (rest.empty()) break;
    const size_t close = rest.find(']');
    if (close == std::string_view::npos) return fail("a ']' is missing in " + quoted(item));
    auto numbers = expand_brackets(rest.substr(1, close - 1));
    if (!numbers) return numbers;
    auto longer = joined(names, *numbers);
    if (!longer) return longer;
    names = std::move(*longer);
    if (names.front().size() > kMaxNameBytes) break;  // refused by its rule, before it grows further
    rest.remove_prefix(close + 1);
  }
  return names;
}

class Collector {
 public:
  Status add(std::string_view item) {
    if (item == "all") {
      set_.all = true;
      return {};
    }
    if (item.starts_with('@')) return add_group(item.substr(1));
    auto names = expand_item(item);
    if (!names) return tl::unexpected(std::move(names.error()));
    for (std::string& name : *names) {
      if (!is_valid_name(name)) return fail("not a node's name: " + quoted(name));
      if (seen_.insert(name).second) set_.names.push_back(std::move(name));
    }
    if (set_.names.size() > kMaxNodeSetNames) return too_many();
    return {};
  }

  NodeSet take() { return std::move(set_); }

 private:
  Status add_group(std::string_view group) {
    if (!is_valid_name(group)) return fail("not a group's name: " + quoted(group));
    if (std::find(set_.groups.begin(), set_.groups.end(), group) == set_.groups.end()) set_.groups.emplace_back(group);
    return {};
  }

  NodeSet set_;
  std::unordered_set<std::string> seen_;
};

}  // namespace

Result<NodeSet> parse_node_set(std::string_view text) {
  if (text.size() > kMaxTextBytes) return fail(ErrorCode::limit, "the node set is longer than 64 KiB");
  if (text.empty()) return fail("an empty node set; name nodes like pi[01-04],head or say all");
  Collector collector;
  const bool open_end = text.ends_with(',');
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view item = take_item(rest);
    if (item.empty() || (rest.empty() && open_end)) return fail("a name is missing between commas in " + quoted(text));
    if (Status added = collector.add(item); !added) return tl::unexpected(std::move(added.error()));
  }
  return collector.take();
}

Result<std::vector<std::string>> expand_node_set(std::string_view text) {
  Result<NodeSet> set = parse_node_set(text);
  if (!set) return tl::unexpected(std::move(set.error()));
  if (set->all) return fail("'all' cannot be used here; name the nodes");
  if (!set->groups.empty()) return fail("the group '@" + set->groups.front() + "' cannot be used here; name the nodes");
  return std::move(set->names);
}

}  // namespace bramble
