#include "common/base/base64.hpp"

#include <gtest/gtest.h>

namespace bramble {
namespace {

TEST(Base64, EncodesTheVectorsOfTheStandard) {
  EXPECT_EQ(base64_encode(""), "");
  EXPECT_EQ(base64_encode("f"), "Zg==");
  EXPECT_EQ(base64_encode("fo"), "Zm8=");
  EXPECT_EQ(base64_encode("foo"), "Zm9v");
  EXPECT_EQ(base64_encode("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64_encode("\xFB\xFF\xFE"), "+//+");
}

TEST(Base64, GivesBackEveryByteAtEveryLength) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes += static_cast<char>(i);
    EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes);
  }
}

TEST(Base64, RefusesWhatIsNotTheOneTextOfItsBytes) {
  for (const char* bad : {"Z", "Zg", "Zg=", "Zg=a", "Zh==", "Zm9=", "Z===", "====", "Zm 9", "Zm9v\n", "Zm-_",
                          "=Zg=", "Zg==Zg==", "Zm9vZ"}) {
    EXPECT_FALSE(base64_decode(bad)) << bad;
  }
}

TEST(Base64, SaysWhatIsWrong) {
  EXPECT_EQ(base64_decode("Zg").error().message, "not base64: the length must be a multiple of 4");
  EXPECT_EQ(base64_decode("Zm-_").error().message, "not base64: a character outside of A-Z a-z 0-9 + /");
  EXPECT_EQ(base64_decode("Zh==").error().message, "not base64: bits left over at the end");
}

}  // namespace
}  // namespace bramble
