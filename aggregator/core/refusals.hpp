// What was refused at the API's door, for the audit log.
#pragma once

#include <cstdint>
#include <string>

#include "aggregator/core/effects.hpp"
#include "aggregator/core/state.hpp"

namespace bramble::aggregator {

struct Refused {
  std::string who;   // as far as it is known; empty: a stranger
  std::string from;  // an address
  std::string what;  // "POST /api/v1/jobs": the first, where there were several
  std::string why;   // the sentence that was told
  uint64_t times = 1;
};

void on_refused(State& state, Effects& effects, Now now, const Refused& refused);

}  // namespace bramble::aggregator
