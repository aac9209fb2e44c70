// For kernels in C++: read calls, answer them. Depends on nothing of bramble; README.md is the contract.
//
//   int main() { return bramble::kernel::serve([](std::string_view input) { return answer_of(input); }); }
#pragma once

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

#include <unistd.h>

namespace bramble::kernel {

inline constexpr size_t kHeadBytes = 8;  // length and number
inline constexpr size_t kMaxCallBytes = 16 << 20;

namespace detail {

inline bool write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(done));
  }
  return true;
}

inline size_t read_number(std::string_view text) {
  size_t number = 0;
  for (size_t i = 4; i-- > 0;) number = (number << 8) | static_cast<unsigned char>(text[i]);
  return number;
}

inline void append_number(std::string& text, size_t number) {
  for (unsigned shift = 0; shift < 32; shift += 8) text += static_cast<char>((number >> shift) & 0xff);
}

inline void append_reply(std::string& replies, size_t number, bool good, std::string_view bytes) {
  append_number(replies, 5 + bytes.size());
  append_number(replies, number);
  replies += good ? '\0' : '\1';
  replies += bytes;
}

// The call at the front of the text, which is taken off; false where there is no whole one.
inline bool take_call(std::string_view& text, size_t& number, std::string_view& input) {
  if (text.size() < kHeadBytes || text.size() - 4 < read_number(text)) return false;
  number = read_number(text.substr(4));
  input = text.substr(kHeadBytes, read_number(text) - 4);
  text.remove_prefix(kHeadBytes + input.size());
  return true;
}

}  // namespace detail

// Until there are no more calls: main() returns what this returns. `answer` is called with one input at a time and
// returns its result; an exception fails that call with what(), and the kernel goes on. Small calls share writes:
// replies go out every 5 ms, and when no more input waits.
template <typename Answer>
int serve(const Answer& answer) {
  using Clock = std::chrono::steady_clock;
  std::string received, replies, piece(256 << 10, '\0');
  auto last_write = Clock::now();
  while (true) {
    std::string_view rest = received, input;
    size_t number = 0;
    while (detail::take_call(rest, number, input)) {
      try {
        const std::string result = answer(input);
        if (result.size() > kMaxCallBytes) {
          throw std::length_error("the result has " + std::to_string(result.size()) +
                                  " bytes; at most 16 MiB are allowed");
        }
        detail::append_reply(replies, number, true, result);
      } catch (const std::exception& error) {
        detail::append_reply(replies, number, false, error.what());
      }
      const auto now = Clock::now();
      if (replies.size() < piece.size() && now - last_write < std::chrono::milliseconds(5)) continue;
      last_write = now;
      if (!detail::write_all(replies)) return 1;
      replies.clear();
    }
    received.erase(0, received.size() - rest.size());
    if (!detail::write_all(replies)) return 1;
    replies.clear();
    const ssize_t got = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0 ? 0 : 1;
    received.append(piece, 0, static_cast<size_t>(got));
    const bool nonsense = received.size() >= 4 &&
                          (detail::read_number(received) < 4 || detail::read_number(received) > kMaxCallBytes + 4);
    if (nonsense) return 1;  // whoever writes is no warden
  }
}

}  // namespace bramble::kernel
