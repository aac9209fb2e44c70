// What the aggregator's own broker keeps on disk: DIR/broker/...
#pragma once

#include <optional>
#include <string>

#include "aggregator/broker/broker_process.hpp"
#include "common/base/result.hpp"

namespace bramble::aggregator {

// Where nodes on other machines come in: TLS only, each known by its certificate.
struct NodeListener {
  std::string address;  // numeric or a name; empty: every one of this machine
  int port = 8883;
  std::string directory;  // with ca.crt, head.crt, head.key, revoked.pem, acl

  bool operator==(const NodeListener&) const = default;
};

// mosquitto.conf for an operator to read.
struct BrokerConfig {
  int port = 0;
  std::optional<NodeListener> nodes = {};
  std::string password_file;  // hashed
  size_t max_packet_bytes = 0;
  bool as_root = false;
};
std::string to_text(const BrokerConfig& config);

// state.json: which process runs it. boot_id: start times count from boot.
struct BrokerState {
  ProcessIdentity process;
  std::string boot_id;
  int port = 0;
};
std::string to_json(const BrokerState& state);
std::optional<BrokerState> state_from_json(const std::string& text);  // nullopt: not such a file

// The password in `path` (mode 0600); made up and written if there is none.
Result<std::string> read_or_make_password(const std::string& path);

// Writes `path` as Mosquitto wants it: hashed, by its own tool, which is given no password on its command line.
Status write_password_hashes(const std::string& path, const std::string& username, const std::string& password);

// The full path of a program: in PATH, or where Debian keeps daemons (which an ordinary user's PATH often lacks).
std::optional<std::string> find_program(const std::string& name);

}  // namespace bramble::aggregator
