// What the command's exit status says. Scripts rely on it.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/result.hpp"

namespace bramble::cli {

inline constexpr int kGood = 0;
inline constexpr int kWorkFailed = 1;
inline constexpr int kWrongUsage = 2;
inline constexpr int kUnreachable = 3;
inline constexpr int kBrambleFailed = 255;  // `run` and `local`, whose other statuses are their command's own
inline constexpr int kNotRunnable = 126;    // the command is there and cannot be run, as shells say it
inline constexpr int kNoSuchCommand = 127;
// `check` has Nagios' statuses only.
inline constexpr int kCheckOk = 0;
inline constexpr int kCheckWarning = 1;
inline constexpr int kCheckCritical = 2;
inline constexpr int kCheckUnknown = 3;
inline constexpr int kSignalBase = 128;  // + n: ended by signal n, as shells say it

// How one try at a task ended, as the API tells it.
struct TaskEnd {
  std::string outcome;  // exited, signaled, timed_out...; empty: it never ran
  int exit_code = 0;
  int signal = 0;
};

// The status of every command but run and local after a failure.
int status_of(const Error& error);

// The status of `run`: the task's own. Where it could not be started: 126 or 127 if that is the command's fault, else
// kBrambleFailed.
int status_of(const TaskEnd& end);

}  // namespace bramble::cli
