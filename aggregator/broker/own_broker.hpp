// A Mosquitto of the aggregator's own, for when no broker is configured: on loopback, with a password, and where nodes
// are let in from other machines, with TLS and their certificates; outliving the aggregator that started it so that a
// restarted one finds its agents still connected.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "aggregator/broker/broker_files.hpp"
#include "aggregator/broker/broker_process.hpp"
#include "common/base/result.hpp"

namespace bramble::aggregator {

struct OwnBrokerOptions {
  std::string mosquitto = {};  // the program; empty: looked for where packages put it
  std::optional<NodeListener> nodes = {};
  size_t max_message_bytes = 1 << 20;  // payload
  int start_timeout_ms = 10'000;
};

// Not thread-safe. Destroying it leaves the broker running: only stop() ends it. One per state directory.
class OwnBroker {
 public:
  // Adopts the broker that an earlier aggregator left under state_dir/broker, if it is certainly that process and set
  // up as this version would; otherwise starts one. Waits until it accepts connections.
  static Result<OwnBroker> start_or_adopt(const std::string& state_dir, OwnBrokerOptions options = {});

  std::string url() const { return "tcp://127.0.0.1:" + std::to_string(port_); }
  int port() const { return port_; }
  const std::string& username() const { return username_; }
  const std::string& password() const { return password_; }
  pid_t pid() const { return process_.pid(); }
  bool adopted() const { return adopted_; }

  bool alive() const { return process_.alive(); }
  int pidfd() const { return process_.pidfd(); }  // becomes readable when it dies; a new one after restart()

  // Takes over certificates and lists that were written since; nobody is disconnected, but who has lost a right does
  // not have it any more.
  void reload() const { process_.reload(); }

  // After its death: starts it again, on the same port if that is still free, so that clients find it. Nothing if it is
  // alive. Takes as long as start_or_adopt().
  Status restart();

  // Ends it: SIGTERM, and SIGKILL after timeout_ms.
  void stop(int timeout_ms = 5000);

 private:
  OwnBroker(std::string dir, OwnBrokerOptions options) : dir_(std::move(dir)), options_(std::move(options)) {}

  Status prepare();
  bool adopt();
  Status start(int preferred_port);
  Status start_on(int port);
  Status write_state() const;
  Status wait_until_ready(int port) const;
  std::string config(int port) const;

  std::string dir_;  // state_dir/broker
  OwnBrokerOptions options_;
  std::string username_ = "bramble";
  std::string password_;
  BrokerProcess process_;
  int port_ = 0;
  bool adopted_ = false;
};

}  // namespace bramble::aggregator
