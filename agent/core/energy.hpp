// Joules of the node, and who is charged with them. Pure.
//
// An interval lies between two readings. In it the node used dE; of that idle_w * dt (never more than dE) is the idle
// part, shared by cpus_i / cores among the attempts for the time that they ran; what is above it is shared by CPU time,
// dCPU_i / max(busy CPU time of the whole node, sum of dCPU_i). What nobody gets is unattributed.
//
// An attempt that ends between two readings cannot wait for the interval's end: it is *paid out* at once, at the price
// of a CPU second in the interval before. The interval is then booked as no less than what was paid out in it, and the
// excess is taken off the next ones. So at every moment, and not only in the long run:
//
//   node.total = sum over attempts of their shares + unattributed_j
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/base/clock.hpp"
#include "common/wire/messages.hpp"

namespace bramble::agent {

struct Joules {
  double total = 0;
  double measured = 0;  // the part that was measured, not modelled

  bool operator==(const Joules&) const = default;
};

// Readings further apart than this many intervals of telemetry, and than kMinGapMs, are not joined: the machine was
// suspended, or the sensors hung, and nobody knows what it drew.
inline constexpr int64_t kGapIntervals = 3;
inline constexpr int64_t kMinGapMs = 10'000;

// Integrates watts over time. Measured ones by trapezoids; modelled ones hold for the whole interval before their
// reading, for they come from the mean load in it.
class EnergyMeter {
 public:
  // The energy since the reading before; none after a gap, and where there is no power.
  Joules add(MonoTime taken, std::optional<double> power_w, bool measured, int64_t max_gap_ms);

 private:
  std::optional<MonoTime> last_taken_;
  std::optional<double> last_measured_w_;
};

// What one attempt is charged with.
struct AttemptEnergy {
  MonoTime since;            // runs since then, or was charged up to then; 0: it does not run yet
  double cpu_s = 0;          // used up to now, as far as known
  double charged_cpu_s = 0;  // of it, charged for
  bool cpu_before_unknown =
      false;  // taken over from an earlier run of the agent: the first cpu_s is where charges begin
  Joules joules;
};

class EnergyLedger {
 public:
  // What the next payments are reckoned with until there has been an interval.
  void set_model(const wire::PowerModel& model, uint32_t cores);

  struct Interval {
    MonoTime end;
    Joules energy;          // since the interval before
    double power_w = 0;     // at its end; 0: not known
    bool measured = false;  // power_w is
    double busy_cpu_s = 0;  // of the whole node
  };
  struct Running {
    AttemptEnergy* energy = nullptr;
    uint32_t cpus = 1;
  };
  // Shares the interval among those that run at its end and those that were paid out in it.
  void settle(const Interval& interval, const std::vector<Running>& running);

  // An attempt ended: it ran for the last ran_ms (at most) of the time until now, and used cpu_s in all its life.
  void pay_out(MonoTime now, AttemptEnergy& energy, uint32_t cpus, int64_t ran_ms, double cpu_s);

  const Joules& node() const { return node_; }
  double unattributed_j() const { return unattributed_j_; }

 private:
  double seconds_in_interval(MonoTime since, MonoTime until) const;
  Joules book(Joules energy);

  wire::PowerModel model_;
  double cores_ = 1;
  Joules node_;
  double unattributed_j_ = 0;
  Joules owed_;  // at most 0: what was booked too much so far
  MonoTime begin_;
  Joules paid_out_;  // in the interval under way
  double paid_out_cpu_s_ = 0;
  double price_j_ = 0;  // of a CPU second
  double power_w_ = 0;  // newest
  bool measured_ = false;
};

}  // namespace bramble::agent
