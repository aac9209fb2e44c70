// Bytes of a directory against a limit, and against its disk. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "common/base/result.hpp"

namespace bramble::aggregator {

class Quota {
 public:
  explicit Quota(uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  Status take(uint64_t bytes) {
    if (used_bytes_.fetch_add(bytes) + bytes <= limit_bytes_) return {};
    give_back(bytes);
    refused_bytes_ = bytes;
    return fail(ErrorCode::limit, "the room for inputs and outputs is used up (" + std::to_string(limit_bytes_ >> 20) +
                                      " MiB are allowed): bramble job forget removes jobs that have ended, or raise " +
                                      "blob_quota_bytes");
  }
  // What was refused last would be refused again; or the disk had no room for something just now, and has taken nothing
  // since.
  bool full() const {
    return (refused_bytes_ > 0 && used_bytes_ + refused_bytes_ > limit_bytes_) || now() < disk_full_until_.load();
  }
  void disk_refused() { disk_full_until_ = now() + kRefusalCounts; }
  void heed(const Error& error) {  // of what was to be written
    if (error.code == ErrorCode::unavailable) disk_refused();
  }
  void disk_took() { disk_full_until_ = Seconds{0}; }
  uint64_t limit_bytes() const { return limit_bytes_; }
  void count(uint64_t bytes) { used_bytes_ += bytes; }  // what is there already, above the limit or not
  void give_back(uint64_t bytes) { used_bytes_ -= bytes; }
  uint64_t used_bytes() const { return used_bytes_; }

 private:
  using Seconds = std::chrono::seconds;
  static constexpr Seconds kRefusalCounts{60};  // what waits for room is tried again more often than this

  static Seconds now() {
    return std::chrono::duration_cast<Seconds>(std::chrono::steady_clock::now().time_since_epoch());
  }

  const uint64_t limit_bytes_;
  std::atomic<uint64_t> used_bytes_ = 0;
  std::atomic<uint64_t> refused_bytes_ = 0;
  std::atomic<Seconds> disk_full_until_ = Seconds{0};
};

}  // namespace bramble::aggregator
