// What a task of the chaos writes to its output: enough to tell whose it is, and whether it is all there.
#pragma once

#include <cstdint>
#include <string>

namespace bramble::test::chaos {

// A line "chaos JOB TASK ATTEMPT NONCE BYTES", BYTES bytes that follow from the nonce, a line "end NONCE".
inline std::string task_text_head(const std::string& name, const std::string& nonce, uint64_t bytes) {
  std::string text = "chaos " + name + " " + nonce + " " + std::to_string(bytes) + "\n";
  const size_t head = text.size();
  for (uint64_t number = 0; text.size() - head < bytes; ++number) text += nonce + std::to_string(number) + "\n";
  text.resize(head + bytes);
  return text;
}

inline std::string task_text_tail(const std::string& nonce) { return "\nend " + nonce + "\n"; }

}  // namespace bramble::test::chaos
