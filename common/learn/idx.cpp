#include "common/learn/idx.hpp"

#include "common/learn/dataset.hpp"

namespace bramble::learn {
namespace {

constexpr unsigned char kBytes = 0x08;

unsigned char at(const std::string& text, size_t index) { return static_cast<unsigned char>(text[index]); }

uint32_t number_at(const std::string& text, size_t index) {
  return (uint32_t{at(text, index)} << 24) | (uint32_t{at(text, index + 1)} << 16) |
         (uint32_t{at(text, index + 2)} << 8) | at(text, index + 3);
}

std::string dimensions(size_t least, size_t most) {
  return least == most ? std::to_string(least) : std::to_string(least) + " to " + std::to_string(most);
}

}  // namespace

Result<IdxData> read_idx(const std::string& text, const std::string& name, size_t least, size_t most) {
  if (text.starts_with("\x1f\x8b")) return fail(name + ": it is compressed: gunzip it first");
  if (text.size() < 4 || at(text, 0) != 0 || at(text, 1) != 0) {
    return fail(name + ": byte 1: this is no IDX file (those begin with two zero bytes)");
  }
  if (at(text, 2) != kBytes) {
    return fail(name + ": byte 3: its numbers are of kind " + std::to_string(at(text, 2)) +
                "; here only bytes (8) are read");
  }
  const size_t count = at(text, 3);
  if (count < least || count > most) {
    return fail(name + ": byte 4: it has " + std::to_string(count) + " dimensions, and " + dimensions(least, most) +
                " are wanted" + (most == 1 ? " for labels" : " for images"));
  }
  const size_t head = 4 + 4 * count;
  if (text.size() < head)
    return fail(name + ": byte " + std::to_string(text.size() + 1) + ": the file ends in its head");
  IdxData data;
  uint64_t values = 1;
  for (size_t i = 0; i < count; ++i) {
    data.sizes.push_back(number_at(text, 4 + 4 * i));
    values *= data.sizes.back();
    if (data.sizes.back() == 0 || values > kMaxDataValues || data.sizes.front() > kMaxRows) {
      return fail(name + ": byte " + std::to_string(5 + 4 * i) + ": a size of " + std::to_string(data.sizes.back()) +
                  " is none, or makes more than " + std::to_string(kMaxDataValues) + " values");
    }
  }
  if (text.size() - head != values) {
    return fail(name + ": byte " + std::to_string(text.size() + 1) + ": the file has " +
                std::to_string(text.size() - head) + " bytes of data, and its head says " + std::to_string(values));
  }
  data.bytes = std::string_view(text).substr(head);
  return data;
}

}  // namespace bramble::learn
