// Calls and their replies as bytes: what a batch's file holds, what a kernel reads and writes
// (agent/kernels/README.md), and what the one who called gets back. Pure.
//
// Frames as in frame.hpp. A call's holds its number, 4 bytes, low byte first, and its input. A reply's holds the number
// of its call, one byte that says how it went, and the result, or a sentence that says what was wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace bramble::wire {

inline constexpr size_t kMaxCallBytes = 16 << 20;  // an input, a result
inline constexpr size_t kMaxBatchCalls = 1 << 16;
inline constexpr size_t kCallHeadBytes = 8;   // length and number
inline constexpr size_t kReplyHeadBytes = 9;  // and how it went

enum class CallStatus : uint8_t {
  good = 0,
  failed = 1,     // the kernel says so, with a sentence
  died = 2,       // the kernel died in it
  timed_out = 3,  // it took longer than a call may
  nonsense = 4,   // what the kernel wrote is no reply to it
  skipped = 5,    // not tried: the kernel died in each of many calls before it
  unread = 6,     // the kernel ended before it had read anything of it
};

// What a kernel may say; the others are said in its place.
constexpr bool is_kernels(CallStatus status) { return status <= CallStatus::failed; }

struct Call {
  uint32_t number = 0;
  std::string_view input;
};

struct Reply {
  uint32_t number = 0;
  CallStatus status = CallStatus::good;
  std::string_view bytes;
};

void append_call(std::string& batch, const Call& call);
void append_reply(std::string& replies, const Reply& reply);

// Views into the text, in order, at most kMaxBatchCalls. An error names the frame that is too long, too short or not
// whole.
Result<std::vector<Call>> split_calls(std::string_view batch);
Result<std::vector<Reply>> split_replies(std::string_view replies);

// The reply at the front of what a kernel has written so far. Nothing: it is not whole yet. An error: it will never be
// one.
Result<std::optional<Reply>> first_reply(std::string_view text);

}  // namespace bramble::wire
