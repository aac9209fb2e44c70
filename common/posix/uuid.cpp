#include "common/posix/uuid.hpp"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace bramble::posix {
namespace {

void fill_random(void* data, size_t bytes) {
  ssize_t got = 0;
  do {
    got = ::getrandom(data, bytes, 0);  // up to 256 bytes are given whole
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(bytes)) {
    std::perror("getrandom");
    std::abort();
  }
}

}  // namespace

uint64_t random_u64() {
  uint64_t number = 0;
  fill_random(&number, sizeof number);
  return number;
}

std::string random_uuid() {
  std::array<uint8_t, 16> bytes{};
  fill_random(bytes.data(), bytes.size());
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0F) | 0x40);  // version 4
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3F) | 0x80);  // the standard's variant
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += "0123456789abcdef"[bytes[i] >> 4];
    text += "0123456789abcdef"[bytes[i] & 0x0F];
  }
  return text;
}

}  // namespace bramble::posix
