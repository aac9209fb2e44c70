// The main() that both daemons have: --config FILE, --version, --help.
#pragma once

#include <functional>
#include <string>

#include "common/base/result.hpp"

namespace bramble::posix {

struct DaemonProgram {
  std::string name;
  std::string default_config;
};

// Returns the exit status: what `run` gives with the configuration's path; 1 if it fails, with the error's sentence on
// stderr; 2 for wrong usage.
int daemon_main(int argc, char** argv, const DaemonProgram& program,
                const std::function<Result<int>(const std::string& config_path)>& run);

}  // namespace bramble::posix
