#include "aggregator/core/refusals.hpp"

#include "aggregator/core/power_internal.hpp"

namespace bramble::aggregator {

void on_refused(State& state, Effects& effects, Now now, const Refused& refused) {
  if (!state.gone_back.empty()) return;  // nothing is written to such a store
  const std::string times = refused.times > 1 ? ", " + std::to_string(refused.times) + " more in ten minutes" : "";
  audit(state, effects, now, refused.who.empty() ? "a stranger" : refused.who, "", "refused: " + refused.what,
        refused.why, "from " + refused.from + times);
}

}  // namespace bramble::aggregator
