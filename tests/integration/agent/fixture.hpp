// One node - agent, warden, broker - and the test in the aggregator's place.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "fake_aggregator.hpp"
#include "support/daemon_process.hpp"
#include "support/mosquitto.hpp"
#include "support/temp_dir.hpp"
#include "support/warden_client.hpp"

namespace bramble::test {

class AgentProcess : public DaemonProcess {
 public:
  AgentProcess(const std::string& dir, const std::string& config) : DaemonProcess(BRAMBLE_AGENT, dir, config) {}
};

class AgentTest : public testing::Test {
 protected:
  // more: further lines of its configuration.
  std::string config(const std::string& state, const std::string& more = {}) const {
    return "node = \"pi01\"\nmachine_id = \"machine-of-pi01\"\nbroker_url = \"" + broker_.url() + "\"\nstate_dir = \"" +
           dir_ / state + "\"\nwarden_socket = \"" + dir_ / "warden/warden.sock" +
           "\"\nslots = 2\nbeat_ms = 200\ntelemetry_ms = 200\n" + more;
  }

  // Started, and welcomed by the test.
  void join() {
    agent_.start();
    birth_ = aggregator_.wait_status(true);
    aggregator_.welcome(birth_);
  }

  TempDir dir_;
  Mosquitto broker_;
  WardenProcess warden_{dir_ / "warden"};
  FakeAggregator aggregator_{broker_.url(), "pi01"};
  AgentProcess agent_{dir_ / "agent", config("agent/state")};
  wire::NodeStatus birth_;
};

}  // namespace bramble::test
