// What `bramble check` says of a cluster, by the rules of Nagios plugins: one line "TEXT | PERFDATA" and a status.
// Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "aggregator/cli/options.hpp"

namespace bramble::cli {

struct CheckResult {
  int status = 0;    // kCheckOk, kCheckWarning, kCheckCritical
  std::string line;  // with its newline
};

// health and nodes: the API's objects; nodes are those that were asked for.
//
// Critical: what holds up everybody (troubles_in), a node is lost, a limit. Warning: a node is silent or not heard yet,
// its supply's voltage is low, an alert of the aggregator's configuration is raised, a limit. A node that said goodbye,
// or is drained, was stopped by a person: that is good.
CheckResult check_cluster(const nlohmann::json& health, const nlohmann::json& nodes, const CheckCommand& command);

// The line as a person sees it in a terminal of so many columns: broken between words. kAnyWidth: as it is, for a
// monitor.
std::string check_text(std::string line, size_t columns);

}  // namespace bramble::cli
