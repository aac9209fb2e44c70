#include "common/learn/bytes.hpp"

#include <array>

namespace bramble::learn {
namespace {

constexpr size_t kHeadBytes = 4 + sizeof(uint32_t) + sizeof(uint64_t);

constexpr std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xEDB88320U : 0U);
    table[i] = value;
  }
  return table;
}

}  // namespace

uint32_t crc32(std::string_view bytes) {
  static constexpr std::array<uint32_t, 256> kTable = crc_table();
  uint32_t value = 0xFFFFFFFFU;
  for (const char byte : bytes) value = kTable[(value ^ static_cast<unsigned char>(byte)) & 0xFFU] ^ (value >> 8);
  return ~value;
}

std::string seal(std::string_view kind, uint32_t version, const std::string& content) {
  Writer writer;
  for (const char letter : kind) writer.number(letter);
  writer.number(version);
  writer.number(static_cast<uint64_t>(content.size()));
  std::string sealed = writer.take() + content;
  Writer tail;
  tail.number(crc32(sealed));
  return sealed + tail.take();
}

Result<std::string_view> unseal(std::string_view kind, uint32_t version, std::string_view sealed) {
  if (!sealed.starts_with(kind)) return fail("this is no such file: it begins otherwise");
  Reader reader(sealed.substr(kind.size()));
  const auto found_version = reader.number<uint32_t>();
  const auto length = reader.number<uint64_t>();
  if (reader.good() && found_version != version) {
    return fail(ErrorCode::corrupt, "it is of version " + std::to_string(found_version) +
                                        ", and this program reads version " + std::to_string(version));
  }
  if (!reader.good() || sealed.size() < kHeadBytes + sizeof(uint32_t) ||
      length != sealed.size() - kHeadBytes - sizeof(uint32_t)) {
    return fail(ErrorCode::corrupt, "it is cut off, or longer than it was");
  }
  const std::string_view checked = sealed.substr(0, kHeadBytes + length);
  if (Reader(sealed.substr(checked.size())).number<uint32_t>() != crc32(checked)) {
    return fail(ErrorCode::corrupt, "it is damaged: its checksum is another");
  }
  return checked.substr(kHeadBytes);
}

}  // namespace bramble::learn
