// Everything that the aggregator's reactor knows. One thread owns it. It can be copied, and nothing in it does I/O.
//
// Tasks and attempts are here only while they are open: a job of a million tasks costs a few counters until they run,
// and a final task is a row in the store and nothing here.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "aggregator/core/alerts.hpp"
#include "aggregator/core/api.hpp"
#include "aggregator/core/blob_groups.hpp"
#include "aggregator/core/blob_places.hpp"
#include "aggregator/core/power.hpp"
#include "aggregator/core/records.hpp"
#include "aggregator/core/snapshot.hpp"
#include "aggregator/core/store.hpp"
#include "common/base/clock.hpp"
#include "common/base/lease.hpp"
#include "common/wire/topics.hpp"

namespace bramble::aggregator {

using NodeIndex = uint32_t;

struct Config {
  std::string cluster = "bramble";
  std::string version;
  std::string run;  // UUID, new at each start
  std::vector<AlertRule> alerts;
  std::string node_broker_url;  // how nodes on other machines reach the broker; empty: they do not
  std::string home_assistant;   // its discovery prefix; empty: nothing is announced
  int64_t beat_ms = 1000;
  int64_t telemetry_ms = 1000;
  double node_readings_hz = 50;  // of one node; what is beyond is dropped and counted
  double node_readings_burst = 500;
  int64_t silent_ms = 3000;  // without a beat: the node is silent
  int64_t loss_ms = 5000;    // its `rerun` tasks run elsewhere
  int64_t grace_ms = 3000;   // after the broker was away or this process stalled
  int64_t resend_ms = 1000;  // what must arrive is said again
  int64_t pull_timeout_ms = 2000;
  int64_t lease_ms = kDefaultLeaseMs;  // of the `fence` tasks that are submitted from now on
  int64_t retry_delay_ms = 1000;       // after the first failure; doubles with each
  int64_t max_retry_delay_ms = 60'000;
  size_t max_open_jobs = 10000;
  size_t max_nodes = 20000;
  size_t max_unnamed_blobs = 10000;
  size_t max_open_inputs = 1'000'000;  // that tasks of open jobs name each for itself; some 200 bytes each
  int64_t keep_jobs_ms = 0;            // after their end; 0: for ever
  uint64_t keep_jobs = 0;              // so many ended ones; 0: any number
  PowerConfig power;
};

enum class NodeState {
  unknown,  // not heard since this start
  joining,  // welcomed; its inventory is awaited
  on,
  silent,   // no beat for silent_ms
  lost,     // none for loss_ms: its tasks run elsewhere
  stopped,  // said goodbye
};

std::string_view to_string(NodeState state);

// How far one stream of an attempt's output has come to us.
struct StreamProgress {
  uint64_t have_bytes = 0;       // handed to the output file, without a gap
  uint64_t node_bytes = 0;       // how much the node has
  uint64_t requested_bytes = 0;  // pulled: asked for up to here
  bool pulling = false;
  bool queued = false;  // for a pull, when there is room
  MonoTime asked;
};

struct Attempt {
  AttemptKey key;
  NodeIndex node = 0;
  SessionId session = 0;
  bool running = false;
  bool answered = false;  // the node has said that it holds it
  bool lost = false;      // its node was silent too long: a replacement may run, it may yet come back
  bool rebooted = false;  // its node has booted since: it may have run, and is dead unless the node lists it
  bool crashed = false;   // it ran when its node went down: perhaps it was the cause
  bool orphan = false;    // another agent has taken its node's name: only its lease proves that it is dead
  bool dead = false;   // lost, and it is proved that it does not run any more; a result may yet lie on its node's disk
  MonoTime own_heard;  // orphan: the last that was heard of its own agent, or later
  bool cancel = false;
  bool recalled = false;
  MonoTime sent;  // launch, cancel or recall, whichever was last
  WallTime assigned;
  std::optional<WallTime> started;
  std::array<StreamProgress, 2> streams;
  std::optional<wire::Finished> result;  // waits for its output to be pulled and sealed
  bool sealing = false;
};

struct Task {
  TaskState state = TaskState::queued;
  uint32_t attempts = 0;
  uint32_t failures = 0;
  uint32_t crashes = 0;
  bool waiting_again = false;          // stands in its job's `again` queue
  std::optional<MonoTime> not_before;  // queued: not tried again before; stands in `delayed`
  std::vector<AttemptKey> open;
  std::optional<wire::BlobRef> stdin_blob;
  std::vector<wire::InputFile> files;

