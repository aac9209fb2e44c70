#include "aggregator/store/energy_shares.hpp"

#include <algorithm>

namespace bramble::aggregator {

double share_within(const AttemptEnergy& attempt, int64_t since_ms, int64_t until_ms) {
  int64_t begin_ms = attempt.started_ms != 0 ? attempt.started_ms : attempt.ended_ms - attempt.duration_ms;
  const int64_t end_ms = attempt.duration_ms > 0 ? begin_ms + attempt.duration_ms : attempt.ended_ms;
  begin_ms = std::min(begin_ms, end_ms);
  if (end_ms == begin_ms) return end_ms >= since_ms && end_ms < until_ms ? 1 : 0;
  const int64_t within_ms = std::min(end_ms, until_ms) - std::max(begin_ms, since_ms);
  return std::max(0.0, static_cast<double>(within_ms) / static_cast<double>(end_ms - begin_ms));
}

void EnergyShares::add(const AttemptEnergy& attempt, bool wanted) {
  const double share = share_within(attempt, since_ms_, until_ms_);
  if (share <= 0) return;
  const double energy_j = share * attempt.energy_mj / 1e3;
  const double measured_j = share * attempt.measured_mj / 1e3;
  total_.energy_j += energy_j;
  total_.measured_j += measured_j;
  if (!wanted) return;
  const bool by_job = by_ == EnergyQuestion::By::job;
  EnergyRow& row = rows_[{by_job ? attempt.job : 0, by_job ? "" : attempt.owner}];
  row.name = by_job ? std::to_string(attempt.job) : attempt.owner;
  row.owner = attempt.owner;
  row.energy_j += energy_j;
  row.measured_j += measured_j;
}

std::vector<EnergyRow> EnergyShares::rows() const {
  std::vector<EnergyRow> rows;
  for (const auto& [key, row] : rows_) rows.push_back(row);
  return rows;
}

}  // namespace bramble::aggregator
