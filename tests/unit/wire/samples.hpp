// A message of each kind with every field set to something that is not its default, and one with as little as is valid.
#pragma once

#include <string>

#include "common/wire/messages.hpp"
#include "common/wire/warden_messages.hpp"

namespace bramble::wire::samples {

inline const std::string kStore = "0a1b2c3d-0001-4000-8000-00000000000a";
inline const std::string kAgent = "0a1b2c3d-0002-4000-8000-00000000000b";
inline const std::string kBoot = "0a1b2c3d-0003-4000-8000-00000000000c";
inline const std::string kSha256(64, 'e');
inline constexpr AttemptKey kId{.job = 12, .task = 5, .attempt = 1};

inline Containment full_containment() {
  return {.memory = Enforcement::kernel,
          .cpus = Enforcement::none,
          .processes = Enforcement::polled,
          .sandbox = true,
          .no_sandbox = "said anyway",
          .files = true};
}

inline NodeStatus full_status() {
  return {.online = true,
          .node = "pi-01",
          .agent_id = kAgent,
          .machine_id = "5f2b6c0c9d8e4f6aa1b2c3d4e5f60718",
          .boot_id = kBoot,
          .counter = 17,
          .reason = "",
          .protocol = 2,
          .version = "0.1.0",
          .model = "Raspberry Pi 5 Model B Rev 1.0",
          .arch = "aarch64",
          .store = kStore,
          .term = 12,
          .session = 70,
          .cores = 4,
          .memory_bytes = uint64_t{8} << 30,
          .resources = {{"gpu", 1}, {"camera", 2}},
          .labels = {{"rack", "left \"top\""},
                     {"room",
                      "k\xC3\xBC"
                      "che"}},
          .containment = full_containment(),
          .revision = 2};
}

inline NodeStatus full_will() {
  return {.online = false,
          .node = "pi-01",
          .agent_id = kAgent,
          .machine_id = "5f2b6c0c9d8e4f6aa1b2c3d4e5f60718",
          .boot_id = kBoot,
          .counter = UINT64_MAX,
          .reason = "will"};
}

inline NodeStatus least_status() { return {.node = "a", .agent_id = kAgent, .boot_id = "b"}; }

inline Beat full_beat() {
  return {.number = 9,
          .session = 4,
          .sent_ms = 123456,
          .running = 2,
          .queued = 3,
          .spool_bytes = 77,
          .spool_full = true,
          .warden_silent_ms = 12'000,
          .revision = 3};
}

inline Telemetry full_telemetry() {
  return {.number = 3,
          .wall_ms = 1'700'000'000'123,
          .age_ms = kMaxAgeMs,
          .run = UINT64_MAX,
          .power_measured = true,
          .values = {{"temperature_celsius", 48.312}, {"load1", 0.0}, {"power_w", 1e-9}, {"energy_j", 123456789.25}}};
}

inline TaskSpec full_spec() {
  return {.argv = {"sh", "-c", "echo \"$0\"\n", "", "bytes \xFF\xFE"},
          .env = {{"PATH", "/bin"}, {"EMPTY", ""}, {"ODD", "a=b"}, {"RAW", "\xC3("}, {"PATH", "twice"}},
          .cpus = 3,
          .memory_bytes = 1 << 20,
          .resources = {{"gpu", 1}},
          .time_limit_ms = 60'000,
          .kill_grace_ms = 100,
          .stdout_cap_bytes = 5,
          .stderr_cap_bytes = 0,
          .lease_ms = 20'000,
          .isolate = Isolation::sandbox,
          .network = true,
          .calls = CallRules{.limit_ms = 1, .idle_ms = 2, .retries = 3},
          .files = {{"tool", {kSha256, 1000}}, {"data with \"quotes\" fr\xC3\xB6mpf", {kSha256, 0}}}};
}

inline TaskSpec least_spec() { return {.argv = {"true"}}; }

inline TasksMessage full_tasks() {
  return {.store = kStore,
          .term = 3,
          .session = 8,
          .welcome = Welcome{.agent_id = kAgent,
                             .boot_id = kBoot,
                             .counter = 17,
                             .nonce = UINT64_MAX,
                             .beat_ms = 250,
                             .telemetry_ms = 5000,
                             .power = PowerModel{.idle_w = 2.7, .busy_w = 6.4}},
          .refusal = Refusal{.agent_id = kAgent, .why = "the name pi-01 is taken"},
          .ask_status = true,
          .specs = {{12, full_spec()}, {UINT64_MAX, least_spec()}},
          .launch = {{.id = kId,
                      .stdin_blob = BlobRef{.sha256 = kSha256, .size_bytes = 1000},
                      .files = {{"own", {kSha256, UINT64_MAX}}}},
                     {.id = {12, 6, 2}}},
          .cancel = {{1, 0, 1}, {2, 0, 1}},
          .recall = {{3, 0, 1}},
          .ack = {0, 5, UINT64_MAX},
          .done = {{4, UINT32_MAX, UINT32_MAX}},
          .echo = Echo{.number = 9, .sent_ms = 123456}};
}

inline TasksMessage least_tasks() { return {.store = kStore}; }

inline Finished full_finished() {
  return {.outcome = Outcome::start_failed,
          .code = -1,
          .signal = 9,
          .text = "no such command: fr\xC3\xB6mpf",
          .started_wall_ms = 1'700'000'000'000,
          .duration_ms = 1234,
          .cpu_ms = 1000,
          .peak_memory_bytes = 4096,
          .energy_j = 3.25,
          .energy_measured_j = 1.5,
          .out = {.kept_bytes = 4, .dropped_bytes = 9, .data = std::string("\0\xFF\n\"", 4)},
          .err = {.kept_bytes = 1 << 20}};
}

inline EventsMessage full_events() {
  return {.store = kStore,
          .term = 6,
          .session = 8,
          .events = {{.type = EventType::taken, .id = kId},
                     {.type = EventType::returned, .id = kId},
                     {.type = EventType::refused, .id = kId, .text = "revoked"},
                     {.type = EventType::gone, .id = kId},
                     {.type = EventType::started, .id = kId, .number = 1},
                     {.type = EventType::output,
                      .id = kId,
                      .number = 2,
                      .output = Output{.stream = Stream::stderr_, .offset = 3, .size_bytes = 8, .data = "hello"}},
                     {.type = EventType::output, .id = kId, .number = 3, .output = Output{.size_bytes = 1 << 20}},
                     {.type = EventType::finished, .id = kId, .finished = full_finished()},
                     {.type = EventType::finished, .id = kId, .finished = Finished{}}}};
}

inline EventsMessage least_events() { return {.store = kStore}; }

inline Inventory full_inventory() {
  return {.store = kStore,
          .session = 8,
          .nonce = 99,
          .page = 1,
          .pages = 3,
          .queued = {{1, 0, 1}},
          .running = {{2, 0, 1}, {2, 1, 1}},
          .finished = {{3, 0, 7}}};
}

inline Inventory least_inventory() { return {.store = kStore}; }

inline BlobGet full_blob_get() {
  return {.session = 8, .sha256 = kSha256, .offset = 65536, .chunks = 8, .zstd = true, .shared = true};
}

inline BlobHave full_blob_have() { return {.session = 8, .blobs = {kSha256, std::string(64, '0')}}; }

inline OutputWant full_output_want() {
  return {.store = kStore, .session = 8, .id = kId, .stream = Stream::stderr_, .offset = 65536, .chunks = 64};
}

inline Checkup full_checkup() {
  return {.session = 8,
          .findings = {{"watchdog", FindingState::warning, "not fed: set watchdog_device"},
                       {"time", FindingState::good, ""},
                       {"eeprom", FindingState::problem, "set POWER_OFF_ON_HALT=0"},
                       {"cgroups", FindingState::unknown, "?"}}};
}

inline Control full_control() {
  return {.store = kStore, .term = 3, .session = 8, .action = ControlAction::reboot, .why = "idle for 120 s"};
}

inline AggregatorStatus full_aggregator_status() {
  return {.online = true, .store = kStore, .term = 3, .run = kAgent, .version = "0.1.0"};
}

inline AggregatorStatus least_aggregator_status() { return {.store = kStore}; }

// --- warden ---

inline WardenTask warden_task() { return {.store = kStore, .id = kId}; }

inline WardenStart full_start() {
  return {.task = warden_task(),
          .spec = full_spec(),
          .stdin_path = "/var/lib/bramble/blobs/odd \xFF name",
          .heard_ms = 77,
          .files = {{"tool", "/var/lib/bramble/blobs/odd \xFF name"}, {"empty", ""}}};
}

inline WardenStarted full_started() {
  return {.task = warden_task(),
          .pid = 4711,
          .started_wall_ms = 1'700'000'000'000,
          .cpus = 2,
          .memory_bytes = 1 << 20,
          .resources = {{"gpu", 1}},
          .lease_ms = 20'000};
}

inline WardenUsage full_usage() { return {.task = warden_task(), .cpu_us = UINT64_MAX}; }

inline WardenExited full_exited() { return {.task = warden_task(), .result = full_finished()}; }

inline WardenState full_state() {
  return {.protocol = 2,
          .pid = 100,
          .slots = 4,
          .note = "no memory cgroups here",
          .containment = full_containment(),
          .directory = "/var/lib/bramble/warden",
          .running = {full_started(), WardenStarted{.task = warden_task()}},
          .exited = {full_exited()},
          .more = true};
}

}  // namespace bramble::wire::samples
