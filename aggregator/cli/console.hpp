// Standard output and standard error of the command. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "common/base/clock.hpp"
#include "common/base/result.hpp"

namespace bramble::cli {

class Console {
 public:
  Console(int out_fd, int err_fd);  // the descriptors stay the caller's

  // Bytes to standard output, unbuffered. Fails where they cannot be written; see reader_gone(). Where it is a
  // terminal, too, a line of progress gives way to them.
  Status print(std::string_view bytes);

  // The same of what tasks wrote: bytes that are no text (one is zero) are refused where a terminal would show them.
  Status print_output(std::string_view bytes);

  // The reader of standard output left (`| head`): end quietly, with the status of SIGPIPE.
  bool reader_gone() const { return reader_gone_; }

  void print_error_stream(std::string_view bytes);  // a task's standard error, as it is
  void say(std::string_view sentence);              // "bramble: sentence" on standard error

  // One line that is written over by the next at a terminal; elsewhere a line every 10 s.
  void show_progress(std::string_view line, MonoTime now);
  void end_progress();

  // Of standard output: the terminal's, at least kMinColumns; kAnyWidth where it is none, so that nothing is cut.
  size_t columns() const;

 private:
  void write_error(std::string_view bytes);
  void clear_progress();
  Status write_out(std::string_view bytes);

  const int out_fd_;
  const int err_fd_;
  const bool out_is_terminal_;
  const bool err_is_terminal_;
  const bool shares_terminal_;  // standard output goes to one, too: most likely the same
  std::atomic<bool> reader_gone_ = false;
  std::mutex out_mutex_;
  std::mutex err_mutex_;
  std::string progress_;          // what stands on the terminal's last line
  bool line_is_open_ = false;     // output stands there, and its line has no end yet
  int64_t next_progress_ms_ = 0;  // elsewhere: when the next line is due
};

}  // namespace bramble::cli
