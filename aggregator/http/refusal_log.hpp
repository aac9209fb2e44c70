// What was refused, on its way to the audit log: bounded, so that nobody can fill the log by being refused.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

#include "aggregator/core/refusals.hpp"
#include "aggregator/http/http_message.hpp"
#include "common/base/clock.hpp"

namespace bramble::aggregator::http {

// Whether a reply refused a right.
bool is_refusal(int http_status);

// The first refusal of a kind (who, from where, status) is told at once; those of the next ten minutes are counted and
// told as one. Beyond kMaxKinds at a time, all further ones are of one kind. Thread-safe; never blocks.
class RefusalLog {
 public:
  static constexpr size_t kMaxKinds = 20;
  static constexpr int64_t kSpanMs = 600'000;

  using Tell = std::function<void(Refused refused)>;

  explicit RefusalLog(Tell tell) : tell_(std::move(tell)) {}

  void note(Refused refused, int http_status, MonoTime now);
  void tell_due(MonoTime now);  // call it every so often

 private:
  using Kind = std::tuple<std::string, std::string, int>;
  struct Open {
    MonoTime until;
    Refused later;  // the first of those that were counted
    uint64_t times = 0;
  };

  const Tell tell_;
  std::mutex mutex_;
  std::map<Kind, Open> open_;
};

// What an error reply says.
std::string sentence_of(const HttpReply& reply);

}  // namespace bramble::aggregator::http
