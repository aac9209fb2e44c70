// The files of a local cluster: where they lie, and what is written into them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.hpp"

namespace bramble::cli {

// Everything below one folder, which only its owner may enter - and, where tasks run as another user, that one may pass
// through to the directories of his tasks and to api.sock:
//   lock, api.sock, aggregator.toml, aggregator/ (its state), logs/NAME.log, pids.json,
//   NODE/agent.toml, NODE/state/, NODE/warden/, NODE/halt (its agent asks to be halted)
class LocalLayout {
 public:
  explicit LocalLayout(std::string dir) : dir_(std::move(dir)) {}

  const std::string& dir() const { return dir_; }
  std::string api_socket() const { return dir_ + "/api.sock"; }
  std::string api_url() const { return "unix:" + api_socket(); }
  std::string aggregator_config() const { return dir_ + "/aggregator.toml"; }
  std::string aggregator_state() const { return dir_ + "/aggregator"; }
  std::string lines() const { return aggregator_state() + "/lines"; }  // where the aggregator expects simulated ones
  std::string supply_line(const std::string& name) const { return lines() + "/" + name + ".supply"; }
  std::string halt_line(const std::string& name) const { return lines() + "/" + name + ".halted"; }
  std::string broker_client() const { return aggregator_state() + "/broker/client.json"; }
  std::string lock() const { return dir_ + "/lock"; }  // held while its cluster runs
  std::string pids() const { return dir_ + "/pids.json"; }
  std::string logs() const { return dir_ + "/logs"; }
  std::string log(const std::string& part) const { return logs() + "/" + part + ".log"; }
  std::string node(const std::string& name) const { return dir_ + "/" + name; }
  std::string agent_config(const std::string& name) const { return node(name) + "/agent.toml"; }
  std::string halt_request(const std::string& name) const { return node(name) + "/halt"; }
  std::string agent_state(const std::string& name) const { return node(name) + "/state"; }
  std::string warden_state(const std::string& name) const { return node(name) + "/warden"; }
  std::string warden_socket(const std::string& name) const { return warden_state(name) + "/warden.sock"; }

 private:
  std::string dir_;
};

// Where the aggregator's own broker takes connections: what it wrote into broker_client().
struct BrokerAccess {
  std::string url;
  std::string username;
  std::string password_file;
};
Result<BrokerAccess> parse_broker_client(const std::string& json_text);

struct LocalNode {
  std::string name;
  uint32_t slots = 1;
  uint64_t memory_bytes = 0;
  std::string machine_id;
  std::string boot_id;
  std::string task_user = {};  // empty: the warden's own
};

// A person's own lines for the aggregator's file.
struct LocalKeys {
  std::string path;
  std::string text;
  bool power = false;       // with a table [power], in which ours of its keys that the person left out were put...
  size_t power_line = 0;    // ...behind this line
  size_t lines_put_in = 0;  // so many
};

// The line of the person's file that this line of the whole file is; 0: it is ours.
size_t line_of_person(const LocalKeys& keys, size_t line);
// The aggregator's complaint about a line of its whole file, as one about the line of the person's file.
std::string said_of_person(const LocalKeys& keys, const std::string& config_path, const std::string& complaint);

// Ours, a person's, and simulated lines for the nodes, with recovery on and limits that one can wait for.
std::string aggregator_toml(const LocalLayout& layout, const std::vector<std::string>& nodes, const LocalKeys& more);
// The text of a file of more keys for the aggregator. What a local cluster decides itself is refused, with its key.
Result<LocalKeys> read_local_config(const std::string& path);
std::string agent_toml(const LocalLayout& layout, const LocalNode& node, const BrokerAccess& broker);

std::string local_node_name(uint32_t number, uint32_t count);  // "local01"; three digits from 100 nodes on

// A path of a program of ours: in BRAMBLE_LIBEXEC, beside this executable, where a package puts it,
// else in PATH.
Result<std::string> find_program(const std::string& name);
std::string own_folder();  // of this executable

}  // namespace bramble::cli
