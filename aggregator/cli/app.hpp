// The whole command, but for main().
#pragma once

#include <string>
#include <vector>

#include "aggregator/cli/console.hpp"

namespace bramble::cli {

// args: without the program's name. Returns the exit status.
int run_bramble(const std::vector<std::string>& args, Console& console);

}  // namespace bramble::cli
