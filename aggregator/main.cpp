// bramble-aggregator --config FILE: reads the configuration, wires the parts together, runs.
#include <cstdio>
#include <cstring>

#include "aggregator/daemon.hpp"

namespace {

constexpr const char* kUsage =
    "usage: bramble-aggregator [--config FILE]   (default /etc/bramble/aggregator.toml)\n"
    "       bramble-aggregator --version\n";

int complain(const std::string& what) {
  std::fprintf(stderr, "bramble-aggregator: %s\n", what.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::string config_path = "/etc/bramble/aggregator.toml";
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
      config_path = argv[++i];
    } else if (std::strcmp(argv[i], "--version") == 0) {
      std::puts("bramble-aggregator " BRAMBLE_VERSION);
      return 0;
    } else if (std::strcmp(argv[i], "--help") == 0) {
      std::fputs(kUsage, stdout);
      return 0;
    } else {
      std::fputs(kUsage, stderr);
      return 2;
    }
  }
  const auto config = bramble::aggregator::read_config(config_path);
  if (!config) return complain(config.error().message);
  auto daemon = bramble::aggregator::Daemon::start(*config);
  if (!daemon) return complain(daemon.error().message);
  return (*daemon)->run();
}
