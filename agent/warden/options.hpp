// The command line of bramble-warden.
#pragma once

#include <optional>
#include <string>

#include "agent/warden/warden.hpp"
#include "common/base/result.hpp"

namespace bramble::warden {

std::string usage();

// nullopt: help or the version was asked for, and printed. An error is wrong usage.
Result<std::optional<WardenOptions>> parse_options(int argc, char** argv);

}  // namespace bramble::warden
