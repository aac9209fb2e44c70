// The main() that both daemons have: --config FILE, --version, --help, and what else a program can do instead of
// running.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/base/result.hpp"

namespace bramble::posix {

// Returns an exit status.
using DaemonAction = std::function<Result<int>(const std::string& config_path)>;

struct DaemonProgram {
  struct Other {
    std::string flag;  // "--renew-store"
    std::string help;  // one line
    std::function<Result<int>(const std::string& config_path, const std::string& value)> act;
    std::string value = {};  // how the help calls what must follow the flag; empty: nothing does
  };

  std::string name;
  std::string default_config;
  std::vector<Other> others = {};
};

// Returns the exit status: what `run`, or the action that was asked for, gives with the configuration's path; 1 if it
// fails, with the error's sentence on stderr; 2 for wrong usage.
int daemon_main(int argc, char** argv, const DaemonProgram& program, const DaemonAction& run);

}  // namespace bramble::posix
