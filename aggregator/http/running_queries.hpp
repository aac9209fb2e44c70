// Questions that run or wait, by the name that their askers gave them, so that they can be cancelled.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "aggregator/core/store.hpp"

namespace bramble::aggregator::http {

// Thread-safe. As many as questions can wait: bounded by whoever adds.
class RunningQueries {
 public:
  // In the registry for as long as it lives. Without an id nobody can cancel it but
  // cancel_all().
  class Entry {
   public:
    Entry(RunningQueries& owner, std::string id) : owner_(owner), id_(std::move(id)) {
      const std::lock_guard lock(owner_.mutex_);
      *flag_ = owner_.stopped_;
      owner_.all_.insert(flag_);
      if (!id_.empty()) owner_.flags_[id_] = flag_;
    }
    ~Entry() {
      const std::lock_guard lock(owner_.mutex_);
      owner_.all_.erase(flag_);
      const auto found = owner_.flags_.find(id_);
      if (found != owner_.flags_.end() && found->second == flag_) owner_.flags_.erase(found);
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    const CancelFlag& flag() const { return flag_; }

   private:
    RunningQueries& owner_;
    const std::string id_;
    const CancelFlag flag_ = std::make_shared<std::atomic<bool>>(false);
  };

  bool cancel(const std::string& id) {  // false: there is none of that name (any more)
    const std::lock_guard lock(mutex_);
    const auto found = flags_.find(id);
    if (found == flags_.end()) return false;
    *found->second = true;
    return true;
  }

  void cancel_all() {  // those that come later are cancelled from their begin
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    for (const CancelFlag& flag : all_) *flag = true;
  }

 private:
  std::mutex mutex_;
  bool stopped_ = false;
  std::set<CancelFlag> all_;
  std::map<std::string, CancelFlag> flags_;
};

}  // namespace bramble::aggregator::http
