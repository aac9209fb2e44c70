#include "aggregator/http/refusal_log.hpp"

#include <gmock/gmock.h>

#include <vector>

namespace bramble::aggregator::http {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RefusalLogTest : public testing::Test {
 protected:
  void refuse(const std::string& who, const std::string& from, int status = 403) {
    log_.note({who, from, "POST /api/v1/jobs", "no", 1}, status, now_);
  }
  void pass(int64_t ms) {
    now_ = now_ + ms;
    log_.tell_due(now_);
  }
  std::vector<std::string> take() {
    std::vector<std::string> lines;
    for (const Refused& refused : std::exchange(told_, {})) {
      lines.push_back(refused.who + "@" + refused.from + " x" + std::to_string(refused.times));
    }
    return lines;
  }

  MonoTime now_{1000};
  std::vector<Refused> told_;
  RefusalLog log_{[this](Refused refused) { told_.push_back(std::move(refused)); }};
};

TEST_F(RefusalLogTest, TheFirstIsToldAtOnceAndTheNextAreCounted) {
  for (int i = 0; i < 1000; ++i) refuse("eve", "10.0.0.1");
  EXPECT_THAT(take(), ElementsAre("eve@10.0.0.1 x1"));
  pass(RefusalLog::kSpanMs - 1);
  EXPECT_THAT(take(), IsEmpty());
  pass(1);
  EXPECT_THAT(take(), ElementsAre("eve@10.0.0.1 x999"));
}

TEST_F(RefusalLogTest, OneThatGoesOnIsToldOnceInASpanAndOneThatCameBackAtOnce) {
  refuse("eve", "10.0.0.1");
  refuse("eve", "10.0.0.1");
  pass(RefusalLog::kSpanMs);
  take();
  refuse("eve", "10.0.0.1");
  EXPECT_THAT(take(), IsEmpty());
  pass(RefusalLog::kSpanMs);
  EXPECT_THAT(take(), ElementsAre("eve@10.0.0.1 x1"));
  pass(RefusalLog::kSpanMs);
  refuse("eve", "10.0.0.1");
  EXPECT_THAT(take(), ElementsAre("eve@10.0.0.1 x1"));
}

TEST_F(RefusalLogTest, KindsAreKeptApart) {
  refuse("eve", "10.0.0.1", 403);
  refuse("eve", "10.0.0.1", 401);
  refuse("eve", "10.0.0.2");
  refuse("", "10.0.0.1");
  EXPECT_EQ(take().size(), 4U);
}

TEST_F(RefusalLogTest, ManySourcesFillNothing) {
  for (int i = 0; i < 5000; ++i) refuse("", "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250), 401);
  EXPECT_EQ(take().size(), RefusalLog::kMaxKinds + 1);
  pass(RefusalLog::kSpanMs);
  EXPECT_THAT(take(), ElementsAre("@many places x" + std::to_string(5000 - RefusalLog::kMaxKinds - 1)));
  pass(RefusalLog::kSpanMs);
  EXPECT_THAT(take(), IsEmpty());
}

TEST_F(RefusalLogTest, WhatWasAskedFirstOfThoseThatWereCountedIsTold) {
  log_.note({"eve", "x", "GET /a", "no", 1}, 403, now_);
  log_.note({"eve", "x", "GET /b", "no", 1}, 403, now_);
  log_.note({"eve", "x", "GET /c", "no", 1}, 403, now_);
  pass(RefusalLog::kSpanMs);
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_EQ(told_[1].what, "GET /b");
  EXPECT_EQ(told_[1].times, 2U);
}

}  // namespace
}  // namespace bramble::aggregator::http
