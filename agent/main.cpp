// bramble-agent --config FILE: reads the configuration, wires the parts together, runs.
#include <cstdio>
#include <cstring>
#include <string>

#include "agent/daemon.hpp"

namespace {

constexpr const char* kUsage =
    "usage: bramble-agent [--config FILE]   (default /etc/bramble/agent.toml)\n"
    "       bramble-agent --version\n";

int complain(const std::string& what) {
  std::fprintf(stderr, "bramble-agent: %s\n", what.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::string config_path = "/etc/bramble/agent.toml";
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
      config_path = argv[++i];
    } else if (std::strcmp(argv[i], "--version") == 0) {
      std::puts("bramble-agent " BRAMBLE_VERSION);
      return 0;
    } else if (std::strcmp(argv[i], "--help") == 0) {
      std::fputs(kUsage, stdout);
      return 0;
    } else {
      std::fputs(kUsage, stderr);
      return 2;
    }
  }
  const auto settings = bramble::agent::read_settings(config_path);
  if (!settings) return complain(settings.error().message);
  auto daemon = bramble::agent::Daemon::start(*settings);
  if (!daemon) return complain(daemon.error().message);
  return (*daemon)->run();
}
