// The quick way and the way for everything must say the same of any text.
#include "common/wire/plain_telemetry.hpp"

#include <gtest/gtest.h>

#include "common/wire/codec.hpp"
#include "unit/wire/samples.hpp"

namespace bramble::wire {
namespace {

TEST(PlainTelemetry, TakesWhatAgentsSend) {
  Telemetry reading = samples::full_telemetry();
  reading.values = {{"energy_j", 6.05e6}, {"load1", 0}, {"power_w", 3.25}, {"wifi_signal_dbm", -61}, {"x", 1e-7}};
  const auto plain = decode_plain_telemetry(encode(reading));
  ASSERT_TRUE(plain);
  EXPECT_EQ(*plain, reading);
  EXPECT_TRUE(decode_plain_telemetry(encode(samples::full_telemetry())));
}

TEST(PlainTelemetry, LeavesAllElseToTheDecoderForEverything) {
  for (const std::string text : {"",
                                 "{}",
                                 R"({"number":1,"wall_ms":1,"values":{}} )",
                                 R"({"number":1,"wall_ms":1})",
                                 R"({"number":1,"wall_ms":1,"values":{"a":1},"new":2})",
                                 R"({"number":1,"wall_ms":1,"values":{"a":1,"a":2}})",
                                 R"({"number":1,"wall_ms":1,"values":{"\u0061":1}})",
                                 R"({"number":01,"wall_ms":1,"values":{"a":1}})",
                                 R"({"number":1.0,"wall_ms":1,"values":{"a":1}})",
                                 R"({"number":1,"wall_ms":1,"values":{"a":01}})",
                                 R"({"number":1,"wall_ms":1,"values":{"a":1.}})",
                                 R"({"number":1,"wall_ms":1,"values":{"a":.5}})",
                                 R"({"number":1,"wall_ms":1,"values":{"a":+5}})",
                                 R"({"number":1,"wall_ms":1,"values":{"a":inf}})",
                                 R"({"number":1,"wall_ms":1,"values":{"a":nan}})",
                                 R"({"number":1,"wall_ms":1,"values":{"a":1e999}})",
                                 R"({"number":1,"wall_ms":1,"values":{"a":1e}})",
                                 R"({"number":1,"wall_ms":1,"values":{"a":0x10}})",
                                 R"({"number":1,"wall_ms":1,"values":{"a":"1"}})",
                                 R"({"number":1,"wall_ms":1,"values":{"a b":1}})",
                                 R"({"number":1,"wall_ms":1,"values":{"energy_j":-1}})",
                                 R"({"number":1,"wall_ms":1,"values":{"power_w":-3}})",
                                 R"({"number":1,"wall_ms":1,"values":{"power_w":10000.1}})",
                                 R"({"number":1,"wall_ms":1,"age_ms":2678400001,"values":{"a":1}})",
                                 R"({"number":1,"wall_ms":1,"values":{"a":1},})",
                                 R"({"number":1,"wall_ms":1,"values":{"a":1}}x)"}) {
    EXPECT_FALSE(decode_plain_telemetry(text)) << text;
  }
}

// Every text that is cut off somewhere, or has one byte that is another.
TEST(PlainTelemetry, TakesNothingThatIsWrong) {
  const std::string whole = encode(samples::full_telemetry());
  for (size_t at = 0; at < whole.size(); ++at) {
    EXPECT_FALSE(decode_plain_telemetry(whole.substr(0, at)));
    for (const char other : {'0', '9', '"', '\\', '{', '}', ',', '-', '.', 'e', '\0', '\n'}) {
      std::string text = whole;
      text[at] = other;
      const auto plain = decode_plain_telemetry(text);
      if (!plain) continue;
      // What it takes must come back the same through the way for everything: an unknown field sends it there.
      text.insert(text.size() - 1, R"(,"zzz":0)");
      const auto thorough = decode<Telemetry>(text);
      ASSERT_TRUE(thorough) << text;
      EXPECT_EQ(*thorough, *plain) << text;
    }
  }
}

}  // namespace
}  // namespace bramble::wire
