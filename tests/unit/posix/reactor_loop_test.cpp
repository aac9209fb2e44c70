#include "common/posix/reactor_loop.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bramble::posix {
namespace {

// Writes down what is called, in order.
class ReactorLoopTest : public testing::Test {
 protected:
  ReactorHooks<int> hooks() {
    return {
        .apply =
            [this](std::vector<int> events, Now) {
              calls_ += "apply";
              for (const int each : events) calls_ += std::to_string(each);
              calls_ += ' ';
            },
        .commit = [this]() -> Status {
          calls_ += "commit ";
          if (failures_-- > 0) return fail(ErrorCode::io, "disk full");
          return {};
        },
        .release =
            [this] {
              calls_ += "release ";
              if (on_release_) on_release_();
            },
        .next_wake = [this] { return std::exchange(wake_at_, std::nullopt); },
        .on_commit_failed = [this](const Error& error) { calls_ += "[" + error.message + "] "; },
    };
  }

  EventLoop loop_;
  Inbox<int> inbox_{100, 100, [this] { loop_.wake(); }};
  std::string calls_;
  int failures_ = 0;
  std::function<void()> on_release_;
  std::optional<MonoTime> wake_at_;
};

TEST_F(ReactorLoopTest, AppliesABatchCommitsThenReleases) {
  ReactorLoop<int> reactor(loop_, inbox_, hooks());
  on_release_ = [this] { loop_.stop(); };
  inbox_.put(1);
  inbox_.put(2);
  loop_.run();
  EXPECT_EQ(calls_, "apply12 commit release ");
}

TEST_F(ReactorLoopTest, RepeatsAFailedCommitAndTakesNothingMeanwhile) {
  ReactorLoop<int> reactor(loop_, inbox_, hooks());
  failures_ = 1;
  inbox_.put(1);
  reactor.step();
  EXPECT_EQ(calls_, "apply1 commit [disk full] ");
  inbox_.put(2);
  reactor.step();
  EXPECT_EQ(calls_, "apply1 commit [disk full] ");
  on_release_ = [this, releases = 0]() mutable {
    if (++releases == 2) loop_.stop();
  };
  loop_.run();
  EXPECT_EQ(calls_, "apply1 commit [disk full] commit release apply2 commit release ");
}

TEST_F(ReactorLoopTest, WakesWhenTheStateWantsTo) {
  ReactorLoop<int> reactor(loop_, inbox_, hooks());
  wake_at_ = mono_now() + 1;
  reactor.step();
  on_release_ = [this] { loop_.stop(); };
  loop_.run();
  EXPECT_EQ(calls_, "apply commit release apply commit release ");
}

}  // namespace
}  // namespace bramble::posix
