// Every message between aggregator and agents, as plain values. PROTOCOL.md says what each promises.
//
// The broker is trusted with nothing: any message may be lost, repeated, late or out of order. So each carries the
// numbers that let its receiver tell old from new (store, term, session), and what must arrive is repeated by its
// sender until it is acknowledged.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/ids.hpp"
#include "common/wire/blob_have.hpp"
#include "common/wire/call_rules.hpp"
#include "common/wire/containment.hpp"

namespace bramble::wire {

inline constexpr int kProtocolVersion = 1;

// Limits. A decoder refuses what is above them; an encoder's caller keeps below them.
inline constexpr size_t kMaxMessageBytes = 1 << 20;        // any MQTT payload of ours
inline constexpr size_t kBlobChunkBytes = 64 << 10;        // one chunk of a blob or of pulled output
inline constexpr size_t kMaxInlineOutputBytes = 16 << 10;  // output bytes that ride in one event
inline constexpr size_t kMaxListEntries = 4096;            // entries in any list of a message
inline constexpr int64_t kMaxReconnectMs = 5000;           // between two attempts of an agent to connect, before jitter
inline constexpr uint32_t kMaxCreditChunks = 64;           // chunks asked for at once
inline constexpr size_t kMaxMetrics = 256;                 // values of one reading
inline constexpr int64_t kMaxAgeMs = 31 * 86'400'000LL;    // of a reading that is sent late
inline constexpr double kMaxModelW = 1000;                 // of a power model's coefficients

enum class Stream { stdout_, stderr_ };

// --- node/<node>/status: identity, retained; the will says offline -------------------------------------------------

struct NodeStatus {
  bool online = false;
  std::string node;
  std::string agent_id;    // UUID that the agent made itself; tells two agents with one name apart
  std::string machine_id;  // stays the same from boot to boot
  std::string boot_id;     // new at each boot
  uint64_t counter = 0;    // the agent's connections, stored: a late will carries an old one
  std::string reason;      // offline only: "will" (torn away) or "goodbye" (said so)
  // Online only:
  int protocol = kProtocolVersion;
  std::string version;
  std::string model;
  std::string arch;
  StoreId store;          // the one that this agent is joined to; empty: none yet
  TermId term = 0;        // the highest that it knows of that store
  SessionId session = 0;  // the highest that it was granted, as far as this run of it knows
  uint32_t cores = 0;     // slots: how many one-cpu tasks run at once
  uint64_t memory_bytes = 0;
  std::map<std::string, int64_t> resources;
  std::map<std::string, std::string> labels;
  Containment containment = {};
  uint64_t revision = 0;  // how often that has changed in this run; a beat tells it too

  bool operator==(const NodeStatus&) const = default;
};

// --- node/<node>/beat ----------------------------------------------------------------------------------------------

struct Beat {
  uint64_t number = 0;
  SessionId session = 0;
  int64_t sent_ms = 0;  // the agent's own monotonic clock, suspend counted
  uint32_t running = 0;
  uint32_t queued = 0;
  uint64_t spool_bytes = 0;  // results kept until acknowledged
  bool spool_full = false;   // starts no new task until results are taken
  // For so long its warden, though connected, has owed an answer: a disk or a kernel that hangs. 0: it answers.
  int64_t warden_silent_ms = 0;
  uint64_t revision = 0;  // of the status: who has heard of another one asks for it

  bool operator==(const Beat&) const = default;
};

// --- node/<node>/telemetry -----------------------------------------------------------------------------------------

inline constexpr size_t kMaxTroubleBytes = 256;

// One reading of everything; units last in the names ("temperature_celsius"). What a node cannot tell is absent.
// (node, run, number) names a reading: what arrives twice can be dropped.
struct Telemetry {
  uint64_t number = 0;          // grows by one with each reading of one life of the agent
  int64_t wall_ms = 0;          // when it was taken, by the node's own clock: for people only, it may be years off
  int64_t age_ms = 0;           // how long before it was sent it was taken, by the node's monotonic clock
  uint64_t run = 0;             // drawn when the agent starts: tells its lives apart
  bool power_measured = false;  // of power_w in this reading; false: it comes from a model
  std::map<std::string, double> values;
  std::string trouble = {};  // of sensors that fail now, a sentence for people; empty: none. kMaxTroubleBytes

  bool operator==(const Telemetry&) const = default;
};

// --- node/<node>/tasks: everything that the aggregator tells an agent about work ------------------------------------

enum class Isolation { none, sandbox };

struct BlobRef {
  std::string sha256;
  uint64_t size_bytes = 0;

