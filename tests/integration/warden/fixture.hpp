// A warden with two slots in a directory of its own.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/temp_dir.hpp"
#include "support/warden_client.hpp"

namespace bramble::test {

class WardenTest : public testing::Test {
 protected:
  TempDir dir_;
  WardenProcess warden_{dir_ / "state"};
  WardenClient client_ = warden_.connect();
};

// The number that a task's output consists of.
inline pid_t pid_in(const std::string& output) { return static_cast<pid_t>(std::stol(output)); }

// A script that prints the pid of a process which has left session and parent behind, and then goes on with `then`.
inline std::string with_daemon(const std::string& then) {
  return "mkfifo ready; (setsid sh -c 'trap \"\" TERM; echo $$; echo > ready; while :; do sleep 1000; done' &); "
         "read line < ready; " +
         then;
}

}  // namespace bramble::test
