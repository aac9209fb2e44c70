#include "aggregator/cli/call_feed.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/base/size.hpp"
#include "common/posix/error.hpp"
#include "common/wire/call_frames.hpp"
#include "common/wire/frame.hpp"

namespace bramble::cli {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;
constexpr size_t kBatchBytes = size_t{1} << 20;
constexpr uint64_t kBatchMs = 500;
constexpr uint64_t kBatchResultBytes = uint64_t{8} << 20;
constexpr uint64_t kMostBatchCalls = 8192;
constexpr int64_t kUnknownMs = 200;
constexpr uint64_t kMostGrowth = 4;  // from batch to batch: one measurement may be off

size_t head_bytes(CallForm form) { return form == CallForm::frames ? wire::kFrameHeadBytes : 0; }

}  // namespace

void CallPace::batch_ended(uint64_t calls, int64_t duration_ms, uint64_t result_bytes) {
  const uint64_t in_time = calls * kBatchMs / static_cast<uint64_t>(std::max<int64_t>(duration_ms, 1));
  const uint64_t in_room = calls * kBatchResultBytes / std::max<uint64_t>(result_bytes, 1);
  const uint64_t most = std::min(batch_calls_ * kMostGrowth, kMostBatchCalls);
  batch_calls_ = std::clamp<uint64_t>(std::min(in_time, in_room), 1, most);
  measured_ = true;
}

Status CallFeed::feed(int fd) {
  std::string buffer(kReadBytes, '\0');
  while (true) {
    if (auto status = wait_for_bytes(fd); !status || window_.stopped()) return status;
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return posix::system_failure("cannot read standard input", errno);
    if (got == 0) break;
    received_.append(buffer, 0, static_cast<size_t>(got));
    if (auto status = take_calls(); !status || window_.stopped()) return status;
  }
  if (auto status = take_rest(); !status) return status;
  if (auto status = send_batch(); !status || window_.stopped()) return status;
  return api_.close(job_);
}

Status CallFeed::wait_for_bytes(int fd) {
  std::array<pollfd, 2> ready{{{fd, POLLIN, 0}, {window_.stop_fd(), POLLIN, 0}}};
  if (::poll(ready.data(), ready.size(), 0) > 0) return {};
  if (auto status = send_batch(); !status) return status;
  while (::poll(ready.data(), ready.size(), -1) < 0 && errno == EINTR) continue;
  return {};
}

Status CallFeed::take_calls() {
  std::string_view rest = received_;
  while (!window_.stopped()) {
    const auto taken = take_call(rest);
    if (!taken) return tl::unexpected(taken.error());
    if (!*taken) break;
  }
  received_.erase(0, received_.size() - rest.size());
  return check_length(received_.size() -
                      std::min(received_.size(), head_bytes(form_)));  // no more of a call is kept than one may have
}

// Makes the first whole call a call of the batch, and takes it from the rest. False: none is whole yet.
Result<bool> CallFeed::take_call(std::string_view& rest) {
  size_t head = 0, length = 0, tail = 0;
  if (form_ == CallForm::lines) {
    length = rest.find('\n');
    if (length == std::string_view::npos) return false;
    tail = 1;
  } else if (form_ == CallForm::frames && rest.size() >= wire::kFrameHeadBytes) {
    head = wire::kFrameHeadBytes;
    length = wire::frame_length(rest);
    if (auto status = check_length(length); !status) return tl::unexpected(status.error());
    if (rest.size() - head < length) return false;
  } else {
    return false;
  }
  if (auto status = add_call(rest.substr(head, length)); !status) return tl::unexpected(status.error());
  rest.remove_prefix(head + length + tail);
  return true;
}

// What is left at the input's end.
Status CallFeed::take_rest() {
  if (form_ == CallForm::whole || (form_ == CallForm::lines && !received_.empty())) return add_call(received_);
  if (received_.empty()) return {};
  return fail("the input ends within frame " + std::to_string(next_call_ + 1));
}

Status CallFeed::check_length(size_t bytes) const {
  if (bytes <= wire::kMaxCallBytes) return {};
  if (form_ == CallForm::whole) {
    return fail("the input is longer than the 16 MiB of a call: with --each-line each line is one");
  }
  return fail((form_ == CallForm::lines ? "line " : "frame ") + std::to_string(next_call_ + 1) +
              " is longer than the 16 MiB of a call");
}

Status CallFeed::add_call(std::string_view input) {
  if (auto status = check_length(input.size()); !status) return status;
  wire::append_call(batch_, {next_call_++, input});
  ++calls_in_batch_;
  return calls_in_batch_ >= pace_.batch_calls() || batch_.size() >= kBatchBytes ? send_batch() : Status{};
}

Status CallFeed::send_batch() {
  if (batch_.empty()) return {};
  // Hardly more than keeps the nodes busy before it is known how many calls a batch should have; but some, for nodes
  // that are switched on when much waits.
  if (!pace_.measured() && !window_.wait_until_starving(kUnknownMs)) return {};
  while (!window_.try_reserve(batch_.size())) {
    if (!window_.wait_for_room(batch_.size())) return {};
  }
  const auto blob = api_.put_blob(batch_);
  if (!blob) return tl::unexpected(blob.error());
  if (auto status = api_.append(job_, next_task_, {*blob}); !status) return status;
  ++next_task_;
  window_.sent(1);
  batch_.clear();
  calls_in_batch_ = 0;
  return {};
}

}  // namespace bramble::cli
