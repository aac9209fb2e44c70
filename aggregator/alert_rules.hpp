// The [[alert]] tables of aggregator.toml.
#pragma once

#include <vector>

#include "aggregator/core/alerts.hpp"
#include "common/posix/config_file.hpp"

namespace bramble::aggregator {

//   [[alert]]
//   name = "hot"
//   metric = "temperature_celsius"
//   own_sensor = false    # true: bramble need not know the metric
//   above = 80            # or: below = ...
//   clear = 75            # the limit itself, where it is absent
//   for_s = 30            # 0
//   nodes = "pi[01-04]"   # all
//
// What is wrong is told by file.finish().
std::vector<AlertRule> read_alert_rules(posix::ConfigFile& file);

}  // namespace bramble::aggregator
