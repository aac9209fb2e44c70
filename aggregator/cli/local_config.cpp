#include "aggregator/cli/local_config.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "aggregator/cli/api.hpp"
#include "common/posix/config_file.hpp"
#include "common/posix/files.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

constexpr size_t kMaxConfigBytes = 1 << 20;

// A TOML basic string; its escapes are those of JSON.
std::string quoted(const std::string& text) { return json(text).dump(); }

std::vector<std::string> split_path(const char* path) {
  std::vector<std::string> folders;
  std::string_view rest = path ? path : "";
  while (!rest.empty()) {
    const size_t colon = rest.find(':');
    if (colon != 0) folders.emplace_back(rest.substr(0, colon));
    rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
  }
  return folders;
}

std::vector<std::string> program_folders() {
  std::vector<std::string> folders = split_path(std::getenv("BRAMBLE_LIBEXEC"));
  const std::string own = own_folder();
  for (const char* beside : {"", "/../lib/bramble", "/../libexec/bramble"}) {
    folders.push_back(own + beside);
  }
  for (std::string& folder : split_path(std::getenv("PATH"))) folders.push_back(std::move(folder));
  return folders;
}

}  // namespace

Result<BrokerAccess> parse_broker_client(const std::string& json_text) {
  const json client = json::parse(json_text, nullptr, false);
  BrokerAccess access{text_field(client, "url"), text_field(client, "username"), text_field(client, "password_file")};
  if (access.url.empty()) return fail(ErrorCode::corrupt, "the broker's client.json names no url");
  return access;
}

// Keys come first: behind a table's heading they would be the table's.
std::string aggregator_toml(const LocalLayout& layout, const std::vector<std::string>& nodes, const LocalKeys& more) {
  std::string text = fmt::format("cluster = \"local\"\nstate_dir = {}\napi_socket = {}\n{}",
                                 quoted(layout.aggregator_state()), quoted(layout.api_socket()), more.text);
  if (!more.power) {
    text += "\n[power]\nrecovery = true\nrecovery_s = 30\nstart_limit_s = 30\nhalt_limit_s = 30\nhold_s = 1\n";
  }
  for (const std::string& node : nodes) {
    for (const char* role : {"supply", "halted"}) {
      text += fmt::format("\n[[line]]\nnode = {}\nkind = \"sim\"\nrole = \"{}\"\n", quoted(node), role);
    }
  }
  return text;
}

Result<LocalKeys> read_local_config(const std::string& path) {
  auto file = posix::ConfigFile::read(path);
  if (!file) return tl::unexpected(file.error());
  for (const char* const key :
       {"cluster", "state_dir", "api_socket", "broker_url", "broker_user", "broker_password_file"}) {
    std::string given;
    file->text(key, given);
    if (!given.empty()) return fail(path + ": " + key + " is the local cluster's own: leave it out");
  }
  LocalKeys keys;
  file->table("power", [&](posix::ConfigFile&) { keys.power = true; });
  auto text = posix::read_file(path, kMaxConfigBytes);
  if (!text) return tl::unexpected(text.error());
  keys.text = std::move(*text);
  if (!keys.text.empty() && keys.text.back() != '\n') keys.text += '\n';
  return keys;
}

std::string agent_toml(const LocalLayout& layout, const LocalNode& node, const BrokerAccess& broker) {
  std::string text = fmt::format(
      "node = {}\ncluster = \"local\"\nbroker_url = {}\nstate_dir = {}\nwarden_socket = {}\nslots = {}\n"
      "memory_bytes = {}\nmachine_id = {}\nboot_id = {}\n"
      "halt_request = {}\n",  // taken by `bramble local`: a node of this cluster must never halt the machine itself
      quoted(node.name), quoted(broker.url), quoted(layout.agent_state(node.name)),
      quoted(layout.warden_socket(node.name)), node.slots, node.memory_bytes, quoted(node.machine_id),
      quoted(node.boot_id), quoted(layout.halt_request(node.name)));
  if (!broker.username.empty()) text += fmt::format("broker_user = {}\n", quoted(broker.username));
  if (!broker.password_file.empty()) text += fmt::format("broker_password_file = {}\n", quoted(broker.password_file));
  return text;
}

std::string local_node_name(uint32_t number, uint32_t count) {
  return count < 100 ? fmt::format("local{:02}", number) : fmt::format("local{:03}", number);
}

std::string own_folder() {
  std::error_code error;
  const auto executable = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "." : executable.parent_path().string();
}

Result<std::string> find_program(const std::string& name) {
  for (const std::string& folder : program_folders()) {
    const std::string path = folder + "/" + name;
    std::error_code error;
    if (std::filesystem::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0) {
      return std::filesystem::weakly_canonical(path, error).string();
    }
  }
  return fail(ErrorCode::not_found, name + " was not found beside this program nor in PATH: is it installed?");
}

}  // namespace bramble::cli