  bool operator==(const BlobRef&) const = default;
};

// Bytes that lie under this name in a task's working directory when it starts; it may read and run them.
struct InputFile {
  std::string name;
  BlobRef blob;

  bool operator==(const InputFile&) const = default;
};

// What to run; the same for all tasks of a job.
struct TaskSpec {
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> env;
  uint32_t cpus = 1;
  uint64_t memory_bytes = 0;  // 0: not asked for, no limit
  std::map<std::string, int64_t> resources;
  int64_t time_limit_ms = 0;     // 0: none
  int64_t kill_grace_ms = 5000;  // between TERM and KILL
  uint64_t stdout_cap_bytes = uint64_t{1} << 30;
  uint64_t stderr_cap_bytes = uint64_t{16} << 20;
  int64_t lease_ms = 0;  // 0: none. Else the warden kills it so long after the last answered beat was sent
  Isolation isolate = Isolation::none;
  bool network = false;  // in a sandbox; without one there always is
  std::optional<CallRules> calls = {};
  std::vector<InputFile> files = {};

  bool operator==(const TaskSpec&) const = default;
};

struct Launch {
  AttemptKey id;
  std::optional<BlobRef> stdin_blob;
  std::vector<InputFile> files = {};  // of this task, besides those of its spec

  bool operator==(const Launch&) const = default;
};

// What a node draws at rest and with all its cores busy: made by a person with a meter, or fitted from a metered node.
struct PowerModel {
  double idle_w = 0;
  double busy_w = 0;  // not below idle_w

  bool operator==(const PowerModel&) const = default;
};

// Grants a session. Answers exactly one birth: agent_id, boot_id and counter must be the receiver's own.
struct Welcome {
  std::string agent_id;
  std::string boot_id;
  uint64_t counter = 0;
  uint64_t nonce = 0;  // the inventory that answers carries it
  int64_t beat_ms = 1000;
  int64_t telemetry_ms = 1000;
  std::optional<PowerModel> power;  // the node's calibration; absent: there is none, the node uses its own figures

  bool operator==(const Welcome&) const = default;
};

// A second agent under a name that is taken: it must stay away.
struct Refusal {
  std::string agent_id;
  std::string why;

  bool operator==(const Refusal&) const = default;
};

struct Echo {
  uint64_t number = 0;
  int64_t sent_ms = 0;

  bool operator==(const Echo&) const = default;
};

struct TasksMessage {
  StoreId store;
  TermId term = 0;
  SessionId session = 0;
  std::optional<Welcome> welcome;
  std::optional<Refusal> refusal;
  bool ask_status = false;          // "say again who you are"
  std::map<JobId, TaskSpec> specs;  // of each job that launch names
  std::vector<Launch> launch;       // repeated until taken, started, finished, refused or gone
  std::vector<AttemptKey> cancel;   // repeated until finished or gone
  std::vector<AttemptKey> recall;   // answered with returned, or started/finished if it was too late
  std::vector<uint64_t> ack;        // numbers of events received (and durable where that matters)
  std::vector<AttemptKey> done;     // finished results that are committed or not wanted: forget them
  std::optional<Echo> echo;

  bool operator==(const TasksMessage&) const = default;
};

// --- node/<node>/events: everything that an agent tells about work --------------------------------------------------

enum class Outcome {
  exited,        // by itself; code
  signaled,      // by a signal that bramble did not send
  timed_out,     // its time limit
  memory,        // its memory limit
  cancelled,     // as asked
  lease_ended,   // the warden ended it because the aggregator was not heard of
  warden_lost,   // the warden died and took it along
  start_failed,  // could not be started; text says why
};

// Does an outcome say something about the task (and use up one of its retries), or about the cluster?
constexpr bool is_clusters_fault(Outcome outcome) {
  return outcome == Outcome::lease_ended || outcome == Outcome::warden_lost;
}

struct StreamResult {
  uint64_t kept_bytes = 0;     // in the node's file
  uint64_t dropped_bytes = 0;  // above the cap
  std::string data;            // all kept bytes if they fit in kMaxInlineOutputBytes, else empty

  bool operator==(const StreamResult&) const = default;
};

// How an attempt ended.
struct Finished {
  Outcome outcome = Outcome::exited;
  int code = 0;    // exited
  int signal = 0;  // signaled; or the one that ended it otherwise
  std::string text;
  int64_t started_wall_ms = 0;
  int64_t duration_ms = 0;
  int64_t cpu_ms = 0;  // user + system, all its processes
  uint64_t peak_memory_bytes = 0;
  double energy_j = 0;           // that the node attributes to this attempt; 0: not known
  double energy_measured_j = 0;  // the part of it that was measured, not modelled
  StreamResult out;
  StreamResult err;

