// bramble-agent [--config FILE] [--join FILE]: reads the configuration, wires the parts together, runs.
#include <malloc.h>

#include "agent/daemon.hpp"
#include "agent/joining.hpp"
#include "common/posix/daemon_main.hpp"

namespace {

bramble::Result<int> run(const std::string& config_path) {
  auto settings = bramble::agent::read_settings(config_path);
  if (settings && settings->broker_url.empty()) {
    if (!bramble::agent::wait_until_joined(*settings)) return 0;
    settings = bramble::agent::read_settings(config_path);
  }
  if (!settings) return tl::unexpected<bramble::Error>(settings.error());
  auto daemon = bramble::agent::Daemon::start(*settings);
  if (!daemon) return tl::unexpected<bramble::Error>(daemon.error());
  return (*daemon)->run();
}

}  // namespace

int main(int argc, char** argv) {
#ifdef M_ARENA_MAX
  ::mallopt(M_ARENA_MAX, 1);  // glibc would give each of its few threads a heap of its own: 130 KiB more, for nothing
#endif
  return bramble::posix::daemon_main(
      argc, argv,
      {"bramble-agent",
       "/etc/bramble/agent.toml",
       {{"--join", "takes the identity that 'bramble node add' has made (- is standard input)",
         bramble::agent::join_node, "FILE"}}},
      run);
}
