// A head that lets nodes in over TLS on a port of loopback, and nodes that join it.
#pragma once

#include <gmock/gmock.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "common/posix/files.hpp"
#include "support/bramble_process.hpp"
#include "support/daemon_process.hpp"
#include "support/mosquitto.hpp"
#include "support/temp_dir.hpp"
#include "support/warden_client.hpp"

namespace bramble::test {

class JoiningNode {
 public:
  JoiningNode(const std::string& dir, const std::string& name, const std::string& more = {})
      : dir_(dir),
        warden(dir + "/warden"),
        agent(BRAMBLE_AGENT, dir + "/agent",
              "state_dir = \"" + dir + "/agent/state\"\nwarden_socket = \"" + dir +
                  "/warden/warden.sock\"\nslots = 2\nmachine_id = \"machine-of-" + name + "\"\n" + more) {}

  // What `bramble-agent --join -` says, and its exit status.
  Ran take(const std::string& join_text) const {
    const std::string file = dir_ + "/node.join";
    EXPECT_TRUE(posix::write_file_atomically(file, join_text));
    posix::SpawnOptions options;
    options.argv = {BRAMBLE_AGENT, "--config", dir_ + "/agent/config.toml", "--join", file};
    const posix::UniqueFd out(::open((dir_ + "/join.out").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    options.stdout_fd = out.get();
    options.stderr_fd = out.get();
    auto process = posix::Process::spawn(options);
    if (!process) throw std::runtime_error(process.error().message);
    const auto status = process->wait(60'000);
    return {status ? status->code : -1, posix::read_file(dir_ + "/join.out", 1 << 20).value_or(""), ""};
  }
  std::string identity() const { return dir_ + "/agent/state/identity"; }

 private:
  std::string dir_;

 public:
  WardenProcess warden;
  DaemonProcess agent;
};

class JoiningTest : public testing::Test {
 protected:
  // plain_port: where a broker of the operator's is, with the user "head" and the password "sesame"; 0: the
  // aggregator's own broker.
  explicit JoiningTest(int plain_port = 0) : plain_port_(plain_port) {
    EXPECT_TRUE(posix::write_file_atomically(dir_ / "password", "sesame\n", {.mode = 0600}));
    aggregator_.start();
  }
  // In the regular way, for a broker outlives an aggregator that is killed.
  ~JoiningTest() override { aggregator_.stop(); }

  std::string url() const { return "unix:" + dir_ / "api.sock"; }
  std::string broker_url() const { return "ssl://127.0.0.1:" + std::to_string(port_); }
  std::string authority() const { return dir_ / "state/ca/ca.crt"; }
  Ran bramble(const std::vector<std::string>& args) const { return run_bramble(url(), args); }
  void wait_until_up() const { aggregator_.wait_logged("connected to the broker"); }

  std::string add(const std::string& node) const {
    const Ran added = bramble({"node", "add", node});
    EXPECT_EQ(added.status, 0) << added.err;
    return added.out;
  }
  // Joined, started and on.
  std::unique_ptr<JoiningNode> join(const std::string& name) {
    auto node = std::make_unique<JoiningNode>(dir_ / name, name);
    const Ran taken = node->take(add(name));
    EXPECT_EQ(taken.status, 0) << taken.out;
    node->agent.start();
    wait_for_node(name, "on");
    return node;
  }
  void wait_for_node(const std::string& name, const std::string& state) const {
    std::string seen;
    for (int i = 0; i < 600; ++i) {
      seen = bramble({"node", "list", "--json"}).out;
      const auto nodes = nlohmann::json::parse(seen, nullptr, false);
      for (const auto& node : nodes.is_array() ? nodes : nlohmann::json::array()) {
        if (node.value("node", "") == name && node.value("state", "") == state) return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));  // node list has no long poll
    }
    FAIL() << name << " did not become " << state << ": " << seen;
  }

  std::string way_of_nodes() const {
    if (plain_port_ == 0) return "node_listen = \"127.0.0.1:" + std::to_string(port_) + "\"\n";
    return "broker_url = \"tcp://127.0.0.1:" + std::to_string(plain_port_) +
           "\"\nbroker_user = \"head\"\nbroker_password_file = \"" + dir_ / "password" + "\"\nnode_broker_url = \"" +
           broker_url() + "\"\n";
  }

  TempDir dir_;
  const int plain_port_;
  const int port_ = free_port();
  DaemonProcess aggregator_{
      BRAMBLE_AGGREGATOR, dir_ / "head",
      "state_dir = \"" + dir_ / "state" + "\"\napi_socket = \"" + dir_ / "api.sock" + "\"\n" + way_of_nodes()};
};

}  // namespace bramble::test
