#include "common/posix/event_loop.hpp"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <thread>

#include "common/posix/inbox.hpp"
#include "common/posix/system_clock.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::posix {
namespace {

struct Pair {
  Pair() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    near.reset(ends[0]);
    far.reset(ends[1]);
  }
  void speak() const { EXPECT_EQ(::write(far.get(), "x", 1), 1); }
  UniqueFd near;
  UniqueFd far;
};

TEST(EventLoop, CallsTimersInOrderOfTimeThenOfSetting) {
  EventLoop loop;
  std::string calls;
  const MonoTime start = mono_now();
  loop.call_at(start + 2, [&] { calls += 'c'; });
  loop.call_at(start + 1, [&] { calls += 'a'; });
  loop.call_at(start + 1, [&] { calls += 'b'; });
  loop.call_at(start + 3, [&] { loop.stop(); });
  loop.run();
  EXPECT_EQ(calls, "abc");
  EXPECT_GE(mono_now() - start, 3);
}

TEST(EventLoop, ACancelledTimerIsNotCalled) {
  EventLoop loop;
  bool called = false;
  const auto timer = loop.call_after(0, [&] { called = true; });
  loop.cancel(timer);
  loop.cancel(timer);
  loop.call_after(1, [&] { loop.stop(); });
  loop.run();
  EXPECT_FALSE(called);
}

TEST(EventLoop, ATimerThatSetsItselfForNowDoesNotStarveDescriptors) {
  EventLoop loop;
  const Pair pair;
  int rounds = 0;
  std::function<void()> again = [&] {
    if (++rounds == 3) pair.speak();
    loop.call_after(0, again);
  };
  loop.add_fd(pair.near.get(), EPOLLIN, [&](uint32_t) { loop.stop(); });
  loop.call_after(0, again);
  loop.run();
  EXPECT_GE(rounds, 3);
}

TEST(EventLoop, ATimerSetForNowByADescriptorRunsAfterAllDescriptorsOfTheRound) {
  EventLoop loop;
  const Pair one, two;
  std::string calls;
  const auto heard = [&](uint32_t) {
    calls += 'd';
    loop.call_after(0, [&] {
      calls += 't';
      loop.stop();
    });
  };
  const auto forget_after = [&](const Pair& pair) {
    loop.add_fd(pair.near.get(), EPOLLIN, [&, fd = pair.near.get()](uint32_t events) {
      loop.remove_fd(fd);
      heard(events);
    });
  };
  forget_after(one);
  forget_after(two);
  one.speak();
  two.speak();
  loop.run();
  EXPECT_EQ(calls, "ddtt");
}

TEST(EventLoop, AHandlerMayRemoveItselfAndOthersOfTheSameRound) {
  EventLoop loop;
  const Pair one, two;
  int calls = 0;
  const auto remove_both = [&](uint32_t) {
    ++calls;
    loop.remove_fd(one.near.get());
    loop.remove_fd(two.near.get());
    loop.call_after(0, [&] { loop.stop(); });
  };
  loop.add_fd(one.near.get(), EPOLLIN, remove_both);
  loop.add_fd(two.near.get(), EPOLLIN, remove_both);
  one.speak();
  two.speak();
  loop.run();
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, AnEventForADescriptorsPredecessorIsNotDelivered) {
  EventLoop loop;
  const Pair one, two;
  int wrong = 0;
  const auto replace = [&](const Pair& other) {
    loop.remove_fd(one.near.get());
    loop.remove_fd(two.near.get());
    // The same number, another watch: what is pending was meant for the old one.
    loop.add_fd(other.near.get(), EPOLLOUT, [&](uint32_t events) {
      if ((events & EPOLLIN) != 0) ++wrong;
      loop.stop();
    });
  };
  loop.add_fd(one.near.get(), EPOLLIN, [&](uint32_t) { replace(two); });
  loop.add_fd(two.near.get(), EPOLLIN, [&](uint32_t) { replace(one); });
  one.speak();
  two.speak();
  loop.run();
  EXPECT_EQ(wrong, 0);
}

TEST(EventLoop, HandsSignalsToTheHandler) {
  EventLoop loop;
  int got = 0;
  loop.on_signals({SIGUSR1}, [&](int signal) {
    got = signal;
    loop.stop();
  });
  ::raise(SIGUSR1);
  loop.run();
  EXPECT_EQ(got, SIGUSR1);
}

TEST(EventLoop, AnInboxFilledByAnotherThreadWakesIt) {
  EventLoop loop;
  Inbox<int> inbox(1000, 1000, [&] { loop.wake(); });
  int sum = 0;
  loop.on_wake([&] {
    for (const int each : inbox.take()) sum += each;
    if (sum == 5050) loop.stop();
  });
  std::thread other([&] {
    for (int i = 1; i <= 100; ++i) EXPECT_TRUE(inbox.put(i));
  });
  loop.run();
  other.join();
  EXPECT_EQ(sum, 5050);
}

TEST(EventLoop, StopsFromAnotherThread) {
  EventLoop loop;
  std::thread other([&] { loop.stop(); });
  loop.run();
  other.join();
}

TEST(Inbox, TakesWhatMustNotBeLostAboveItsLimits) {
  int wakes = 0;
  Inbox<int> inbox(1, 100, [&] { ++wakes; });
  EXPECT_TRUE(inbox.put(1));
  EXPECT_FALSE(inbox.put(2));
  inbox.put_always(3);
  EXPECT_EQ(inbox.take(), (std::vector<int>{1, 3}));
  inbox.put_always(4);
  EXPECT_EQ(wakes, 2);
}

TEST(Inbox, RefusesWhatIsAboveItsLimitsAndCountsIt) {
  int woken = 0;
  Inbox<int> inbox(2, 10, [&] { ++woken; });
  EXPECT_TRUE(inbox.put(1, 6));
  EXPECT_FALSE(inbox.put(2, 6));
  EXPECT_TRUE(inbox.put(3, 4));
  EXPECT_FALSE(inbox.put(4));
  EXPECT_EQ(inbox.dropped(), 2U);
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(inbox.take(), (std::vector<int>{1, 3}));
  EXPECT_TRUE(inbox.put(5, 10));
  EXPECT_EQ(woken, 2);
}

}  // namespace
}  // namespace bramble::posix
