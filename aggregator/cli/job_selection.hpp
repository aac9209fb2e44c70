// Which jobs a selector means, asked of the aggregator.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "aggregator/cli/api.hpp"
#include "aggregator/cli/console.hpp"
#include "aggregator/cli/options.hpp"

namespace bramble::cli {

// An array of job objects.
Result<nlohmann::json> select_jobs(Api& api, const JobListCommand& which);

// A selector names jobs that exist: none is an error, so that a script notices.
Result<std::vector<JobId>> select_numbers(Api& api, const std::string& selector);

// A field "waits" for the newest jobs that do: one of the words of job explain. What cannot be asked is left out.
void add_waiting_words(Api& api, nlohmann::json& jobs);

// Says on standard error what keeps all work waiting: no broker, no room. A listing alone would not show it.
void say_troubles(Api& api, Console& console);

}  // namespace bramble::cli
