// Everything that the agent's reactor knows. A plain value: copyable, made without I/O, changed only by reactor.hpp's
// functions.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/backlog.hpp"
#include "agent/core/config.hpp"
#include "agent/core/energy.hpp"
#include "agent/core/recent_set.hpp"
#include "common/base/clock.hpp"
#include "common/base/random.hpp"
#include "common/wire/messages.hpp"
#include "common/wire/topics.hpp"
#include "common/wire/warden_messages.hpp"

namespace bramble::agent {

inline constexpr int64_t kRepeatMs = 2000;       // events until acknowledged, blob requests without an answer
inline constexpr int64_t kFirstBackoffMs = 200;  // between attempts to connect, doubling...
inline constexpr int64_t kMaxBackoffMs = wire::kMaxReconnectMs;  // ...to this
inline constexpr uint64_t kCounterBlock = 100;                   // connections between two writes of the counter
inline constexpr int64_t kObjectMs = 5000;               // between two objections to an aggregator that has gone back
inline constexpr int64_t kRefusedMs = 30000;             // until a refused agent tries again
inline constexpr int64_t kWardenRetryMs = 200;           // after a start that the warden refused
inline constexpr uint32_t kMaxWardenRefusals = 300;      // of one attempt, then it has failed to start
inline constexpr size_t kEventWindowBytes = 2 << 20;     // unacknowledged events in flight
inline constexpr int64_t kGatherMs = 5;                  // between two messages of events, so that each carries many
inline constexpr int64_t kForgetMs = 100;                // the warden forgets when it is told something else, or then
inline constexpr size_t kEventMessageBytes = 256 << 10;  // aimed at
inline constexpr size_t kMaxRemembered = 4096;           // revoked attempts; as many finished ones
inline constexpr uint32_t kBlobCreditChunks = 8;
inline constexpr size_t kMaxBlobPulls = 2;       // at once
inline constexpr uint32_t kMaxDamagedPulls = 3;  // of one blob
inline constexpr uint64_t kCacheShare = 4;     // inputs that nobody needs take at most 1/4 of what is free without them
inline constexpr int64_t kTellBlobsMs = 5000;  // between two messages that tell which inputs are here
inline constexpr int64_t kBlobRetryMs = 5000;  // after the disk took a blob not
inline constexpr int64_t kHaltAgainMs = 60'000;   // what is asked of the machine within it is a repetition
inline constexpr int64_t kHaltFailedMs = 10'000;  // the same of one that could not do it: perhaps it was mended
inline constexpr size_t kMaxSaid = 256;           // different complaints remembered, so that each is said once

// --- the two connections to the broker ---

struct Link {
  enum class Phase { down, connecting, up };

  Phase phase = Phase::down;
  int64_t backoff_ms = kFirstBackoffMs;
  std::optional<MonoTime> retry_at;  // while down: when to try
  bool failure_said = false;
};

struct Session {
  SessionId highest = 0;                    // ever granted in this run
  std::optional<MonoTime> objected;         // to an aggregator that may not give orders
  MonoTime connected;                       // when the birth of this connection was published
  MonoTime welcomed;                        // when the newest welcome came
  SessionId id = 0;                         // 0: not welcomed on this connection
  std::optional<uint64_t> inventory_nonce;  // owed as soon as it is known what the warden holds
  uint64_t beat_number = 0;
  int64_t beat_ms = 1000;
  int64_t telemetry_ms = 1000;
  MonoTime next_beat;
  MonoTime next_telemetry;
  MonoTime usage_asked;  // for the reading that was due then
};

// --- attempts ---

enum class Phase {
  fetching,  // its input is on the way
  queued,    // waits for room
  starting,  // the warden was told
  running,
  finished,  // kept until the aggregator says done
};

// Output of a running attempt, as far as the aggregator has been told of it.
struct StreamProgress {
  uint64_t size_bytes = 0;   // what the warden reported
  uint64_t acked_bytes = 0;  // where the next event begins
  uint64_t event = 0;        // the one event under way; 0: none
};

struct Attempt {
  Phase phase = Phase::queued;
  uint64_t order = 0;                          // of arrival
  std::shared_ptr<const wire::TaskSpec> spec;  // until finished
  std::string stdin_sha256;                    // until finished; empty: no input
  std::vector<wire::InputFile> files;          // until finished: the task's own, besides those of its spec
  size_t blobs_missing = 0;                    // while fetching
  bool cancelled = false;
  bool kill_sent = false;  // on this connection to the warden
  bool in_warden = false;  // the warden may keep something of it
  MonoTime leased_from;    // with a lease: when it came, or the connection that brought it was made; 0: not known
  bool lease_ended = false;
  uint32_t refusals = 0;  // of its start, by the warden
  uint64_t event = 0;     // started or finished, under way; 0: none
  AttemptEnergy energy;
  std::array<StreamProgress, 2> streams;
  std::optional<wire::Finished> result;
};

struct Usage {
  uint64_t cpus = 0;
  uint64_t memory_bytes = 0;
  std::map<std::string, int64_t> resources;
  size_t attempts = 0;

