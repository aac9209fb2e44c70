// A broker and the real aggregator; nodes and people come as real processes too.
#pragma once

#include <gmock/gmock.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/bramble_process.hpp"
#include "support/daemon_process.hpp"
#include "support/mosquitto.hpp"
#include "support/temp_dir.hpp"
#include "support/warden_client.hpp"

namespace bramble::test {

class AggregatorProcess : public DaemonProcess {
 public:
  AggregatorProcess(const std::string& dir, const std::string& config)
      : DaemonProcess(BRAMBLE_AGGREGATOR, dir, config) {}
};

// An agent with its warden.
class NodeProcesses {
 public:
  // more: further lines of the agent's configuration.
  NodeProcesses(const std::string& dir, const std::string& name, const std::string& broker_url,
                const std::string& more = {})
      : warden(dir + "/warden"),
        agent(BRAMBLE_AGENT, dir + "/agent",
              "node = \"" + name + "\"\nbroker_url = \"" + broker_url + "\"\nstate_dir = \"" + dir +
                  "/agent/state\"\nwarden_socket = \"" + dir +
                  "/warden/warden.sock\"\nslots = 2\nmachine_id = \"machine-of-" + name + "\"\n" + more) {
    agent.start();
  }

  WardenProcess warden;
  DaemonProcess agent;
};

class AggregatorTest : public testing::Test {
 protected:
  // state: its state directory; more: further lines.
  std::string config(const std::string& state, const std::string& broker_url, const std::string& more = {}) const {
    return "state_dir = \"" + state + "\"\napi_socket = \"" + dir_ / "api.sock" + "\"\nbroker_url = \"" + broker_url +
           "\"\n" + more;
  }
  std::string url() const { return "unix:" + dir_ / "api.sock"; }
  Ran bramble(const std::vector<std::string>& args) const { return run_bramble(url(), args); }

  // The node's state as people see it; waited for.
  void wait_for_node(const std::string& name, const std::string& state) const { wait_for_node(name, "state", state); }

  void wait_for_node(const std::string& name, const char* field, const nlohmann::json& value) const {
    std::string seen;
    for (int i = 0; i < 300; ++i) {
      seen = bramble({"node", "list", "--json"}).out;
      const auto nodes = nlohmann::json::parse(seen, nullptr, false);
      for (const auto& node : nodes.is_array() ? nodes : nlohmann::json::array()) {
        if (node.value("node", "") == name && node.value(field, nlohmann::json()) == value) return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));  // node list has no long poll
    }
    FAIL() << field << " of " << name << " did not become " << value << ": " << seen;
  }

  TempDir dir_;
};

}  // namespace bramble::test
