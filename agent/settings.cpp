#include "agent/settings.hpp"

#include <cstdlib>

#include "agent/runner/node_identity.hpp"
#include "agent/sensors/hardware.hpp"
#include "common/base/memory_share.hpp"
#include "common/mqtt/broker_address.hpp"
#include "common/posix/config_file.hpp"
#include "common/posix/files.hpp"
#include "common/posix/machine.hpp"

namespace bramble::agent {
namespace {

constexpr int64_t kMaxSlots = 1024;
constexpr int64_t kMaxAmount = int64_t{1} << 50;
constexpr size_t kMaxPasswordBytes = 4096;

// As they stand in the file; zero or empty where it says nothing.
struct Given {
  int64_t slots = 0;
  int64_t memory_bytes = 0;
  int64_t cache_bytes = int64_t{4} << 30;
  int64_t beat_ms = 0;
  int64_t telemetry_ms = 0;
  std::string password_file;
  posix::MachineOptions machine;
  bool node = false;
  bool cluster = false;
};

Status read_keys(const std::string& path, Settings& settings, Given& given) {
  Result<posix::ConfigFile> file = posix::ConfigFile::read(path);
  if (!file) return tl::unexpected<Error>(file.error());
  std::string node;
  std::string cluster;
  file->text("node", node);
  file->text("cluster", cluster);
  given.node = !node.empty();
  given.cluster = !cluster.empty();
  if (given.node) settings.config.node = node;
  if (given.cluster) settings.config.cluster = cluster;
  file->text("broker_url", settings.broker_url);
  file->text("broker_ca_file", settings.tls.ca_file);
  file->text("broker_certificate_file", settings.tls.certificate_file);
  file->text("broker_key_file", settings.tls.key_file);
  file->text("broker_user", settings.broker_user);
  file->text("broker_password_file", given.password_file);
  file->text("state_dir", settings.state_dir);
  file->text("warden_socket", settings.warden_socket);
  file->text("machine_id", given.machine.machine_id);
  file->text("boot_id", given.machine.boot_id);
  file->integer("slots", given.slots, 1, kMaxSlots);
  file->integer("memory_bytes", given.memory_bytes, 1, kMaxAmount);
  file->integer("cache_bytes", given.cache_bytes, 0, kMaxAmount);
  file->integer("beat_ms", given.beat_ms, 100, 60'000);
  file->integer("telemetry_ms", given.telemetry_ms, 100, 3'600'000);
  file->real("idle_w", settings.config.power.idle_w, 0, wire::kMaxModelW);
  file->real("busy_w", settings.config.power.busy_w, 0, wire::kMaxModelW);
  file->text("sensors_dir", settings.drop_ins.directory);
  file->integer("sensors_dir_ms", settings.drop_ins.interval_ms, 1000, 3'600'000);
  file->text("halt_request", settings.halt.request_file);
  file->text("halt_command", settings.halt.command);
  file->text("watchdog_device", settings.watchdog_device);
  file->integers("resources", settings.config.resources, 0, kMaxAmount);
  file->texts("labels", settings.config.labels);
  return file->finish();
}

Status check_name(const char* key, const std::string& name) {
  if (is_valid_name(name)) return {};
  return fail(std::string(key) + " is '" + name +
              "', but a name is made of letters, digits, '-', '_' and '.', begins with a letter or digit and has at "
              "most 63: set " +
              key + " in the file");
}

Status check_optional_path(const char* key, const std::string& path) {
  if (path.empty() || path.starts_with('/')) return {};
  return fail(std::string(key) + " must begin with '/', or be empty for none, not be '" + path + "'");
}

Status check(const Settings& settings) {
  const Config& config = settings.config;
  if (Status node = check_name("node", config.node); !node) return node;
  if (Status cluster = check_name("cluster", config.cluster); !cluster) return cluster;
  for (const auto& [name, amount] : config.resources) {
    if (Status resource = check_name("a resource", name); !resource) return resource;
  }
  for (const auto& [name, value] : config.labels) {
    if (Status label = check_name("a label", name); !label) return label;
  }
  if (!settings.broker_url.empty()) {
    if (const auto broker = mqtt::parse_broker_urls(settings.broker_url); !broker) return fail(broker.error().message);
  }
  if (config.power.idle_w > config.power.busy_w) return fail("idle_w must not be above busy_w");
  if (Status optional = check_optional_path("sensors_dir", settings.drop_ins.directory); !optional) return optional;
  if (Status optional = check_optional_path("halt_request", settings.halt.request_file); !optional) return optional;
  if (Status optional = check_optional_path("halt_command", settings.halt.command); !optional) return optional;
  if (Status optional = check_optional_path("watchdog_device", settings.watchdog_device); !optional) return optional;
  for (const std::string* path : {&settings.state_dir, &settings.warden_socket}) {
    if (!path->starts_with('/')) return fail("state_dir and warden_socket must begin with '/', not be '" + *path + "'");
  }
  return {};
}

// A name that the file gives, and one that a joining gave.
Status take_joined_name(const char* key, const std::string& joined, bool given, std::string& name) {
  if (given && name != joined) {
    return fail(std::string(key) + " is '" + name + "', but this node was joined as '" + joined +
                "': remove the line, or join it under the other name");
  }
  name = joined;
  return {};
}

Status take_identity(Settings& settings, const Given& given) {
  const auto identity = runner::load_identity(identity_directory(settings));
  if (!identity) return tl::unexpected<Error>(identity.error());
  if (!*identity) return {};
  Config& config = settings.config;
  if (Status name = take_joined_name("node", (*identity)->node, given.node, config.node); !name) return name;
  if (Status name = take_joined_name("cluster", (*identity)->cluster, given.cluster, config.cluster); !name)
    return name;
  if (settings.broker_url.empty()) settings.broker_url = (*identity)->broker_url;
  if (settings.tls.ca_file.empty()) {
    settings.tls = {(*identity)->ca_file, (*identity)->node_file, (*identity)->node_file, false};
    config.renew_certificate_after = (*identity)->renew_after;
  }
  settings.joined = (*identity)->joined;
  return {};
}

Status read_password(const std::string& path, std::string& password) {
  if (path.empty()) return {};
  Result<std::string> text = posix::read_file(path, kMaxPasswordBytes);
  if (!text) return in_context("broker_password_file", text.error());
  password = text->substr(0, text->find_first_of("\r\n"));
  return {};
}

std::string language() {
  const char* const lang = std::getenv("LANG");
  return lang == nullptr ? std::string() : std::string(lang);
}

void take_optional(int64_t given, std::optional<int64_t>& into) {
  if (given != 0) into = given;
}

Status complete(Settings& settings, const Given& given, const sensors::Hardware& hardware) {
  Config& config = settings.config;
  const auto machine = posix::read_machine_identity(given.machine);
  if (!machine) return tl::unexpected<Error>(machine.error());
  config.machine_id = machine->machine_id;
  config.boot_id = machine->boot_id;
  config.version = BRAMBLE_VERSION;
  config.model = hardware.board.model;
  config.cpu_cores = hardware.machine_cores;
  config.arch = hardware.arch;
  config.lang = language();
  config.blob_dir = settings.state_dir + "/blobs";
  config.slots = given.slots != 0 ? static_cast<uint32_t>(given.slots) : hardware.cores;
  config.max_cache_bytes = static_cast<uint64_t>(given.cache_bytes);
  config.memory_bytes =
      given.memory_bytes != 0 ? static_cast<uint64_t>(given.memory_bytes) : memory_for_tasks(hardware.memory_bytes);
  take_optional(given.beat_ms, config.beat_ms);
  take_optional(given.telemetry_ms, config.telemetry_ms);
  return read_password(given.password_file, settings.broker_password);
}

Result<Settings> read(const std::string& path, bool joined) {
  const sensors::Hardware hardware = sensors::read_hardware({});
  Settings settings;
  Given given;
  settings.config.power = hardware.board.power;
  settings.config.node = posix::host_name();
  settings.config.cluster = "bramble";
  if (Status keys = read_keys(path, settings, given); !keys) return tl::unexpected<Error>(keys.error());
  if (joined) {
    if (Status taken = take_identity(settings, given); !taken) return in_context(path, taken.error());
  }
  if (Status sound = check(settings); !sound) return in_context(path, sound.error());
  if (Status completed = complete(settings, given, hardware); !completed) return in_context(path, completed.error());
  return settings;
}

}  // namespace

std::string identity_directory(const Settings& settings) { return settings.state_dir + "/identity"; }

Result<Settings> read_settings(const std::string& path) { return read(path, true); }

Result<Settings> read_settings_unjoined(const std::string& path) { return read(path, false); }

}  // namespace bramble::agent
