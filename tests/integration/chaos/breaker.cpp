#include "breaker.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

namespace bramble::test::chaos {
namespace {

constexpr int64_t kStallMs = 2'000;  // the one stall in the middle of a slow disk's time

}  // namespace

Breaker::Breaker(Cluster& cluster, std::vector<PlannedFault> plan, std::ostream& log)
    : cluster_(cluster), plan_(std::move(plan)), log_(log), start_ns_(boot_ns()), begun_ns_(plan_.size()) {
  for (size_t i = 0; i < plan_.size(); ++i) {
    steps_.push_back({plan_[i].begin_ms, i, Step::begin});
    steps_.push_back({plan_[i].end_ms, i, Step::end});
    const bool slow = plan_[i].kind == FaultKind::disk_slow;
    if (slow) steps_.push_back({(plan_[i].begin_ms + plan_[i].end_ms - kStallMs) / 2, i, Step::stall});
  }
  std::stable_sort(steps_.begin(), steps_.end(), [](const Step& a, const Step& b) { return a.at_ms < b.at_ms; });
}

void Breaker::run_until(int64_t end_ms, const std::function<bool()>& tick) {
  size_t next = 0;
  while (next < steps_.size() || now_ms() < end_ms) {
    if (next < steps_.size() && steps_[next].at_ms <= now_ms()) {
      perform(steps_[next++]);
    } else if (tick()) {
      std::this_thread::sleep_for(kTick);
    } else {
      return mend(next);
    }
  }
}

void Breaker::mend(size_t next_step) {
  for (; next_step < steps_.size(); ++next_step) {
    const Step& step = steps_[next_step];
    if (step.kind == Step::end && begun_ns_[step.fault] != 0) perform(step);
  }
}

void Breaker::perform(const Step& step) {
  const PlannedFault& fault = plan_[step.fault];
  if (step.kind == Step::begin) {
    ++begun_;
    begun_ns_[step.fault] = boot_ns();
    log_ << boot_ns() / kNsPerMs << " begin " << to_string(fault) << std::endl;
    return cluster_.begin(fault.kind, fault.node);
  }
  if (step.kind == Step::stall) return cluster_.stall_disk(kStallMs);
  ++ended_;
  cluster_.end(fault.kind, fault.node);
  log_ << boot_ns() / kNsPerMs << " end " << to_string(fault) << std::endl;
  const std::string node = is_of_a_node(fault.kind) ? cluster_.nodes()[fault.node] : "";
  faults_.push_back({fault.kind, node, begun_ns_[step.fault], boot_ns()});
}

}  // namespace bramble::test::chaos
