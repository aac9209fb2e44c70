#include "common/base/ids.hpp"

#include <gtest/gtest.h>

namespace bramble {
namespace {

TEST(AttemptKey, ReadsWhatItWrites) {
  const AttemptKey key{.job = 12, .task = 0, .attempt = 3};
  EXPECT_EQ(to_string(key), "12/0/3");
  EXPECT_EQ(parse_attempt_key("12/0/3"), key);
  EXPECT_EQ(parse_attempt_key("18446744073709551615/4294967295/4294967295"),
            (AttemptKey{.job = UINT64_MAX, .task = UINT32_MAX, .attempt = UINT32_MAX}));
}

TEST(AttemptKey, HasExactlyOneText) {
  for (const char* bad : {"",
                          "1",
                          "1/2",
                          "1/2/",
                          "1/2/3/",
                          "1/2/3/4",
                          "/1/2",
                          "01/2/3",
                          "1/02/3",
                          "1/2/03",
                          "1/00/3",
                          "0/1/1",
                          "1/1/0",
                          "-1/1/1",
                          "+1/1/1",
                          " 1/1/1",
                          "1/1/1 ",
                          "1.1.1",
                          "a/b/c",
                          "18446744073709551616/1/1",
                          "1/4294967296/1",
                          "1/1/4294967296"}) {
    EXPECT_FALSE(parse_attempt_key(bad)) << bad;
  }
}

TEST(Names, FollowTheirRule) {
  for (const char* good : {"a", "pi-01", "Node_7.lan", "0", "9a"}) EXPECT_TRUE(is_valid_name(good)) << good;
  EXPECT_TRUE(is_valid_name(std::string(63, 'a')));
  EXPECT_FALSE(is_valid_name(std::string(64, 'a')));
  for (const char* bad : {"", "-a", ".a", "_a", "a b", "a/b", "a+", "#", "a\n", "\xC3\xBC"}) {
    EXPECT_FALSE(is_valid_name(bad)) << bad;
  }
}

TEST(Names, TellUuidsAndDigests) {
  EXPECT_TRUE(is_uuid("00112233-4455-6677-8899-aabbccddeeff"));
  EXPECT_FALSE(is_uuid("00112233-4455-6677-8899-AABBCCDDEEFF"));
  EXPECT_FALSE(is_uuid("00112233-4455-6677-8899-aabbccddeef"));
  EXPECT_FALSE(is_uuid("00112233x4455-6677-8899-aabbccddeeff"));
  EXPECT_TRUE(is_sha256(std::string(64, 'a')));
  EXPECT_FALSE(is_sha256(std::string(64, 'g')));
  EXPECT_FALSE(is_sha256(std::string(63, 'a')));
}

}  // namespace
}  // namespace bramble
