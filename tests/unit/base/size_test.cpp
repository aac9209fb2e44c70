#include "common/base/size.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace bramble {
namespace {

TEST(Size, CountsBy1024) {
  EXPECT_EQ(parse_size_bytes("0"), 0U);
  EXPECT_EQ(parse_size_bytes("512"), 512U);
  EXPECT_EQ(parse_size_bytes("100K"), 102'400U);
  EXPECT_EQ(parse_size_bytes("1M"), 1'048'576U);
  EXPECT_EQ(parse_size_bytes("2G"), uint64_t{2} << 30);
  EXPECT_EQ(parse_size_bytes("1.5G"), uint64_t{3} << 29);
  EXPECT_EQ(parse_size_bytes("15E"), uint64_t{15} << 60);
}

TEST(Size, TakesTheUsualSpellings) {
  for (const char* text : {"1M", "1m", "1MB", "1MiB", "1mib", "1024KB", "1048576B"}) {
    EXPECT_EQ(parse_size_bytes(text), 1'048'576U) << text;
  }
}

TEST(Size, RefusesWhatIsNone) {
  for (const char* bad :
       {"", "M", "-1", "1X", "1MX", "1KiBB", "1 M", "1.M", "16E", "1Mi", "1BB", "1 ", "0x10", "18446744073709551616"}) {
    EXPECT_FALSE(parse_size_bytes(bad)) << bad;
  }
  EXPECT_EQ(parse_size_bytes("18446744073709551615"), std::numeric_limits<uint64_t>::max());
}

TEST(Size, SaysHowToWriteIt) {
  EXPECT_EQ(parse_size_bytes("big").error().message,
            "not a size: 'big'; write it like 512 (bytes), 100K, 1M or 1.5G (K is 1024)");
}

TEST(Size, FormatsShort) {
  EXPECT_EQ(format_size(0), "0");
  EXPECT_EQ(format_size(1023), "1023");
  EXPECT_EQ(format_size(1024), "1K");
  EXPECT_EQ(format_size(1536), "1.5K");
  EXPECT_EQ(format_size(10 * 1024 + 512), "10K");
  EXPECT_EQ(format_size(1'048'575), "1023K");
  EXPECT_EQ(format_size(100 << 20), "100M");
  EXPECT_EQ(format_size((uint64_t{2} << 40) - 1), "1.9T");
  EXPECT_EQ(format_size(std::numeric_limits<uint64_t>::max()), "15E");
}

}  // namespace
}  // namespace bramble
