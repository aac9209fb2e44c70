#include "common/posix/daemon_main.hpp"

#include <algorithm>
#include <cstdio>
#include <string_view>

namespace bramble::posix {
namespace {

void print_usage(std::FILE* to, const DaemonProgram& program) {
  std::fprintf(to, "usage: %s [--config FILE]   (default %s)\n       %s --version\n", program.name.c_str(),
               program.default_config.c_str(), program.name.c_str());
  for (const auto& other : program.others) {
    const std::string value = other.value.empty() ? "" : " " + other.value;
    std::fprintf(to, "       %s [--config FILE] %s%s\n           %s\n", program.name.c_str(), other.flag.c_str(),
                 value.c_str(), other.help.c_str());
  }
}

}  // namespace

int daemon_main(int argc, char** argv, const DaemonProgram& program, const DaemonAction& run) {
  std::string config_path = program.default_config;
  DaemonAction action = run;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const auto other =
        std::find_if(program.others.begin(), program.others.end(), [&](const auto& each) { return each.flag == word; });
    if (other != program.others.end()) {
      const bool has_value = !other->value.empty();
      if (has_value && i + 1 == argc) {
        print_usage(stderr, program);
        return 2;
      }
      const std::string value = has_value ? argv[++i] : "";
      action = [act = other->act, value](const std::string& path) { return act(path, value); };
    } else if (word == "--config" && i + 1 < argc) {
      config_path = argv[++i];
    } else if (word == "--version") {
      std::printf("%s %s\n", program.name.c_str(), BRAMBLE_VERSION);
      return 0;
    } else if (word == "--help") {
      print_usage(stdout, program);
      return 0;
    } else {
      print_usage(stderr, program);
      return 2;
    }
  }
  const auto status = action(config_path);
  if (status) return *status;
  std::fprintf(stderr, "%s: %s\n", program.name.c_str(), status.error().message.c_str());
  return 1;
}

}  // namespace bramble::posix
