#include "aggregator/cli/console.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "aggregator/cli/table.hpp"
#include "common/posix/error.hpp"

namespace bramble::cli {
namespace {

constexpr int64_t kProgressEveryMs = 10'000;

// 0, or the errno that ended it. Waits where the descriptor is non-blocking (a terminal that another program set so).
int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd ready{fd, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

// COLUMNS, where a shell or a script says it, goes before what the terminal says.
size_t columns_of(int fd) {
  if (::isatty(fd) != 1) return kAnyWidth;
  winsize size{};
  size_t columns = ::ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
  if (const char* const said = std::getenv("COLUMNS")) columns = std::strtoul(said, nullptr, 10);
  return std::max(columns, kMinColumns);
}

}  // namespace

Console::Console(int out_fd, int err_fd)
    : out_fd_(out_fd),
      err_fd_(err_fd),
      out_is_terminal_(::isatty(out_fd) == 1),
      err_is_terminal_(::isatty(err_fd) == 1),
      shares_terminal_(out_is_terminal_ && err_is_terminal_) {}

Status Console::print(std::string_view bytes) {
  const std::lock_guard lock(out_mutex_);
  if (!shares_terminal_ || bytes.empty()) return write_out(bytes);
  const std::lock_guard err_lock(err_mutex_);
  clear_progress();
  line_is_open_ = bytes.back() != '\n';
  return write_out(bytes);
}

Status Console::print_output(std::string_view bytes) {
  if (!out_is_terminal_ || bytes.find('\0') == std::string_view::npos) return print(bytes);
  return fail(ErrorCode::io, "what was written is no text and nothing for a terminal: send it to a file (> FILE)");
}

Status Console::write_out(std::string_view bytes) {
  const int error = write_all(out_fd_, bytes);
  if (error == 0) return {};
  if (error == EPIPE) reader_gone_ = true;
  return fail(ErrorCode::io, "cannot write standard output: " + posix::errno_text(error));
}

void Console::print_error_stream(std::string_view bytes) { write_error(bytes); }

void Console::say(std::string_view sentence) { write_error("bramble: " + std::string(sentence) + "\n"); }

void Console::write_error(std::string_view bytes) {
  const std::lock_guard lock(err_mutex_);
  clear_progress();
  if (shares_terminal_ && !bytes.empty()) line_is_open_ = bytes.back() != '\n';
  write_all(err_fd_, bytes);  // there is nobody to tell when standard error is gone
}

void Console::clear_progress() {
  if (progress_.empty()) return;
  write_all(err_fd_, "\r\x1b[K");
  progress_.clear();
}

void Console::show_progress(std::string_view line, MonoTime now) {
  const std::lock_guard lock(err_mutex_);
  if (err_is_terminal_) {
    if (line_is_open_) return;  // it would be written over
    const std::string cut = cut_to(line, columns_of(err_fd_) - 1);
    if (cut == progress_) return;
    write_all(err_fd_, "\r\x1b[K" + cut);
    progress_ = cut;
  } else if (now.ms >= next_progress_ms_) {
    if (next_progress_ms_ > 0) write_all(err_fd_, std::string(line) + "\n");
    next_progress_ms_ = now.ms + kProgressEveryMs;
  }
}

void Console::end_progress() {
  const std::lock_guard lock(err_mutex_);
  if (progress_.empty()) return;
  write_all(err_fd_, "\n");
  progress_.clear();
}

size_t Console::columns() const { return columns_of(out_fd_); }

}  // namespace bramble::cli
