#include "aggregator/cli/side_by_side.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

namespace bramble::cli {
namespace {

constexpr size_t kMostConnections = 8;  // of the aggregator's 400, and of its 64 uploads at once

}  // namespace

Api& SideBySide::first() {
  if (connections_.empty()) connections_.push_back(std::make_unique<Api>(connect_()));
  return *connections_.front();
}

Status SideBySide::run(size_t count, const std::function<Status(Api&, size_t)>& work) {
  const size_t hands = std::min(count, kMostConnections);
  while (connections_.size() < hands) connections_.push_back(std::make_unique<Api>(connect_()));
  std::vector<Status> ends(count);
  std::atomic<size_t> next = 0;
  const auto take_turns = [&](Api& api) {
    for (size_t turn = next++; turn < count; turn = next++) {
      ends[turn] = work(api, turn);
      if (!ends[turn]) next = count;
    }
  };
  std::vector<std::jthread> others;
  for (size_t i = 1; i < hands; ++i) others.emplace_back([&, i] { take_turns(*connections_[i]); });
  if (hands > 0) take_turns(*connections_.front());
  others.clear();  // waits for them
  for (const Status& end : ends) {
    if (!end) return end;
  }
  return {};
}

}  // namespace bramble::cli
