#include "agent/warden/capture.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/posix/error.hpp"

namespace bramble::warden {
namespace {

constexpr size_t kPieceBytes = 64 << 10;
std::array<char, kPieceBytes> piece_buffer;  // a keeper is one thread; never touched while tasks write nothing

}  // namespace

Status Capture::open() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return posix::system_failure("cannot make a pipe", errno);
  read_end_.reset(ends[0]);
  write_end_.reset(ends[1]);
  // Only this end: the task's must block. A task that reads its own standard output must not make the keeper wait.
  if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return posix::system_failure("cannot set up a pipe", errno);
  return {};
}

size_t Capture::take(size_t max_bytes) {
  ssize_t got = 0;
  do {
    got = ::read(read_end_.get(), piece_buffer.data(), std::min(max_bytes, piece_buffer.size()));
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return 0;
  keep(piece_buffer.data(), static_cast<size_t>(got));
  return static_cast<size_t>(got);
}

void Capture::take_some() { take(kPieceBytes); }

void Capture::take_rest() {
  write_end_.reset();
  int waiting = 0;
  // Asked once: a stranger who was handed the pipe and goes on writing is not waited for.
  if (!read_end_ || ::ioctl(read_end_.get(), FIONREAD, &waiting) != 0) waiting = 0;
  auto left = static_cast<size_t>(waiting);
  while (left > 0) {
    const size_t taken = take(left);
    if (taken == 0) break;
    left -= taken;
  }
  read_end_.reset();
  file_.reset();
}

void Capture::keep(const char* data, size_t size) {
  const size_t wanted = trouble_.empty() ? static_cast<size_t>(std::min<uint64_t>(size, cap_bytes_ - kept_bytes_)) : 0;
  if (wanted > 0 && !file_) file_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
  size_t done = 0;
  while (done < wanted) {
    const ssize_t written = ::write(file_.get(), data + done, wanted - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      trouble_ = posix::errno_text(errno);
      break;
    }
    done += static_cast<size_t>(written);
  }
  kept_bytes_ += done;
  dropped_bytes_ += size - done;
}

}  // namespace bramble::warden
