// Numbers, texts and lists as bytes, low byte first; and a container with a checksum for what is kept or sent. Pure.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/base/result.hpp"

namespace bramble::learn {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie in memory");

class Writer {
 public:
  template <typename T>
  void number(T value) {
    static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }

  void text(std::string_view value) {
    number(static_cast<uint32_t>(value.size()));
    bytes_ += value;
  }

  void texts(const std::vector<std::string>& values) {
    number(static_cast<uint32_t>(values.size()));
    for (const std::string& value : values) text(value);
  }

  template <typename T>
  void list(const std::vector<T>& values) {
    number(static_cast<uint32_t>(values.size()));
    bytes_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  }

  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Reads what Writer wrote. What is missing or beyond a limit reads as nothing, and good() is false from then on.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  template <typename T>
  T number() {
    T value{};
    if (take(sizeof value)) std::memcpy(&value, taken_.data(), sizeof value);
    return value;
  }

  // An enumeration whose last value is `last`.
  template <typename T>
  T choice(T last) {
    const T value = number<T>();
    if (value > last) good_ = false;
    return good_ ? value : T{};
  }

  bool flag() { return choice<uint8_t>(1) == 1; }

  std::string text(size_t most) {
    const size_t length = number<uint32_t>();
    return length <= most && take(length) ? std::string(taken_) : (good_ = false, std::string());
  }

  std::vector<std::string> texts(size_t most, size_t most_bytes) {
    const size_t count = number<uint32_t>();
    if (count > most) good_ = false;
    std::vector<std::string> values;
    for (size_t i = 0; good_ && i < count; ++i) values.push_back(text(most_bytes));
    return values;
  }

  template <typename T>
  std::vector<T> list(size_t most) {
    const size_t count = number<uint32_t>();
    if (count > most || !take(count * sizeof(T))) {
      good_ = false;
      return {};
    }
    std::vector<T> values(count);
    if (count > 0) std::memcpy(values.data(), taken_.data(), taken_.size());
    return values;
  }

  void refuse() { good_ = false; }  // what was read makes no sense
  bool good() const { return good_; }
  bool at_end() const { return good_ && rest_.empty(); }

 private:
  bool take(size_t count) {
    good_ = good_ && count <= rest_.size();
    taken_ = rest_.substr(0, good_ ? count : 0);
    rest_.remove_prefix(taken_.size());
    return good_;
  }

  std::string_view rest_;
  std::string_view taken_;
  bool good_ = true;
};

// kind: four letters, such as "BRMM". The content is between a head (kind, version, length) and its CRC-32.
std::string seal(std::string_view kind, uint32_t version, const std::string& content);

// The content again. An error says what it is not: of that kind, of that version, whole, undamaged.
Result<std::string_view> unseal(std::string_view kind, uint32_t version, std::string_view sealed);

uint32_t crc32(std::string_view bytes);

}  // namespace bramble::learn
