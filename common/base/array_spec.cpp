#include "common/base/array_spec.hpp"

#include <charconv>

#include "common/base/utf8.hpp"

namespace bramble {
namespace {

bool take_number(std::string_view& text, uint32_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end == text.data()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

// Takes `mark` and a number if the mark is there; false if the number is not.
bool take_marked(std::string_view& text, char mark, uint32_t& number) {
  if (!text.starts_with(mark)) return true;
  text.remove_prefix(1);
  return take_number(text, number);
}

}  // namespace

Result<ArraySpec> parse_array_spec(std::string_view text) {
  ArraySpec spec;
  std::string_view rest = text;
  bool good = take_number(rest, spec.first);
  spec.last = spec.first;
  good = good && take_marked(rest, '-', spec.last) && take_marked(rest, ':', spec.step);
  const bool limited = good && rest.starts_with('%');
  good = good && take_marked(rest, '%', spec.max_running) && rest.empty();
  const std::string shown = "'" + to_utf8(text, 64) + "'";
  if (!good) return fail("not an array: " + shown + "; write it like 1-100, 0-99:10 (a step) or 1-1000%8 (8 at once)");
  if (spec.last < spec.first) return fail("the array " + shown + " goes backwards");
  if (spec.step == 0) return fail("the step of the array " + shown + " must be at least 1");
  if (limited && spec.max_running == 0) return fail("the number after % in " + shown + " must be at least 1");
  if (spec.size() > kMaxArrayTasks) {
    return fail(ErrorCode::limit, "an array of " + std::to_string(spec.size()) + " tasks; at most " +
                                      std::to_string(kMaxArrayTasks) + " are allowed");
  }
  return spec;
}

std::string to_string(const ArraySpec& spec) {
  std::string text = std::to_string(spec.first) + "-" + std::to_string(spec.last);
  if (spec.step != 1) text += ":" + std::to_string(spec.step);
  if (spec.max_running != 0) text += "%" + std::to_string(spec.max_running);
  return text;
}

}  // namespace bramble
