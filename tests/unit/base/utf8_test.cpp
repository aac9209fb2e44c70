#include "common/base/utf8.hpp"

#include <gtest/gtest.h>

namespace bramble {
namespace {

TEST(Utf8, AcceptsEveryLengthOfCharacter) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("a\x7F"));
  EXPECT_TRUE(is_utf8("\xC2\x80 \xDF\xBF"));
  EXPECT_TRUE(is_utf8("\xE0\xA0\x80 \xED\x9F\xBF \xEF\xBF\xBF"));
  EXPECT_TRUE(is_utf8("\xF0\x90\x80\x80 \xF4\x8F\xBF\xBF"));
}

TEST(Utf8, RefusesOverlongSurrogateTooHighAndTorn) {
  for (const char* bad : {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC3", "\xE2\x82", "\xF0\x9F\x98", "\xC3(",
                          "\xE2(\xA1", "\xE2\x82(", "\xF0\x9F\x98("}) {
    EXPECT_FALSE(is_utf8(bad)) << testing::PrintToString(bad);
  }
}

TEST(Utf8, ReplacesEachBadByteAndKeepsTheRest) {
  EXPECT_EQ(to_utf8("a\xFF"
                    "b\xC3",
                    100),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD");
  EXPECT_EQ(to_utf8("gr\xC3\xBC\xC3\x9F", 100), "gr\xC3\xBC\xC3\x9F");
}

TEST(Utf8, CutsOnlyBetweenCharacters) {
  EXPECT_EQ(to_utf8("\xC3\xBC\xC3\xBC", 3), "\xC3\xBC");
  EXPECT_EQ(to_utf8("abc", 2), "ab");
  EXPECT_EQ(to_utf8("\xFF", 2), "");
  EXPECT_EQ(to_utf8("abc", 0), "");
}

}  // namespace
}  // namespace bramble
