#include "common/posix/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/posix/error.hpp"

namespace bramble::posix {
namespace {

using testing::ContainsRegex;
using testing::EndsWith;
using testing::HasSubstr;

std::string logged(const std::function<void()>& action) {
  testing::internal::CaptureStderr();
  action();
  return testing::internal::GetCapturedStderr();
}

TEST(Log, WritesOneLineWithTimeLevelAndFields) {
  const std::string line = logged([] { log_warning("disk full", {{"path", "/x"}, {"why", "no space"}, {"n", ""}}); });
  EXPECT_THAT(line, ContainsRegex("^20[0-9-]+T[0-9:.]+Z warning: disk full path=/x why=\"no space\" n=\"\"\n$"));
}

TEST(Log, EscapesWhatStrangersSend) {
  const std::string line = logged([] { log_info("bad\n", {{"from", "a\x1b[2J\"b"}}); });
  EXPECT_THAT(line, EndsWith("info: bad\\x0a from=\"a\\x1b[2J\\\"b\"\n"));
}

TEST(Log, CutsALineThatIsTooLong) {
  const std::string line = logged([] { log_info(std::string(100'000, 'x')); });
  EXPECT_EQ(line.size(), 4096U);
  EXPECT_EQ(line.back(), '\n');
}

TEST(Log, LeavesOutWhatIsBelowItsLevel) {
  EXPECT_EQ(logged([] { log_debug("hidden"); }), "");
  set_log_level(LogLevel::debug);
  EXPECT_THAT(logged([] { log_debug("shown"); }), HasSubstr("debug: shown"));
  set_log_level(LogLevel::info);
}

TEST(LogOnce, SaysAThingOnceUntilItChangesOrIsOver) {
  LogOnce once;
  EXPECT_FALSE(once.clear());
  EXPECT_THAT(logged([&] { once.say(LogLevel::warning, "broker away"); }), HasSubstr("broker away"));
  EXPECT_EQ(logged([&] { once.say(LogLevel::warning, "broker away"); }), "");
  EXPECT_THAT(logged([&] { once.say(LogLevel::warning, "broker refuses"); }), HasSubstr("broker refuses"));
  EXPECT_TRUE(once.clear());
  EXPECT_THAT(logged([&] { once.say(LogLevel::warning, "broker refuses"); }), HasSubstr("broker refuses"));
}

TEST(SystemError, NamesTheAttemptAndTheReason) {
  EXPECT_EQ(system_error("cannot open /x", ENOENT),
            (Error{ErrorCode::not_found, "cannot open /x: no such file or directory"}));
  EXPECT_EQ(system_error("cannot write", ENOSPC), (Error{ErrorCode::io, "cannot write: no space left on device"}));
  EXPECT_EQ(system_error("cannot kill", EPERM).code, ErrorCode::denied);
}

}  // namespace
}  // namespace bramble::posix
