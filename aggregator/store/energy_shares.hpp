// What a span of time has of the energy that attempts are charged with. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "aggregator/core/store.hpp"

namespace bramble::aggregator {

// An attempt that ended on a node that said what it cost (or, with job 0, an hour of forgotten ones of one owner).
// Times are the aggregator's; unknown ones are 0.
struct AttemptEnergy {
  JobId job = 0;
  std::string owner;
  int64_t started_ms = 0;
  int64_t ended_ms = 0;
  int64_t duration_ms = 0;
  double energy_mj = 0;
  double measured_mj = 0;
};

// The part of the attempt that lies between the two times, from 0 to 1: its energy counts as spread evenly over its
// time. One whose length is not known lies where it ended.
double share_within(const AttemptEnergy& attempt, int64_t since_ms, int64_t until_ms);

// Joules by job or by owner, and of all.
class EnergyShares {
 public:
  EnergyShares(EnergyQuestion::By by, int64_t since_ms, int64_t until_ms)
      : by_(by), since_ms_(since_ms), until_ms_(until_ms) {}

  void add(const AttemptEnergy& attempt, bool wanted);  // wanted: shown in rows(); else only counted in total()
  std::vector<EnergyRow> rows() const;                  // by number, or by name
  const EnergyRow& total() const { return total_; }

 private:
  const EnergyQuestion::By by_;
  const int64_t since_ms_;
  const int64_t until_ms_;
  std::map<std::pair<JobId, std::string>, EnergyRow> rows_;
  EnergyRow total_;
};

}  // namespace bramble::aggregator
