// Which nodes a person wants switched, and which of them cannot be. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "aggregator/cli/options.hpp"
#include "common/base/result.hpp"

namespace bramble::cli {

struct PowerChoice {
  std::vector<std::string> nodes;
  std::vector<std::string> skipped;  // of `all`: a sentence for each node that is left as it is
  bool skips_fault = false;          // one of those needs a person
};

// `status` is that of all nodes' power. Nodes that are named must all be there, and none of them protected: one error
// names every one that is not, and what would work. Of `all` those that cannot be switched are left out. The aggregator
// has the last word either way.
Result<PowerChoice> choose_switched(const nlohmann::json& status, const PowerSwitchCommand& command);

}  // namespace bramble::cli
