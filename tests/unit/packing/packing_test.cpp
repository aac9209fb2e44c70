#include "common/packing/packing.hpp"

#include <gtest/gtest.h>

#include <random>

namespace bramble::packing {
namespace {

constexpr size_t kMost = 64 << 10;

std::string noise(size_t bytes) {
  std::mt19937 random(7);
  std::string text;
  while (text.size() < bytes) text += static_cast<char>(random() & 0xff);
  return text;
}

std::string words(size_t bytes) {
  std::string text;
  for (int i = 0; text.size() < bytes; ++i) text += "reading " + std::to_string(i * 7919 % 1000) + " of node pi07\n";
  text.resize(bytes);
  return text;
}

TEST(Packing, GivesBackWhatWasPacked) {
  for (const size_t bytes : {size_t{100}, size_t{4096}, kMost}) {
    const std::string text = words(bytes);
    const auto packed = pack(text);
    ASSERT_TRUE(packed) << bytes;
    EXPECT_LE(packed->size(), bytes - bytes / 8);
    EXPECT_EQ(unpack(*packed, kMost).value(), text);
  }
}

TEST(Packing, LeavesWhatHardlyShrinksAsItIs) {
  EXPECT_FALSE(pack(noise(kMost)));
  EXPECT_FALSE(pack(""));
  EXPECT_FALSE(pack("x"));
}

TEST(Packing, TellsByTheMiddleOfALongPieceWhetherItIsWorthATry) {
  std::string text = words(kMost);
  EXPECT_TRUE(pack(text.replace(0, 8 << 10, noise(8 << 10))));  // its beginning (a head, a picture's) is no sign
  text.replace(kMost / 2 - (4 << 10), 8 << 10, noise(8 << 10));
  EXPECT_FALSE(pack(text));
  EXPECT_TRUE(pack(text.substr(0, 12 << 10) + noise(1 << 10)));  // a short one is tried with all of it
}

TEST(Packing, RefusesMoreThanWasAllowedBeforeItTakesTheRoom) {
  const auto packed = pack(std::string(kMost + 1, 'x'));
  ASSERT_TRUE(packed);
  const auto refused = unpack(*packed, kMost);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "they claim to be 65537 bytes; at most 65536 are allowed");
  std::string giant("\x28\xb5\x2f\xfd\xe0\0\0\0\0\0\0\0\x7f\1\0\0", 16);  // a frame of 2^63 bytes, or so it says
  EXPECT_FALSE(unpack(giant, kMost));
}

TEST(Packing, RefusesWhatIsDamagedOrCutOff) {
  const std::string packed = pack(words(5000)).value();
  for (size_t bytes = 0; bytes < packed.size(); bytes += 7) EXPECT_FALSE(unpack(packed.substr(0, bytes), kMost));
  EXPECT_FALSE(unpack(noise(500), kMost));
  EXPECT_FALSE(unpack("", kMost));
  std::mt19937 random(3);
  for (int i = 0; i < 2000; ++i) {  // any bytes are unpacked or refused
    std::string damaged = packed;
    damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
    const auto unpacked = unpack(damaged, kMost);
    EXPECT_LE(unpacked ? unpacked->size() : 0, kMost);
  }
}

}  // namespace
}  // namespace bramble::packing