  bool operator==(const Finished&) const = default;
};

// Output of a running task. data is empty where there was too much for an event: the aggregator pulls it instead.
struct Output {
  Stream stream = Stream::stdout_;
  uint64_t offset = 0;      // where data begins
  uint64_t size_bytes = 0;  // how much the node has by now
  std::string data;

  bool operator==(const Output&) const = default;
};

enum class EventType {
  taken,     // the launch arrived; it waits for room        (answers; not repeated)
  returned,  // was not started and never will be
  refused,   // the launch is of a revoked attempt or cannot be done here; text says why
  gone,      // a cancel or recall of something not held
  started,   // repeated until its number is acknowledged
  output,    // repeated until its number is acknowledged
  finished,  // repeated until named in done
};

struct Event {
  EventType type = EventType::taken;
  AttemptKey id;
  uint64_t number = 0;  // started and output only; counts within one run of the agent
  std::string text;     // refused
  std::optional<Output> output;
  std::optional<Finished> finished;

  bool operator==(const Event&) const = default;
};

struct EventsMessage {
  StoreId store;
  TermId term =
      0;  // the highest that this agent knows of the store: above the aggregator's own it has gone back in time
  SessionId session = 0;
  std::vector<Event> events;

  bool operator==(const EventsMessage&) const = default;
};

// --- node/<node>/inventory: the answer to a welcome's nonce, in pages -----------------------------------------------

struct Inventory {
  StoreId store;
  SessionId session = 0;
  uint64_t nonce = 0;
  uint32_t page = 0;
  uint32_t pages = 1;
  std::vector<AttemptKey> queued;
  std::vector<AttemptKey> running;
  std::vector<AttemptKey> finished;  // without acknowledgement

  bool operator==(const Inventory&) const = default;
};

// --- blobs: chunks against credit -----------------------------------------------------------------------------------

// node/<node>/blob/get: the agent asks for chunks of a blob. The answers are raw bytes on blob/down/<sha256>/<offset>.
struct BlobGet {
  SessionId session = 0;
  std::string sha256;
  uint64_t offset = 0;
  uint32_t chunks = 0;  // the credit: answer with at most so many
  bool zstd = false;    // chunks may come packed
  bool shared = false;  // and on the topic that several nodes read

  bool operator==(const BlobGet&) const = default;
};

// node/<node>/blob/want: the aggregator asks for an attempt's output. The answers are raw bytes on
// blob/up/<job>.<task>.<attempt>.<stream>/<store>/<offset>.
struct OutputWant {
  StoreId store;
  SessionId session = 0;
  AttemptKey id;
  Stream stream = Stream::stdout_;
  uint64_t offset = 0;
  uint32_t chunks = 0;

  bool operator==(const OutputWant&) const = default;
};

// --- node/<node>/checkup: what a node finds when it looks at itself -------------------------------------------------

inline constexpr size_t kMaxFindings = 32;

enum class FindingState { good, unknown, warning, problem };

struct Finding {
  std::string check;  // "watchdog": a name
  FindingState state = FindingState::good;
  std::string text;  // one sentence; what is not good says what to do

  bool operator==(const Finding&) const = default;
};

// After each welcome, and when something has changed.
struct Checkup {
  SessionId session = 0;
  std::vector<Finding> findings;

  bool operator==(const Checkup&) const = default;
};

// --- node/<node>/control: what the aggregator wants of the machine --------------------------------------------------

enum class ControlAction { shutdown, reboot };  // drain and update are reserved

// Said again while the node is heard; it expires at the broker, so that it does not reach the machine's next boot.
struct Control {
  StoreId store;
  TermId term = 0;
  SessionId session = 0;
  ControlAction action = ControlAction::shutdown;
  std::string why;  // for the node's log

  bool operator==(const Control&) const = default;
};

// --- node/<node>/certificate/request, node/<node>/certificate -------------------------------------------------------

// The node's certificate ends soon. Said again until a certificate comes.
struct CertificateRequest {
  std::string request_pem;  // PKCS #10, for the node's name

  bool operator==(const CertificateRequest&) const = default;
};

// The answer: a certificate, or why there is none.
struct NewCertificate {
  std::string certificate_pem;
  int64_t renew_after_ms = 0;  // wall time
  std::string error;

  bool operator==(const NewCertificate&) const = default;
};

// --- aggregator/status ----------------------------------------------------------------------------------------------

struct AggregatorStatus {
  bool online = false;
  StoreId store;
  TermId term = 0;
  std::string run;  // UUID of this run of the aggregator: tells two with one store apart
  std::string version;

  bool operator==(const AggregatorStatus&) const = default;
};

}  // namespace bramble::wire