  bool operator==(const Usage&) const = default;
};

struct Tasks {
  std::map<AttemptKey, Attempt> held;
  std::map<uint64_t, AttemptKey> ready;  // phase queued, in order of arrival
  uint64_t last_order = 0;
  size_t fetching = 0;
  Usage used;  // by starting and running attempts
  uint64_t spool_bytes = 0;
  size_t spool_attempts = 0;
  enum class Revoked { returned, never_held };
  RecentAttempts<Revoked> revoked{kMaxRemembered};
  RecentAttempts<bool> done{kMaxRemembered};
  std::vector<wire::WardenTask> to_forget;  // told to the warden with the next request, or at forget_at
  std::optional<MonoTime> forget_at;
};

// --- events until they are acknowledged ---

struct Outgoing {
  enum class Phase { ready, reading, in_flight };

  wire::EventType type = wire::EventType::started;
  AttemptKey id;
  wire::Stream stream = wire::Stream::stdout_;  // output
  uint64_t offset = 0;                          // output
  uint64_t size_bytes = 0;                      // output: how much the node had when the event was made
  Phase phase = Phase::ready;
  MonoTime sent = {};
  size_t bytes = 0;                      // about, when encoded
  int reads_left = 0;                    // while reading
  std::array<std::string, 2> data = {};  // while reading
};

struct Outbox {
  uint64_t last_number = 0;
  std::map<uint64_t, Outgoing> events;
  std::deque<uint64_t> ready;                           // may hold numbers that are acknowledged by now
  std::deque<std::pair<MonoTime, uint64_t>> in_flight;  // the same; in order of time
  size_t in_flight_bytes = 0;
  std::vector<wire::Event> batch;        // for the next message
  std::optional<MonoTime> last_message;  // when the last one went out
};

// --- inputs ---

struct Blob {
  enum class Phase { waiting, pulling, checking, ready };

  uint64_t size_bytes = 0;
  Phase phase = Phase::waiting;
  uint64_t idle = 0;             // ready and without holders: its place in Blobs::idle
  uint64_t received_bytes = 0;   // all of them from the beginning
  uint64_t requested_bytes = 0;  // asked for up to here
  MonoTime progress;             // the last request repeated or chunk received
  MonoTime not_before;           // waiting: after a failure of the disk
  uint32_t damaged = 0;
  bool told = false;       // the aggregator may count on it
  bool may_share = false;  // other nodes may want it, too
  bool shared = false;     // pulling: the topic of several nodes is read
  std::set<AttemptKey> holders;
};

// Of the inputs that are here.
struct Telling {
  bool changed = false;   // since it was said last
  SessionId said_in = 0;  // the session in which it was
  MonoTime not_before;
};

struct Blobs {
  std::map<std::string, Blob> known;  // by SHA-256
  std::deque<std::string> waiting;    // in order; may hold names that are dropped by now
  std::vector<std::string> active;    // phases pulling and checking
  uint64_t bytes = 0;                 // of all that are not waiting, without the idle ones

