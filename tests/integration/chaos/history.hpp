// What a chaos run leaves for its judge: what each attempt wrote itself, what the submitter was told, what the
// aggregator said from time to time, and what was broken when. All times are CLOCK_BOOTTIME, in nanoseconds.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace bramble::test::chaos {

inline constexpr int64_t kNsPerMs = 1'000'000;

int64_t boot_ns();

struct AttemptName {
  uint64_t job = 0;
  uint64_t task = 0;
  uint64_t attempt = 0;

  bool same_task(const AttemptName& other) const { return job == other.job && task == other.task; }
  auto operator<=>(const AttemptName&) const = default;
};
std::string to_string(const AttemptName& name);

// One process that a task was, by its own words.
struct Run {
  AttemptName name;
  std::string store;
  std::string node;
  int64_t pid = 0;
  std::string nonce;  // no other run has it
  int64_t start_ns = 0;
  int64_t last_ns = 0;           // it was alive then for certain
  std::optional<int> exit_code;  // nothing: it did not come to its end
};

enum class Policy { rerun, fence, fail };
const char* to_string(Policy policy);

struct Submitted {
  uint64_t job = 0;
  uint64_t tasks = 1;  // their indices count from 1
  Policy policy = Policy::rerun;
  uint64_t retries = 0;
  bool cancel_asked = false;  // by the harness, whether or not it was answered
};

// The output of a task as `bramble job cat` gave it.
struct Output {
  AttemptName name;  // as the output says itself
  std::string nonce;
  bool whole = false;  // every byte is as that attempt wrote it
  auto operator<=>(const Output&) const = default;
};

struct TaskSeen {
  uint64_t job = 0;
  uint64_t task = 0;
  std::string state;
  uint64_t committed_attempt = 0;
  std::vector<std::string> nodes;            // those that tries were given to
  std::optional<Output> output;              // nothing: not asked for
  std::map<std::string, size_t> tries = {};  // by how they ended: "exited", "recalled, never began"
};

struct JobSeen {
  uint64_t job = 0;
  std::string state;
  std::vector<TaskSeen> tasks;  // those that were touched
};

enum class FaultKind {
  agent_killed,
  agent_stopped,
  warden_killed,
  warden_stopped,
  power_lost,    // of a node: all its processes at once, and what its disk had not been told to keep
  link_cut,      // torn, and no new one until the end
  link_stalled,  // nothing goes either way, nobody is told
  aggregator_killed,
  aggregator_stopped,
  head_link_cut,
  broker_killed,
  broker_stopped,
  broker_emptied,  // killed, and its store removed
  disk_full,
  disk_slow,       // every commit takes 50 ms, with one stall of 2 s
  disk_stalled,    // no commit ends
  machine_stalled  // the harness itself did not run: everybody was late
};
inline constexpr int kFaultKinds = static_cast<int>(FaultKind::machine_stalled) + 1;
const char* to_string(FaultKind kind);
bool is_of_a_node(FaultKind kind);

struct Fault {
  FaultKind kind = FaultKind::agent_killed;
  std::string node;  // empty: of the head, the broker, the machine
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
};

struct History {
  std::vector<Run> runs;
  std::vector<Fault> faults;
  std::vector<Submitted> jobs;  // whose number was printed
  std::vector<JobSeen> seen;    // in the order in which it was asked
  std::vector<JobSeen> at_end;  // once no fault was left and every job ought to have ended
  int64_t lease_ms = 20'000;    // as the aggregator was configured
};

// The attempts' own diaries, one file for each node.
std::vector<Run> read_runs(const std::string& directory);

// One line of a diary, as task.cpp writes it. False: not such a line.
bool take_line(const std::string& line, std::vector<Run>& runs);

}  // namespace bramble::test::chaos
