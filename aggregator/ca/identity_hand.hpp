// The thread that keeps the cluster's authority for the reactor: certificates cost a disk's time.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "aggregator/ca/node_authority.hpp"
#include "aggregator/core/identities.hpp"
#include "common/posix/event_loop.hpp"

namespace bramble::aggregator {

inline constexpr size_t kMaxWaitingIdentityOps = 4096;

// What a node is told beside its certificate.
struct JoinFacts {
  std::string cluster;
  std::string store;
  std::string broker_url;
};

struct IdentityHandlers {
  std::function<void()> changed;  // files that the broker reads; before the report of what changed them
  std::function<void(IdentityReport)> report;
};

// Operations are done in their order.
class IdentityHand {
 public:
  // Without an authority nothing is added or renewed, and nobody has anything to be removed. Handlers are called on the
  // hand's thread, in add() for an operation that found the queue full, and not in or after the destructor.
  IdentityHand(std::optional<NodeAuthority> authority, JoinFacts facts, IdentityHandlers handlers);
  ~IdentityHand();  // what waits is left out
  IdentityHand(const IdentityHand&) = delete;
  IdentityHand& operator=(const IdentityHand&) = delete;

  void add(std::vector<IdentityOp> ops);  // thread-safe

 private:
  void take();
  IdentityReport carry_out(const IdentityOp& op);
  Status carry_out(const IdentityOp& op, IdentityReport& report);
  void keep_head();

  std::optional<NodeAuthority> authority_;  // the hand's thread
  const JoinFacts facts_;
  const IdentityHandlers handlers_;
  posix::EventLoop loop_;
  std::mutex mutex_;
  std::vector<IdentityOp> waiting_;
  std::thread thread_;
};

}  // namespace bramble::aggregator
