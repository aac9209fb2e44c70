// Breaks and mends the cluster as planned; the thread's that made the cluster.
#pragma once

#include <chrono>
#include <functional>
#include <ostream>
#include <vector>

#include "cluster.hpp"
#include "plan.hpp"

namespace bramble::test::chaos {

inline constexpr auto kTick = std::chrono::milliseconds(10);  // how often who waits looks around

class Breaker {
 public:
  Breaker(Cluster& cluster, std::vector<PlannedFault> plan, std::ostream& log);

  // `tick` is called all the time between the steps. Once it returns false nothing more is broken, and what is broken
  // is mended at once.
  void run_until(int64_t end_ms, const std::function<bool()>& tick);

  size_t begun() const { return begun_; }
  size_t going_on() const { return begun_ - ended_; }
  std::vector<Fault> take_faults() { return std::move(faults_); }  // those that are over

 private:
  struct Step {
    enum Kind { begin, stall, end };
    int64_t at_ms;
    size_t fault;
    Kind kind;
  };

  int64_t now_ms() const { return (boot_ns() - start_ns_) / kNsPerMs; }
  void perform(const Step& step);
  void mend(size_t next_step);

  Cluster& cluster_;
  const std::vector<PlannedFault> plan_;
  std::ostream& log_;
  const int64_t start_ns_;
  std::vector<Step> steps_;
  std::vector<int64_t> begun_ns_;  // of each planned fault; 0: not yet
  size_t begun_ = 0;
  size_t ended_ = 0;
  std::vector<Fault> faults_;
};

}  // namespace bramble::test::chaos
