#include "aggregator/cli/map_feed.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "common/posix/error.hpp"
#include "common/wire/call_frames.hpp"

namespace bramble::cli {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;
constexpr size_t kBatchPieces = 16;

Status check_input(const std::string& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0 || ::access(path.c_str(), R_OK) != 0) {
    return posix::system_failure("cannot read the input " + path, errno);
  }
  if (S_ISDIR(about.st_mode)) return fail(ErrorCode::io, "the input " + path + " is a directory: name its files");
  return {};
}

}  // namespace

Status check_inputs(const std::vector<std::string>& inputs) {
  for (const std::string& path : inputs) {
    if (path == "-") continue;
    if (auto status = check_input(path); !status) return status;
  }
  return {};
}

Status MapFeed::feed(const std::vector<std::string>& inputs) {
  for (const std::string& path : inputs) {
    posix::UniqueFd file;
    if (path != "-") {
      file.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
      if (!file) return posix::system_failure("cannot read the input " + path, errno);
    }
    if (auto status = feed_file(file ? file.get() : STDIN_FILENO, path); !status) return status;
    if (window_.stopped()) return {};
  }
  splitter_.finish();
  if (auto status = send_whole_pieces(); !status) return status;
  if (auto status = append_batch(); !status || window_.stopped()) return status;
  return api_.close(job_);
}

Status MapFeed::feed_file(int fd, const std::string& name) {
  std::string buffer(kReadBytes, '\0');
  while (true) {
    if (auto status = wait_for_bytes(fd); !status || window_.stopped()) return status;
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return posix::system_failure("cannot read the input " + name, errno);
    if (got == 0) {
      splitter_.end_file();
      return send_whole_pieces();
    }
    splitter_.feed(std::string_view(buffer).substr(0, static_cast<size_t>(got)));
    if (auto status = send_whole_pieces(); !status || window_.stopped()) return status;
  }
}

// An input that is slow to come must not hold back pieces that are ready.
Status MapFeed::wait_for_bytes(int fd) {
  std::array<pollfd, 2> ready{{{fd, POLLIN, 0}, {window_.stop_fd(), POLLIN, 0}}};
  if (::poll(ready.data(), ready.size(), 0) > 0) return {};
  if (auto status = append_batch(); !status) return status;
  while (::poll(ready.data(), ready.size(), -1) < 0 && errno == EINTR) {
  }
  return {};
}

Status MapFeed::send_whole_pieces() {
  while (!window_.stopped()) {
    const auto piece = splitter_.take();
    if (!piece) return tl::unexpected(piece.error());
    if (!*piece) return {};
    if (auto status = send_piece(**piece); !status) return status;
  }
  return {};
}

Status MapFeed::send_piece(const std::string& piece) {
  while (!window_.try_reserve(piece.size())) {
    if (auto status = append_batch(); !status) return status;  // else nothing could ever make room
    if (!window_.wait_for_room(piece.size())) return {};
  }
  const auto blob = as_calls_ ? put_as_call(piece) : api_.put_blob(piece);
  if (!blob) return tl::unexpected(blob.error());
  batch_.push_back(*blob);
  return batch_.size() >= kBatchPieces || window_.starving() ? append_batch() : Status{};
}

Result<wire::BlobRef> MapFeed::put_as_call(const std::string& piece) {
  if (piece.size() > wire::kMaxCallBytes) {
    return fail("a line is longer than the 16 MiB that a call may have: only commands (-- CMD) take longer ones");
  }
  std::string batch;
  wire::append_call(batch, {0, piece});
  return api_.put_blob(batch);
}

Status MapFeed::append_batch() {
  if (batch_.empty()) return {};
  if (auto status = api_.append(job_, next_, batch_); !status) return status;
  next_ += static_cast<TaskIndex>(batch_.size());
  window_.sent(batch_.size());
  batch_.clear();
  return {};
}

}  // namespace bramble::cli