  bool is_queued() const { return waiting_again || not_before; }
};

struct JobWaiter {
  WatchJobRequest request;
  ReplyHandler reply;
  MonoTime deadline;
};

struct Job {
  JobRecord record;
  std::deque<TaskIndex> again;              // queued tasks that were assigned before, or rows loaded as queued
  std::map<TaskIndex, TaskInput> inputs;    // of appended tasks that were never assigned
  uint64_t at_nodes = 0;                    // tasks with an open attempt that is not lost
  uint64_t running = 0;                     // those that have started
  std::unordered_set<AttemptKey> attempts;  // open
  double mean_ms = 0;                       // smoothed duration of its attempts
  double ended_energy_j = 0;                // of its attempts that ended in this run of ours
  uint64_t version = 1;
  MonoTime first_start;  // for the rate
  uint64_t ended_before = 0;
  std::vector<JobWaiter> waiters;
  std::map<NodeIndex, MonoTime> no_room;  // nodes that had none for the output of one of its tasks: the last time

  uint64_t ready() const;  // tasks that could be placed
};

// How many readings a node may still send now: as many a second as are allowed, and a store of them for those that come
// late in one go.
struct ReadingAllowance {
  double readings = 0;
  std::optional<MonoTime> counted;
  uint64_t refused = 0;
};

struct NodeUse {
  int64_t slots = 0;
  int64_t memory_bytes = 0;
  std::map<std::string, int64_t> resources;
};

struct Inventory {
  uint64_t nonce = 0;
  uint32_t pages_seen = 0;
  std::set<uint32_t> pages;
  std::unordered_set<AttemptKey> listed;
};

struct Node {
  NodeRecord record;
  bool removed = false;  // by a person; the place is free for another one
  NodeState state = NodeState::unknown;
  SessionId session = 0;
  bool foreign = false;           // its agent is joined to another store
  bool power_leaves = false;      // it is being switched off, or is off: it gets no work
  bool gives_back = false;        // what it has not begun is recalled
  std::optional<MonoTime> heard;  // last beat of this run of ours
  std::optional<MonoTime> welcomed;
  std::optional<wire::Beat> beat;
  std::shared_ptr<const wire::Telemetry> telemetry;  // the newest one
  std::optional<wire::Checkup> checkup;              // what it finds amiss with itself
  ReadingAllowance allowance;
  Inventory inventory;
  NodeUse use;
  uint32_t unstarted = 0;
  std::unordered_set<AttemptKey> attempts;          // open, not lost
  std::unordered_set<AttemptKey> lost_attempts;     // open, lost: may come back
  std::unordered_map<AttemptKey, MonoTime> strays;  // not wanted there any more: cancelled until gone
  std::optional<MonoTime> certificate_asked;        // the last request that was passed on
  std::set<std::string> announced;                  // to Home Assistant: the readings that are sensors of its device
  wire::TasksMessage outbox;                        // goes out at the end of the step; written by mail_to() only
  bool has_mail = false;                            // stands in `mail`
};

// An input. It stays until each task and job that uses it has succeeded or is forgotten (one that failed may be tried
// again), and for a while after each upload, until a job names it; a file of a job also for a while after that job.
struct Blob {
  uint64_t size_bytes = 0;
  uint64_t uses = 0;
  bool missing = false;   // used, and not in the store
  uint32_t kept_for = 0;  // uploads that no job has named yet, and one if it lingers
  MonoTime kept;          // the last upload
  bool lingers = false;   // its job has succeeded, and another one may come with the same file
};

struct OutputWaiter {
  WatchOutputRequest request;
  ReplyHandler reply;
  MonoTime deadline;
};

// A person waits until nodes are added or removed.
struct IdentityWaiter {
  ReplyHandler reply;
  std::vector<std::string> nodes;
  std::string user;
  std::string reason;
  size_t open = 0;               // operations that are not answered
  std::set<std::string> failed;  // nodes
  int http_status = 200;         // of the first of these
  std::string error;             // the same
};

struct DoctorWaiter {
  DoctorRequest request;
  ReplyHandler reply;
  uint64_t ping = 0;
  MonoTime asked;
};

struct State {
  State(Config config_in, Scheduler scheduler_in)
      : config(std::move(config_in)), topics(config.cluster), scheduler(std::move(scheduler_in)) {}

