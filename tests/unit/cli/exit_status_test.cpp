#include "aggregator/cli/exit_status.hpp"

#include <gtest/gtest.h>

namespace bramble::cli {
namespace {

TEST(ExitStatus, IsTheTasksOwn) {
  EXPECT_EQ(status_of(TaskEnd{"exited", 0, 0}), 0);
  EXPECT_EQ(status_of(TaskEnd{"exited", 42, 0}), 42);
  EXPECT_EQ(status_of(TaskEnd{"signaled", 0, 9}), 137);
  EXPECT_EQ(status_of(TaskEnd{"timed_out", 0, 15}), 143);
}

TEST(ExitStatus, Is255WhereTheTaskHasNone) {
  EXPECT_EQ(status_of(TaskEnd{"", 0, 0}), 255);
  EXPECT_EQ(status_of(TaskEnd{"cancelled", 0, 0}), 255);
  EXPECT_EQ(status_of(TaskEnd{"start_failed", 0, 0}), 255);
  EXPECT_EQ(status_of(TaskEnd{"start_failed", 126, 0}), 126);
  EXPECT_EQ(status_of(TaskEnd{"start_failed", 127, 0}), 127);
}

TEST(ExitStatus, TellsWrongUsageUnreachableAndFailedApart) {
  EXPECT_EQ(status_of(Error{ErrorCode::invalid, ""}), 2);
  EXPECT_EQ(status_of(Error{ErrorCode::unavailable, ""}), 3);
  EXPECT_EQ(status_of(Error{ErrorCode::not_found, ""}), 1);
  EXPECT_EQ(status_of(Error{ErrorCode::io, ""}), 1);
}

}  // namespace
}  // namespace bramble::cli
