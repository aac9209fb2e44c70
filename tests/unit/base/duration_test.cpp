#include "common/base/duration.hpp"

#include <gtest/gtest.h>

namespace bramble {
namespace {

TEST(Duration, ReadsEveryUnit) {
  EXPECT_EQ(parse_duration_ms("90"), 90'000);
  EXPECT_EQ(parse_duration_ms("0"), 0);
  EXPECT_EQ(parse_duration_ms("250ms"), 250);
  EXPECT_EQ(parse_duration_ms("3s"), 3000);
  EXPECT_EQ(parse_duration_ms("10m"), 600'000);
  EXPECT_EQ(parse_duration_ms("2h"), 7'200'000);
  EXPECT_EQ(parse_duration_ms("2d"), 172'800'000);
  EXPECT_EQ(parse_duration_ms("1w"), 604'800'000);
}

TEST(Duration, ReadsFractionsAndSeveralParts) {
  EXPECT_EQ(parse_duration_ms("0.5"), 500);
  EXPECT_EQ(parse_duration_ms("1.5h"), 5'400'000);
  EXPECT_EQ(parse_duration_ms("1h 30m"), 5'400'000);
  EXPECT_EQ(parse_duration_ms("1h30m"), 5'400'000);
  EXPECT_EQ(parse_duration_ms(" 0h 30m 5s "), 1'805'000);
}

TEST(Duration, RefusesWhatIsNone) {
  for (const char* bad : {"", " ", "x", "-1", "1x", "m", "1 h", "30m 1h", "1m 1m", "1h 30", "90 5m", "1.5.5s", "1,5s",
                          "1H", "1ms2", "99999999999999999999", "36501d", "36500d 1ms"}) {
    EXPECT_FALSE(parse_duration_ms(bad)) << bad;
  }
  EXPECT_EQ(parse_duration_ms("36500d"), kMaxDurationMs);
}

TEST(Duration, SaysHowToWriteIt) {
  EXPECT_EQ(parse_duration_ms("ten").error().message,
            "not a duration: 'ten'; write it like 90 (seconds), 250ms, 10m, 1h 30m or 2d");
}

TEST(Duration, FormatsShort) {
  EXPECT_EQ(format_duration(0), "0ms");
  EXPECT_EQ(format_duration(999), "999ms");
  EXPECT_EQ(format_duration(1000), "1s");
  EXPECT_EQ(format_duration(1590), "1.5s");
  EXPECT_EQ(format_duration(42'900), "42s");
  EXPECT_EQ(format_duration(60'000), "1m");
  EXPECT_EQ(format_duration(185'000), "3m 5s");
  EXPECT_EQ(format_duration(7'259'999), "2h");
  EXPECT_EQ(format_duration(7'260'000), "2h 1m");
  EXPECT_EQ(format_duration(int64_t{99} * 3'600'000), "4d 3h");
  EXPECT_EQ(format_duration(-1500), "-1.5s");
  EXPECT_EQ(format_duration(INT64_MIN), format_duration(-INT64_MAX));
}

TEST(Duration, ReadsWhatItFormats) {
  for (const int64_t ms : {0, 7, 1500, 42'000, 185'000, 7'260'000, 356'400'000}) {
    EXPECT_EQ(parse_duration_ms(format_duration(ms)), ms);
  }
}

}  // namespace
}  // namespace bramble
