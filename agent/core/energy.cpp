#include "agent/core/energy.hpp"

#include <algorithm>
#include <utility>

namespace bramble::agent {
namespace {

constexpr double kMinBusyRatio = 0.02;  // of all cores: with less, a second's price is mostly noise
constexpr double kLatenessS = 0.1;      // CPU time of the interval before may become known so late

double seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

void add_share(AttemptEnergy& energy, double joules, double measured_ratio) {
  energy.joules.total += joules;
  energy.joules.measured += joules * measured_ratio;
}

}  // namespace

Joules EnergyMeter::add(MonoTime taken, std::optional<double> power_w, bool measured, int64_t max_gap_ms) {
  const auto before = std::exchange(last_taken_, taken);
  const auto watts_before = std::exchange(last_measured_w_, measured ? power_w : std::nullopt);
  if (!power_w || !before || taken <= *before || taken - *before > max_gap_ms) return {};
  const double mean_w = measured ? (watts_before.value_or(*power_w) + *power_w) / 2 : *power_w;
  const double joules = std::max(0.0, mean_w) * seconds(taken - *before);
  return {joules, measured ? joules : 0};
}

void EnergyLedger::set_model(const wire::PowerModel& model, uint32_t cores) {
  model_ = model;
  cores_ = std::max<uint32_t>(cores, 1);
  price_j_ = (model.busy_w - model.idle_w) / cores_;
}

double EnergyLedger::seconds_in_interval(MonoTime since, MonoTime until) const {
  return seconds(std::max<int64_t>(0, until - std::max(since, begin_)));
}

// Never less than what was paid out: those joules are spent already, in other people's books.
Joules EnergyLedger::book(Joules energy) {
  owed_.total += energy.total;
  owed_.measured += energy.measured;
  Joules booked;
  booked.total = std::max(owed_.total, paid_out_.total);
  const double most_measured = paid_out_.measured + (booked.total - paid_out_.total);
  booked.measured = std::min(std::max(owed_.measured, paid_out_.measured), most_measured);
  owed_.total -= booked.total;
  owed_.measured -= booked.measured;
  node_.total += booked.total;
  node_.measured += booked.measured;
  return booked;
}

void EnergyLedger::settle(const Interval& interval, const std::vector<Running>& running) {
  const Joules booked = book(interval.energy);
  const double dt_s = std::max(0.001, seconds(interval.end - begin_));
  const double idle_j = std::min(model_.idle_w * dt_s, booked.total);
  const double above_j = booked.total - idle_j;
  double cpu_s = paid_out_cpu_s_;
  for (const Running& each : running) cpu_s += std::max(0.0, each.energy->cpu_s - each.energy->charged_cpu_s);
  const double all_cpu_s = std::max(interval.busy_cpu_s, cpu_s);

  std::vector<double> shares;
  double sum_j = 0;
  for (const Running& each : running) {
    const double ran = seconds_in_interval(each.energy->since, interval.end) / dt_s;
    const double used_s = std::max(0.0, each.energy->cpu_s - each.energy->charged_cpu_s);
    shares.push_back(idle_j * ran * std::min(1.0, each.cpus / cores_) +
                     (all_cpu_s > 0 ? above_j * used_s / all_cpu_s : 0));
    sum_j += shares.back();
  }
  const double pool_j = booked.total - paid_out_.total;
  const double scale = sum_j > pool_j ? pool_j / sum_j : 1;
  const double measured_ratio = pool_j > 0 ? (booked.measured - paid_out_.measured) / pool_j : 0;
  unattributed_j_ += pool_j - sum_j * scale;
  for (size_t i = 0; i < running.size(); ++i) {
    AttemptEnergy& energy = *running[i].energy;
    add_share(energy, shares[i] * scale, measured_ratio);
    energy.since = interval.end;
    energy.charged_cpu_s = energy.cpu_s;
  }
  if (all_cpu_s > kMinBusyRatio * cores_ * dt_s) price_j_ = above_j / all_cpu_s;
  if (interval.power_w > 0) power_w_ = interval.power_w;
  measured_ = interval.measured;
  begin_ = interval.end;
  paid_out_ = {};
  paid_out_cpu_s_ = 0;
}

void EnergyLedger::pay_out(MonoTime now, AttemptEnergy& energy, uint32_t cpus, int64_t ran_ms, double cpu_s) {
  // Of a short one both words come at once: not when it was seen to run counts, but how long it did. What ran before
  // this interval is charged for, or was not seen.
  MonoTime since = now + -std::max<int64_t>(0, ran_ms);
  if (energy.cpu_before_unknown) since = std::max(since, energy.since);
  const double ran_s = seconds_in_interval(since, now);
  if (energy.cpu_before_unknown) energy.charged_cpu_s = energy.cpu_s = cpu_s;
  energy.cpu_s = std::max(energy.cpu_s, cpu_s);
  const double used_s = std::clamp(energy.cpu_s - energy.charged_cpu_s, 0.0, cores_ * std::max(seconds(ran_ms), ran_s));
  const double wanted_j = model_.idle_w * ran_s * std::min(1.0, cpus / cores_) + price_j_ * used_s;
  // No more than the node can have used since the interval began.
  const double most_s = seconds_in_interval(begin_, now) + kLatenessS;
  const double most_j = std::max(model_.busy_w, power_w_) * most_s - paid_out_.total;
  const double paid_j = std::clamp(wanted_j, 0.0, std::max(0.0, most_j));
  add_share(energy, paid_j, measured_ ? 1 : 0);
  energy.charged_cpu_s = energy.cpu_s;
  paid_out_.total += paid_j;
  if (measured_) paid_out_.measured += paid_j;
  paid_out_cpu_s_ += used_s;
}

}  // namespace bramble::agent
