// A bounded memory of attempts: the newest N are remembered, with a word about each.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <unordered_map>

#include "common/base/ids.hpp"

namespace bramble::agent {

template <typename Word>
class RecentAttempts {
 public:
  explicit RecentAttempts(size_t max_entries) : max_entries_(max_entries) {}

  // The first word about an attempt stays.
  void remember(const AttemptKey& id, Word word) {
    if (!words_.emplace(id, word).second) return;
    order_.push_back(id);
    if (order_.size() <= max_entries_) return;
    words_.erase(order_.front());
    order_.pop_front();
  }

  std::optional<Word> find(const AttemptKey& id) const {
    const auto found = words_.find(id);
    return found == words_.end() ? std::nullopt : std::optional<Word>(found->second);
  }

  size_t size() const { return order_.size(); }

 private:
  size_t max_entries_;
  std::deque<AttemptKey> order_;
  std::unordered_map<AttemptKey, Word> words_;
};

}  // namespace bramble::agent