  // The cache: what nobody needs, but may need again.
  std::map<uint64_t, std::string> idle;  // by the order of last use
  uint64_t last_idle = 0;
  uint64_t idle_bytes = 0;
  std::optional<uint64_t> free_bytes;  // of the disk, as read last

  Telling telling = {};
};

struct Want {  // output that the aggregator asked for
  uint64_t offset = 0;
  uint32_t chunks = 0;
};
using WantKey = std::pair<AttemptKey, wire::Stream>;

// --- the warden ---

struct WardenView {
  bool connected = false;
  bool synced = false;  // its whole list has been read since it connected
  bool loss_said = false;
  uint32_t slots = 0;
  std::string said_note;
  wire::Containment containment = {};  // as it said last
  uint64_t revision = 0;               // how often that was something new
  std::optional<MonoTime> hold_until;  // it refused a start
  std::optional<MonoTime> owes_since;  // the first of what it was asked and has not answered
  MonoTime next_ping;
  std::vector<wire::WardenStarted> running;  // pages of the list, until complete
  std::vector<wire::WardenExited> exited;
};

struct Counts {
  uint64_t malformed = 0;  // messages that did not decode
  uint64_t fenced = 0;     // of another store, a lower term or another session
};

// What has a lease is killed by the warden at its end; what has not begun then must never begin.
struct Lease {
  std::optional<MonoTime> heard;  // when the newest answered beat of this run was sent
  size_t attempts = 0;            // held and not finished, that have a lease
};

// The newest shutdown or reboot that was asked of the machine.
struct Halt {
  wire::ControlAction action = wire::ControlAction::shutdown;
  MonoTime asked;
  bool failed = false;
};

// The node's certificate, where it has one.
struct Identity {
  std::optional<WallTime> renew_after;
  std::string request_pem;  // for the next one, until that has come
  MonoTime ask_at;
};

struct Energy {
  EnergyMeter meter;
  EnergyLedger ledger;
};

struct TelemetryState {
  uint64_t run = 0;  // tells this life of the agent from others
  uint64_t number = 0;
  Backlog backlog;
  MonoTime next_backfill;
  std::optional<MonoTime> cut_off_since;  // the first reading that nobody heard
};

// What the node finds amiss with itself.
struct CheckupState {
  std::shared_ptr<const std::vector<wire::Finding>> findings;  // the newest; absent: not looked yet
  SessionId said_in = 0;                                       // the session in which they were said
  bool with_warden = false;                                    // when they were said last
};

struct State {
  // seed: of the jitter between attempts to connect, and the name of this life in telemetry.
  State(Config config_in, Saved saved_in, uint64_t seed)
      : config(std::move(config_in)),
        saved(std::move(saved_in)),
        counter(saved.counter),
        topics(config.cluster),
        random(seed) {
    session.beat_ms = config.beat_ms.value_or(session.beat_ms);
    session.telemetry_ms = config.telemetry_ms.value_or(session.telemetry_ms);
    telemetry.run = seed;
    identity.renew_after = config.renew_certificate_after;
  }

  Config config;
  Saved saved;
  uint64_t counter;  // of this connection, or of the one that is tried
  wire::Topics topics;
  Random random;
  Link link;
  Link bulk;
  Session session;
  Tasks tasks;
  Outbox outbox;
  Blobs blobs;
  std::map<WantKey, Want> wants;
  WardenView warden;
  Lease lease;
  std::optional<Halt> halt;
  Identity identity;
  Energy energy;
  TelemetryState telemetry;
  CheckupState checkup;
  Counts counts;
  std::set<std::string> said;
  bool stopping = false;
};

}  // namespace bramble::agent