  Config config;
  wire::Topics topics;
  Scheduler scheduler;

  StoreId store;
  TermId term = 0;
  SessionId last_session = 0;
  JobId last_job = 0;
  uint64_t last_nonce = 0;

  std::vector<Node> nodes;
  std::unordered_map<std::string, NodeIndex> node_by_name;
  std::vector<NodeIndex> mail;  // nodes for which something was gathered in this step

  std::map<JobId, Job> jobs;                        // open ones
  std::set<std::pair<int64_t, JobId>> ready_order;  // (-priority, id) of jobs with ready tasks
  std::unordered_map<TaskKey, Task> tasks;
  std::unordered_map<AttemptKey, Attempt> attempts;
  std::set<AttemptKey> unproved;                       // lost ones of `fence` tasks: whether they are dead is not known
  std::optional<MonoTime> no_room_until;               // then a node that had no room for output may be tried again
  std::set<std::pair<MonoTime, TaskKey>> delayed;      // by `not_before`
  std::unordered_map<std::string, JobId> submissions;  // by submit_id: open jobs and the last final ones

  // Final jobs that somebody may still be watching; the oldest leaves first.
  struct FinalJob {
    JobProgress progress;
    uint64_t version = 0;
    std::string submit_id;
  };
  std::unordered_map<JobId, FinalJob> final_jobs;
  std::deque<JobId> final_order;

  std::deque<JobId> forgetting;       // shown to nobody any more; the rows of the first ones are being removed
  bool forgotten_rows_asked = false;  // and not told yet
  std::set<JobId> removed_jobs;       // by this process, the last ones: late readings of them are refused

  bool expired_asked = false;  // jobs that need not be remembered were asked for, and not told yet
  MonoTime expire_at;
  StorageUse storage;
  TelemetryUse telemetry_use;

  std::unordered_map<std::string, Blob> blobs;        // those that the store holds
  std::unordered_set<std::string> blobs_to_be_named;  // those with a `kept_for`
  std::deque<std::string> lingering_blobs;            // the one whose job ended first is first
  uint64_t lingering_bytes = 0;
  MonoTime blobs_swept;
  uint64_t open_inputs = 0;  // that tasks which have not ended name, beside what their jobs do
  BlobPlaces blob_places;    // as the nodes of now say in their sessions
  BlobGroups blob_groups;

  std::set<JobId> watched_jobs;  // with waiters
  std::vector<OutputWaiter> output_waiters;
  std::vector<DoctorWaiter> doctors;
  std::map<uint64_t, IdentityWaiter> identity_waiters;  // by the number that their operations have
  uint64_t last_identity_op = 0;
  uint64_t last_ping = 0;
  std::deque<std::pair<AttemptKey, wire::Stream>> pull_queue;
  uint32_t pulling = 0;  // streams

  bool connected = false;
  MonoTime connect_at;
  int64_t backoff_ms = 0;
  std::string last_disconnect_reason;
  MonoTime trusted_since;  // silence before this does not count
  MonoTime last_tick;
  MonoTime repeat_at;     // what was not answered is looked for again
  MonoTime started;       // an earlier run of ours answered no beat later than this
  std::string gone_back;  // not empty: why this store must not be worked with; see note_gone_back()
  bool schedule_needed = false;
  std::set<JobId> dirty_jobs;

  std::map<std::pair<size_t, std::string>, Alert> alerts;  // by rule and node ("": the cluster)
  MonoTime alerts_at;                                      // looked at again
  PowerSystem power;
  std::map<std::string, TokenRecord> tokens;  // by name
  TaskCounts ended;                           // since the start; a task that is tried again may end again
  double ended_energy_j = 0;                  // of all attempts that ended since the start
  uint64_t malformed_messages = 0;
  std::set<std::string> malformed_sources;  // already named in the log
  uint64_t stale_messages = 0;
  uint64_t dropped_messages = 0;  // too many waited
  uint64_t beats = 0;             // taken in
};

}  // namespace bramble::aggregator
