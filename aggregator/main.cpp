// bramble-aggregator [--config FILE]: reads the configuration, wires the parts together, runs.
#include "aggregator/daemon.hpp"
#include "common/posix/daemon_main.hpp"

namespace {

bramble::Result<int> run(const std::string& config_path) {
  const auto config = bramble::aggregator::read_config(config_path);
  if (!config) return tl::unexpected<bramble::Error>(config.error());
  auto daemon = bramble::aggregator::Daemon::start(*config);
  if (!daemon) return tl::unexpected<bramble::Error>(daemon.error());
  return (*daemon)->run();
}

}  // namespace

int main(int argc, char** argv) {
  return bramble::posix::daemon_main(argc, argv, {"bramble-aggregator", "/etc/bramble/aggregator.toml"}, run);
}
