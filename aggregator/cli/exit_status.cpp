#include "aggregator/cli/exit_status.hpp"

namespace bramble::cli {

int status_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::invalid:
      return kWrongUsage;
    case ErrorCode::unavailable:
      return kUnreachable;
    default:
      return kWorkFailed;
  }
}

int status_of(const TaskEnd& end) {
  if (end.outcome == "exited") return end.exit_code & 0xff;
  if (end.outcome == "start_failed") {
    const bool is_commands_own = end.exit_code == kNotRunnable || end.exit_code == kNoSuchCommand;
    return is_commands_own ? end.exit_code : kBrambleFailed;
  }
  if (end.signal > 0) return kSignalBase + end.signal;
  return kBrambleFailed;
}

}  // namespace bramble::cli
