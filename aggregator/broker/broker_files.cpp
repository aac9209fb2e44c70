#include "aggregator/broker/broker_files.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/posix/files.hpp"
#include "common/posix/process.hpp"
#include "common/posix/uuid.hpp"

namespace bramble::aggregator {
namespace {

constexpr size_t max_small_file_bytes = 4096;
constexpr int hash_limit_ms = 30'000;

std::string to_text(const NodeListener& nodes) {
  const std::string& dir = nodes.directory;
  return "\n# Nodes on other machines. A node is who its certificate says, may what the list in 'acl' says, and is "
         "refused when\n"
         "# its certificate stands in revoked.pem; 'bramble node add' and 'bramble node remove' write "
         "these.\nlistener " +
         std::to_string(nodes.port) + (nodes.address.empty() ? "" : " " + nodes.address) + "\ncafile " + dir +
         "/ca.crt\ncertfile " + dir + "/head.crt\nkeyfile " + dir + "/head.key\ncrlfile " + dir +
         "/revoked.pem\nrequire_certificate true\nuse_identity_as_username true\nallow_anonymous false\nacl_file " +
         dir + "/acl\n";
}

}  // namespace

std::string to_text(const BrokerConfig& config) {
  std::ostringstream out;
  out << R"(# Written by bramble-aggregator at each start of its own broker: changes are lost.
# To run a broker of your own instead, set its URL in the aggregator's configuration.

per_listener_settings true

# Only this machine: the aggregator itself, and whoever has the password.
listener )"
      << config.port << R"( 127.0.0.1

# Who can publish here can run commands on every node, and every user of this machine reaches loopback.
# The password is in the file 'password' beside this one.
allow_anonymous false
password_file )"
      << config.password_file << R"(

# The default of 20 messages in flight holds senders back.
max_inflight_messages 0

# For a client that is slow to read; beyond it Mosquitto drops messages without a word.
max_queued_messages 100000
max_queued_bytes 268435456

# The largest packet that bramble sends, and room for its headers.
max_packet_size )"
      << config.max_packet_bytes << R"(

# Requests and answers go back and forth in small packets.
set_tcp_nodelay true

# Nothing to keep: bramble repeats what must arrive and announces itself at every connection.
persistence false

log_dest stderr
log_type error
log_type warning
log_type notice
log_type information
connection_messages false
)";
  if (config.nodes) out << to_text(*config.nodes);
  if (config.as_root) {
    out << R"(
# Started by root: without this Mosquitto becomes the user 'mosquitto', who may not read this directory.
user root
)";
  }
  return out.str();
}

std::string to_json(const BrokerState& state) {
  return nlohmann::json{{"pid", state.process.pid},
                        {"start_ticks", state.process.start_ticks},
                        {"boot_id", state.boot_id},
                        {"port", state.port}}
             .dump(2) +
         "\n";
}

std::optional<BrokerState> state_from_json(const std::string& text) {
  try {
    const auto json = nlohmann::json::parse(text);
    BrokerState state;
    state.process.pid = json.at("pid").get<pid_t>();
    state.process.start_ticks = json.at("start_ticks").get<uint64_t>();
    state.boot_id = json.at("boot_id").get<std::string>();
    state.port = json.at("port").get<int>();
    if (state.port <= 0 || state.port > 65535) return std::nullopt;
    return state;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

Result<std::string> read_or_make_password(const std::string& path) {
  const auto old = posix::read_file(path, max_small_file_bytes);
  if (!old && old.error().code != ErrorCode::not_found) return tl::unexpected<Error>(old.error());
  std::string password = old.value_or("");
  while (!password.empty() && password.back() == '\n') password.pop_back();
  if (!password.empty()) return password;
  password = posix::random_uuid() + posix::random_uuid();
  std::erase(password, '-');
  if (Status written = posix::write_file_atomically(path, password + "\n", {.mode = 0600, .sync = true}); !written) {
    return tl::unexpected<Error>(written.error());
  }
  return password;
}

Status write_password_hashes(const std::string& path, const std::string& username, const std::string& password) {
  const auto tool = find_program("mosquitto_passwd");
  if (!tool)
    return fail(ErrorCode::not_found, "mosquitto_passwd is missing: install Mosquitto (apt install mosquitto)");
  const std::string plain = username + ":" + password + "\n";
  if (Status written = posix::write_file_atomically(path, plain, {.mode = 0600}); !written) return written;
  auto hashing = posix::Process::spawn({.argv = {*tool, "-U", path}, .env = {}, .directory = {}});
  if (!hashing) return tl::unexpected<Error>(hashing.error());
  const auto status = hashing->wait(hash_limit_ms);
  if (!status) hashing->kill_and_wait();
  if (status && status->success()) return {};
  return fail(ErrorCode::io, *tool + " -U " + path + " failed: try it by hand to see why");
}

std::optional<std::string> find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(std::string(path != nullptr ? path : "") + ":/usr/sbin:/usr/local/sbin:/usr/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (!folder.starts_with('/')) continue;
    const std::string candidate = folder + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

}  // namespace bramble::aggregator
