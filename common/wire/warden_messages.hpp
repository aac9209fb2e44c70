// Agent <-> warden: frames over a Unix stream socket, each a 4-byte little-endian length and that many bytes of JSON.
//
// The warden serves one agent at a time; a new connection replaces the old one. Everything that it holds (running
// attempts and exit records) outlives the agent: `hello` lists it all, so an agent that starts again finds its tasks.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/ids.hpp"
#include "common/wire/messages.hpp"

namespace bramble::wire {

inline constexpr int kWardenProtocolVersion = 1;
inline constexpr size_t kMaxWardenFrameBytes = 4 << 20;

// An attempt's whole name. Its directory below the warden's state is "<store>.<job>.<task>.<attempt>".
struct WardenTask {
  StoreId store;
  AttemptKey id;

  auto operator<=>(const WardenTask&) const = default;
};

std::string directory_name(const WardenTask& task);
Result<WardenTask> parse_directory_name(std::string_view name);

// --- agent -> warden ---

struct WardenHello {  // first message; the answer is WardenState
  int protocol = kWardenProtocolVersion;

  bool operator==(const WardenHello&) const = default;
};

// An input file for the task's working directory.
struct WardenFile {
  std::string name;
  std::string path;  // absolute: where the agent keeps its bytes; empty: it has none

  bool operator==(const WardenFile&) const = default;
};

struct WardenStart {
  WardenTask task;
  TaskSpec spec;           // its env is complete: the warden adds nothing but HOME, TMPDIR and PWD (the attempt's
                           // directory) and, where absent, PATH
  std::string stdin_path;  // absolute; empty: /dev/null
  int64_t heard_ms = 0;    // with a lease in the spec: as in WardenLease
  std::vector<WardenFile> files = {};  // all of them: the spec names none here

  bool operator==(const WardenStart&) const = default;
};

struct WardenKill {  // TERM, then KILL after the spec's grace; outcome becomes `outcome`
  WardenTask task;
  Outcome outcome = Outcome::cancelled;

  bool operator==(const WardenKill&) const = default;
};

// The lease goes on: heard_ms is when the newest beat that the aggregator answered was sent, by CLOCK_BOOTTIME. Each
// task with a lease is killed lease_ms later, by its keeper, whatever became of the agent. An older value changes
// nothing.
struct WardenLease {
  int64_t heard_ms = 0;

  bool operator==(const WardenLease&) const = default;
};

struct WardenForget {  // deletes the exit record and the outputs; of a running attempt: refused
  std::vector<WardenTask> tasks;

  bool operator==(const WardenForget&) const = default;
};

// How much CPU time have the running attempts used? Each that runs is answered by a WardenUsage of its own.
struct WardenAskUsage {
  bool operator==(const WardenAskUsage&) const = default;
};

// Answered by WardenPong: a warden whose disk or kernel hangs keeps its connection and answers nothing.
struct WardenPing {
  bool operator==(const WardenPing&) const = default;
};

using WardenRequest =
    std::variant<WardenHello, WardenStart, WardenKill, WardenLease, WardenForget, WardenAskUsage, WardenPing>;

// --- warden -> agent ---

// The exit record. Outputs are the files "stdout" and "stderr" in the attempt's directory; absent means empty.
struct WardenExited {
  WardenTask task;
  Finished result;  // out.data and err.data are empty: the agent reads the files

  bool operator==(const WardenExited&) const = default;
};

struct WardenStarted {
  WardenTask task;
  int64_t pid = 0;
  int64_t started_wall_ms = 0;
  // In WardenState only: what it takes of the node, for an agent that has no memory of it. Absent on the wire:
  // defaults.
  uint32_t cpus = 1;
  uint64_t memory_bytes = 0;
  std::map<std::string, int64_t> resources;
  int64_t lease_ms = 0;

  bool operator==(const WardenStarted&) const = default;
};

struct WardenOutput {  // sent at most every 100 ms for a stream that grew
  WardenTask task;
  uint64_t stdout_bytes = 0;
  uint64_t stderr_bytes = 0;

  bool operator==(const WardenOutput&) const = default;
};

struct WardenState {  // the answer to hello, in pages: the last has more == false
  int protocol = kWardenProtocolVersion;
  int64_t pid = 0;
  uint32_t slots = 0;
  std::string note;  // what this warden cannot do here, for the log and `node info`
  Containment containment = {};
  std::string directory;  // absolute; holds the attempts' directories, in which the agent reads stdout and stderr
  std::vector<WardenStarted> running;
  std::vector<WardenExited> exited;
  bool more = false;

  bool operator==(const WardenState&) const = default;
};

// A start that could not be taken (no free slot, name in use) or any request that could not be understood.
struct WardenRefused {
  WardenTask task;
  std::string why;

  bool operator==(const WardenRefused&) const = default;
};

struct WardenUsage {
  WardenTask task;
  uint64_t cpu_us = 0;  // user + system, of all that came of it, the dead included

  bool operator==(const WardenUsage&) const = default;
};

struct WardenPong {
  bool operator==(const WardenPong&) const = default;
};

using WardenReport =
    std::variant<WardenState, WardenStarted, WardenOutput, WardenExited, WardenRefused, WardenUsage, WardenPong>;

std::string encode(const WardenRequest& request);
std::string encode(const WardenReport& report);
Result<WardenRequest> decode_warden_request(std::string_view json);
Result<WardenReport> decode_warden_report(std::string_view json);

// The text of an exit record or start record on disk.
std::string encode_exit_record(const WardenExited& exited);
Result<WardenExited> decode_exit_record(std::string_view json);
std::string encode_start_record(const WardenStart& start);
Result<WardenStart> decode_start_record(std::string_view json);

}  // namespace bramble::wire
