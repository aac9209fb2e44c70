#include <gtest/gtest.h>

#include <future>

#include "aggregator/http/deadlines.hpp"
#include "aggregator/http/http_message.hpp"
#include "aggregator/http/worker_pool.hpp"
#include "integration/http/fakes.hpp"

namespace bramble::aggregator::http {
namespace {

TEST(WorkerPool, TakesAsManyAsRunAndWait) {
  Gate gate;
  gate.shut();
  WorkerPool pool(2, 1);
  std::atomic<int> done = 0;
  const auto task = [&] {
    gate.pass();
    ++done;
  };
  EXPECT_TRUE(pool.post(task));
  EXPECT_TRUE(pool.post(task));
  EXPECT_TRUE(pool.post(task));
  EXPECT_FALSE(pool.post(task));
  ASSERT_TRUE(gate.wait_for_waiting(2));
  EXPECT_FALSE(pool.post(task));
  gate.open();
  std::promise<void> last;
  while (!pool.post([&] { last.set_value(); })) std::this_thread::yield();
  last.get_future().wait();
  pool.stop();
  EXPECT_EQ(done, 3);
}

TEST(WorkerPool, DropsWhatWaitsWhenStopped) {
  Gate gate;
  gate.shut();
  WorkerPool pool(1, 5);
  std::atomic<bool> ran = false;
  const auto held = std::make_shared<int>(7);
  pool.post([&] { gate.pass(); });
  ASSERT_TRUE(gate.wait_for_waiting(1));
  pool.post([&ran, held] { ran = true; });
  std::thread stopper([&] { pool.stop(); });
  while (held.use_count() > 1) std::this_thread::yield();  // dropped before the running one has ended
  gate.open();
  stopper.join();
  EXPECT_FALSE(ran);
  EXPECT_FALSE(pool.post([] {}));
}

TEST(Deadlines, CallsInTheOrderOfTheirTimes) {
  Deadlines deadlines;
  std::promise<void> done;
  std::string order;
  deadlines.call_after(40, [&] {
    order += "b";
    done.set_value();
  });
  deadlines.call_after(1, [&] { order += "a"; });
  done.get_future().wait();
  EXPECT_EQ(order, "ab");
}

TEST(Deadlines, DoesNotCallWhatWasCancelled) {
  Deadlines deadlines;
  std::promise<void> done;
  bool called = false;
  const auto first = deadlines.call_after(5, [&] { called = true; });
  deadlines.call_after(20, [&] { done.set_value(); });
  deadlines.cancel(first);
  deadlines.cancel(first);
  deadlines.cancel(12345);
  done.get_future().wait();
  EXPECT_FALSE(called);
}

TEST(Deadlines, LetsGoOfEverythingWhenStopped) {
  const auto held = std::make_shared<int>(7);
  Deadlines deadlines;
  deadlines.call_after(60'000, [held] {});
  deadlines.stop();
  EXPECT_EQ(held.use_count(), 1);
  deadlines.call_after(0, [held] {});
  EXPECT_EQ(held.use_count(), 1);
}

TEST(ErrorReply, IsJsonWhateverTheSentenceHolds) {
  const HttpReply reply = error_reply({ErrorCode::conflict, "say \"x\" \xff"});
  EXPECT_EQ(reply.status, 409);
  EXPECT_EQ(reply.body, "{\"error\":\"say \\\"x\\\" \xEF\xBF\xBD\"}");
}

TEST(ErrorReply, SaysWhenToComeAgain) {
  const HttpReply reply = error_reply({ErrorCode::unavailable, "busy"});
  EXPECT_EQ(reply.status, 503);
  ASSERT_EQ(reply.headers.size(), 1U);
  EXPECT_EQ(reply.headers[0].first, "Retry-After");
}

}  // namespace
}  // namespace bramble::aggregator::http
