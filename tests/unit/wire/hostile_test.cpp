// Bytes that no sender of ours makes: each decoder refuses them, quickly and without harm.
#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "common/base/random.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/warden_messages.hpp"
#include "unit/wire/samples.hpp"

namespace bramble::wire {
namespace {

using Decoder = std::function<Status(std::string_view)>;

template <typename Message>
Status try_decode(std::string_view text) {
  return decode<Message>(text).map([](const auto&) {});
}

const std::vector<Decoder> kDecoders = {
    try_decode<NodeStatus>,
    try_decode<Beat>,
    try_decode<Telemetry>,
    try_decode<TasksMessage>,
    try_decode<EventsMessage>,
    try_decode<Inventory>,
    try_decode<BlobGet>,
    try_decode<BlobHave>,
    try_decode<OutputWant>,
    try_decode<Checkup>,
    try_decode<Control>,
    try_decode<CertificateRequest>,
    try_decode<NewCertificate>,
    try_decode<AggregatorStatus>,
    [](std::string_view text) { return decode_warden_request(text).map([](const auto&) {}); },
    [](std::string_view text) { return decode_warden_report(text).map([](const auto&) {}); },
    [](std::string_view text) { return decode_exit_record(text).map([](const auto&) {}); },
    [](std::string_view text) { return decode_start_record(text).map([](const auto&) {}); },
};

void expect_all_refuse(const std::string& text, const std::string& complaint) {
  for (const Decoder& decode_it : kDecoders) {
    const Status got = decode_it(text);
    ASSERT_FALSE(got) << text.substr(0, 100);
    EXPECT_NE(got.error().message.find(complaint), std::string::npos) << got.error().message;
    EXPECT_LT(got.error().message.size(), 300U);
  }
}

TEST(Hostile, WhatIsNotJson) {
  for (const std::string text : {"", " ", "garbage", "\xFF\xFE\x00", "{", "}", "{\"a\":1,}", "[1,2", "\"\xFF\"", "nul",
                                 "{\"a\":1}{}", "'a'", "\"\\ud800\"", "01", "1e999", "{\"a\":\"b\n\"}"}) {
    expect_all_refuse(text, "not JSON");
  }
}

TEST(Hostile, WhatIsNoObject) {
  for (const char* text : {"null", "true", "1", "1.5", "\"text\"", "[]", "[{}]"}) {
    expect_all_refuse(text, "must be an object");
  }
}

TEST(Hostile, AnEmptyObject) { expect_all_refuse("{}", "is missing"); }

TEST(Hostile, DeepNesting) {
  for (const size_t depth : {size_t{17}, size_t{1000}, size_t{100'000}}) {
    expect_all_refuse(std::string(depth, '['), "nested deeper than 16");
    std::string objects;
    for (size_t i = 0; i < depth; ++i) objects += "{\"a\":";
    expect_all_refuse(objects, "nested deeper than 16");
  }
  const std::string hidden = R"({"a":"\\","b":"\"","c":)" + std::string(100, '[') + std::string(100, ']') + "}";
  expect_all_refuse(hidden, "nested deeper than 16");
}

TEST(Hostile, BracketsWithinStringsAreNoNesting) {
  const std::string text =
      R"({"number":1,"session":1,"sent_ms":1,"running":0,"queued":0,"x":"\")" + std::string(1000, '[') + R"("})";
  EXPECT_TRUE(decode<Beat>(text));
}

TEST(Hostile, TooLong) {
  const std::string beat = encode(samples::full_beat());
  EXPECT_TRUE(decode<Beat>(beat + std::string(kMaxMessageBytes - beat.size(), ' ')));
  const auto longer = decode<Beat>(beat + std::string(kMaxMessageBytes + 1 - beat.size(), ' '));
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error(), (Error{ErrorCode::limit, "beat: longer than 1048576 bytes"}));
  expect_all_refuse(std::string(kMaxWardenFrameBytes + 1, ' '), "longer than");
}

// Looking one up must not mean to look at all the others: with 20,000 keys that would be seen.
TEST(Hostile, ManyKeysInOneObject) {
  std::string text = "{";
  for (int key = 0; key < 20'000; ++key) text += "\"" + std::to_string(key) + "\":0,";
  EXPECT_FALSE(decode<Beat>(text + "\"z\":0}"));
}

// Every decoder stays on its feet when bytes of good messages are changed, cut or doubled.
TEST(Hostile, DamagedMessages) {
  const std::vector<std::string> good = {encode(samples::full_status()), encode(samples::full_tasks()),
                                         encode(samples::full_events()), encode(samples::full_inventory()),
                                         encode(WardenReport(samples::full_state()))};
  Random random(11);
  for (int round = 0; round < 500; ++round) {
    std::string text = good[random.below(good.size())];
    for (uint64_t i = random.below(4) + 1; i > 0; --i)
      text[random.below(text.size())] = static_cast<char>(random.next());
    if (random.chance(0.2)) text.resize(random.below(text.size()));
    for (const Decoder& decode_it : kDecoders) {
      if (const Status got = decode_it(text); !got) {
        ASSERT_FALSE(got.error().message.empty());
      }
    }
  }
}

}  // namespace
}  // namespace bramble::wire
