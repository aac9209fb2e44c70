// bramble-aggregator [--config FILE] [--renew-store]: reads the configuration, wires the parts together, runs.
#include <cstdio>

#include "aggregator/daemon.hpp"
#include "aggregator/store/renew_store.hpp"
#include "common/posix/daemon_main.hpp"
#include "common/posix/lock_file.hpp"

namespace {

bramble::Result<int> run(const std::string& config_path) {
  const auto config = bramble::aggregator::read_config(config_path);
  if (!config) return tl::unexpected<bramble::Error>(config.error());
  auto daemon = bramble::aggregator::Daemon::start(*config);
  if (!daemon) return tl::unexpected<bramble::Error>(daemon.error());
  return (*daemon)->run();
}

// After a backup was restored. What the old store gave out under its name can then never be taken for something new.
bramble::Result<int> renew(const std::string& config_path, const std::string&) {
  const auto config = bramble::aggregator::read_config(config_path);
  if (!config) return tl::unexpected<bramble::Error>(config.error());
  const auto lock = bramble::posix::lock_file(config->state_dir + "/lock");
  if (!lock) {
    return bramble::fail(lock.error().code, lock.error().message + " (is an aggregator running? stop it first)");
  }
  const auto store = bramble::aggregator::renew_store(config->state_dir + "/jobs.db");
  if (!store) return tl::unexpected<bramble::Error>(store.error());
  std::printf(
      "the store is %s from now on. On each node: stop the agent, remove agent.state from its state directory, "
      "start the agent\n",
      store->c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return bramble::posix::daemon_main(argc, argv,
                                     {"bramble-aggregator",
                                      "/etc/bramble/aggregator.toml",
                                      {{"--renew-store", "gives a restored backup a name of its own", renew}}},
                                     run);
}
