// The names of things. (store, job, task, attempt) names one try at one task everywhere.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace bramble {

using JobId = uint64_t;       // counts up from 1 within a store
using TaskIndex = uint32_t;   // the task's place in its job: 5 to 9 for --array 5-9
using StoreId = std::string;  // a UUID; new when a backup is restored
using SessionId = uint64_t;   // stored and increasing; 0 is "none granted"
using TermId = uint64_t;      // counts the aggregator's starts

inline constexpr size_t kMaxNameBytes = 63;

struct TaskKey {
  JobId job = 0;
  TaskIndex task = 0;

  auto operator<=>(const TaskKey&) const = default;
};

struct AttemptKey {
  JobId job = 0;
  TaskIndex task = 0;
  uint32_t attempt = 0;  // from 1

  auto operator<=>(const AttemptKey&) const = default;
  TaskKey task_key() const { return {job, task}; }
};

// "12/5/1", the form used on the wire and in messages to people.
std::string to_string(const AttemptKey& key);
std::string to_string(const TaskKey& key);
Result<AttemptKey> parse_attempt_key(std::string_view text);

// Names of nodes, resources and labels: letters, digits, '-', '_' and '.', beginning with a letter or digit, at most
// kMaxNameBytes. Such a name is safe as an MQTT topic level and as a file name.
bool is_valid_name(std::string_view name);

// 8-4-4-4-12 lower-case hexadecimal digits.
bool is_uuid(std::string_view text);

// 64 lower-case hexadecimal digits.
bool is_sha256(std::string_view text);

}  // namespace bramble

template <>
struct std::hash<bramble::TaskKey> {
  size_t operator()(const bramble::TaskKey& key) const noexcept {
    return std::hash<uint64_t>{}(key.job * 0x9E3779B97F4A7C15ULL + key.task);
  }
};

template <>
struct std::hash<bramble::AttemptKey> {
  size_t operator()(const bramble::AttemptKey& key) const noexcept {
    return std::hash<uint64_t>{}(key.job * 0x9E3779B97F4A7C15ULL + (uint64_t{key.task} << 12) + key.attempt);
  }
};
