// The tasks of an array job: "1-100", "0-99:10", "1-1000%8". Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/ids.hpp"
#include "common/base/result.hpp"

namespace bramble {

inline constexpr uint64_t kMaxArrayTasks = 1'000'000;

struct ArraySpec {
  TaskIndex first = 0;
  TaskIndex last = 0;  // not below first; need not be reached by the step
  TaskIndex step = 1;
  uint32_t max_running = 0;  // at once; 0: no limit

  uint64_t size() const { return (uint64_t{last} - first) / step + 1; }
  bool operator==(const ArraySpec&) const = default;
};

// A-B, A-B:STEP, A-B%MAX_RUNNING, A-B:STEP%MAX_RUNNING; A alone is one task.
Result<ArraySpec> parse_array_spec(std::string_view text);
std::string to_string(const ArraySpec& spec);

}  // namespace bramble
