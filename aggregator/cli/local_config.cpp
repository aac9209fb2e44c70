#include "aggregator/cli/local_config.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include "aggregator/cli/api.hpp"
#include "common/posix/config_file.hpp"
#include "common/posix/files.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

constexpr size_t kMaxConfigBytes = 1 << 20;

constexpr size_t kLinesBefore = 3;  // of ours, before a person's

// Limits that one can wait for.
constexpr std::pair<const char*, const char*> kPowerKeys[] = {
    {"recovery", "true"}, {"recovery_s", "30"}, {"start_limit_s", "30"}, {"halt_limit_s", "30"}, {"hold_s", "1"}};

std::string without_blanks(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\r'; });
  return text;
}

// Puts those of our keys that the person left out behind the heading [power].
Status merge_power(LocalKeys& keys) {
  std::istringstream lines(keys.text);
  std::set<std::string> given;
  size_t number = 0;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    line = without_blanks(line);
    if (line.starts_with('[')) inside = line.starts_with("[power]");
    if (inside && keys.power_line == 0) keys.power_line = number;
    if (inside) given.insert(line.substr(0, line.find('=')));
  }
  if (keys.power_line == 0) return fail(keys.path + ": write [power] as a heading, and its keys below it");
  std::string ours;
  for (const auto& [key, value] : kPowerKeys) {
    if (given.contains(key)) continue;
    ours += fmt::format("{} = {}\n", key, value);
    ++keys.lines_put_in;
  }
  size_t at = 0;
  for (size_t line = 0; line < keys.power_line; ++line) at = keys.text.find('\n', at) + 1;
  keys.text.insert(at, ours);
  return {};
}

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
    text += "\n[power]\n";
    for (const auto& [key, value] : kPowerKeys) text += fmt::format("{} = {}\n", key, value);
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
  keys.path = path;
  file->table("power", [&](posix::ConfigFile&) { keys.power = true; });
  auto text = posix::read_file(path, kMaxConfigBytes);
  if (!text) return tl::unexpected(text.error());
  keys.text = std::move(*text);
  if (!keys.text.empty() && keys.text.back() != '\n') keys.text += '\n';
  if (!keys.power) return keys;
  if (auto merged = merge_power(keys); !merged) return tl::unexpected(merged.error());
  return keys;
}

size_t line_of_person(const LocalKeys& keys, size_t line) {
  const auto lines = static_cast<size_t>(std::count(keys.text.begin(), keys.text.end(), '\n'));
  if (line <= kLinesBefore || line > kLinesBefore + lines) return 0;
  line -= kLinesBefore;
  if (line <= keys.power_line || keys.lines_put_in == 0) return line;
  return line <= keys.power_line + keys.lines_put_in ? 0 : line - keys.lines_put_in;
}

std::string said_of_person(const LocalKeys& keys, const std::string& config_path, const std::string& complaint) {
  const std::string place = config_path + ":";
  const size_t at = complaint.find(place);
  if (at == std::string::npos || keys.path.empty()) return complaint;
  const size_t digits = at + place.size();
  size_t number = 0;
  const auto [end, error] = std::from_chars(complaint.data() + digits, complaint.data() + complaint.size(), number);
  const size_t line = error == std::errc{} ? line_of_person(keys, number) : 0;
  if (line == 0) return complaint;
  return complaint.substr(0, at) + keys.path + ":" + std::to_string(line) +
         complaint.substr(static_cast<size_t>(end - complaint.data()));
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
