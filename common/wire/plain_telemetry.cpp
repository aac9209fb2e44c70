#include "common/wire/plain_telemetry.hpp"

#include <charconv>
#include <cmath>

#include "common/base/ids.hpp"
#include "common/wire/metrics.hpp"

namespace bramble::wire {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A cursor over the text. Each take_...() is false, and the cursor of no more use, where something else stands.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  bool at_end() const { return at_ == end_; }
  bool take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  bool take(std::string_view word) {
    if (!std::string_view(at_, static_cast<size_t>(end_ - at_)).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  // A string without escapes, quotes not included.
  bool take_text(std::string_view& text) {
    if (!take('"')) return false;
    const char* const begin = at_;
    while (at_ != end_ && *at_ != '"' && *at_ != '\\' && static_cast<unsigned char>(*at_) >= 0x20) ++at_;
    text = {begin, static_cast<size_t>(at_ - begin)};
    return take('"');
  }

  // Digits alone, without leading zeros.
  template <typename Number>
  bool take_whole(Number& number) {
    const char* const begin = at_;
    if (at_ == end_ || !is_digit(*at_)) return false;
    const auto [stop, error] = std::from_chars(at_, end_, number);
    at_ = stop;
    const bool leading_zero = *begin == '0' && stop - begin > 1;
    return error == std::errc{} && !leading_zero && (at_ == end_ || (*at_ != '.' && *at_ != 'e' && *at_ != 'E'));
  }

  // A number by JSON's grammar, which is narrower than from_chars' own.
  bool take_number(double& number) {
    const char* const begin = at_;
    take('-');
    const char* const digits = at_;
    if (!skip_digits() || (*digits == '0' && at_ - digits > 1)) return false;
    if (take('.') && !skip_digits()) return false;
    if (take('e') || take('E')) {
      if (!take('-')) take('+');
      if (!skip_digits()) return false;
    }
    const auto [stop, error] = std::from_chars(begin, at_, number);
    return error == std::errc{} && stop == at_ && std::isfinite(number);
  }

 private:
  bool skip_digits() {
    const char* const begin = at_;
    while (at_ != end_ && is_digit(*at_)) ++at_;
    return at_ != begin;
  }

  const char* at_;
  const char* const end_;
};

bool take_values(Cursor& cursor, std::map<std::string, double>& values) {
  if (!cursor.take('{')) return false;
  if (cursor.take('}')) return true;
  do {
    std::string_view name;
    double value = 0;
    if (!cursor.take_text(name) || !is_valid_name(name) || !cursor.take(':') || !cursor.take_number(value))
      return false;
    if (why_impossible(name, value) != nullptr) return false;
    const size_t before = values.size();
    values.emplace_hint(values.end(), name, value);  // agents send them in order
    if (values.size() == before || before == kMaxMetrics) return false;
  } while (cursor.take(','));
  return cursor.take('}');
}

}  // namespace

std::optional<Telemetry> decode_plain_telemetry(std::string_view text) {
  Telemetry reading;
  Cursor cursor(text);
  bool numbered = false;
  bool timed = false;
  bool valued = false;
  if (text.size() > kMaxMessageBytes || !cursor.take('{')) return std::nullopt;
  do {
    std::string_view name;
    if (!cursor.take_text(name) || !cursor.take(':')) return std::nullopt;
    bool good = false;
    if (name == "number" && !numbered) {
      good = numbered = cursor.take_whole(reading.number);
    } else if (name == "wall_ms" && !timed) {
      good = timed = cursor.take_whole(reading.wall_ms);
    } else if (name == "age_ms") {
      good = cursor.take_whole(reading.age_ms) && reading.age_ms <= kMaxAgeMs;
    } else if (name == "run") {
      good = cursor.take_whole(reading.run);
    } else if (name == "power_measured") {
      reading.power_measured = cursor.take("true");
      good = reading.power_measured || cursor.take("false");
    } else if (name == "values" && !valued) {
      good = valued = take_values(cursor, reading.values);
    }
    if (!good) return std::nullopt;
  } while (cursor.take(','));
  if (!cursor.take('}') || !cursor.at_end() || !numbered || !timed || !valued) return std::nullopt;
  return reading;
}

}  // namespace bramble::wire
