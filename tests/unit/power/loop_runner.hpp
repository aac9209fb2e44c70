// Runs a driver's loop until an operation is done.
#pragma once

#include <gtest/gtest.h>

#include "aggregator/power/line_driver.hpp"
#include "common/posix/event_loop.hpp"

namespace bramble::test {

using namespace bramble::aggregator;

// What came of the operation; fails after 30 s.
inline LineOutcome do_op(posix::EventLoop& loop, LineDriver& driver, LineAction action, int64_t press_ms = 0) {
  std::optional<LineOutcome> outcome;
  driver.begin({1, 0, action, press_ms}, [&](LineOutcome done) {
    EXPECT_FALSE(outcome) << "done twice";
    outcome = std::move(done);
    loop.stop();
  });
  const auto limit = loop.call_after(30'000, [&] { loop.stop(); });
  loop.run();
  loop.cancel(limit);
  EXPECT_TRUE(outcome) << "the operation did not end";
  return outcome.value_or(LineOutcome{});
}

}  // namespace bramble::test
