// What people ask of the aggregator, as values: the HTTP adapter makes requests of bytes and bytes of replies; the
// reactor answers. Questions about what is stored do not come here: the adapter reads the store itself.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "aggregator/core/records.hpp"
#include "common/base/result.hpp"

namespace bramble::aggregator {

struct Caller {
  std::string user;        // the owner of what is submitted
  bool operator_ = false;  // may act on everybody's jobs and on nodes
};

struct SubmitRequest {
  JobSpec spec;  // owner is the caller's
  TaskRange range;
  bool dry_run = false;  // changes nothing, and tells what would come of it
};

// Bytes that lie in the store as a blob, to be named by a job soon.
struct KeepBlobRequest {
  wire::BlobRef blob;
  bool is_new = true;  // else it must be there already
};

struct AppendRequest {  // tasks first, first + 1, ...; those that exist already are passed over
  JobId job = 0;
  TaskIndex first = 0;
  std::vector<TaskInput> tasks;
};

struct CloseRequest {
  JobId job = 0;
};

// A blob that was uploaded takes the place of the job's checkpoint: whoever feeds the job can go on from there.
struct CheckpointRequest {
  JobId job = 0;
  wire::BlobRef blob;
};

struct CancelRequest {
  std::vector<JobId> jobs;  // final ones are passed over
};

// Whose they are was looked up in the store. One that has not ended is an error for the whole request.
struct ForgetRequest {
  std::vector<JobId> jobs;
};

// A job as it was read from the store, with those of its ended tasks that are to be queued again.
struct RetryPlan {
  JobRecord job;
  std::vector<TaskRecord> tasks;
  uint64_t touched = 0;                  // positions of the range that have rows
  std::vector<AttemptKey> output_files;  // of these tasks: their outputs go, new ones will come
};

inline constexpr size_t kMaxRetriedTasks = 100'000;  // with rows, in one request: each costs memory until it has ended

// Whose they are was looked up in the store. One that cannot be retried is an error for the whole request.
struct RetryRequest {
  std::vector<RetryPlan> plans;
};

// What does not exist is an error for the whole request, which then changes nothing.
struct DrainRequest {
  std::vector<std::string> nodes;
  bool drain = true;  // false: resume
  std::string reason;
};

// Nodes without a meter reckon with it; nothing: with their board's figures again. What does not exist is an error for
// the whole request.
struct CalibrateRequest {
  std::vector<std::string> nodes;
  std::optional<wire::PowerModel> power;
};

struct NodesRequest {};

struct MetricsRequest {};  // the answer's body is no JSON but metrics_text()

// Answers when the job's version is above `since` or wait_ms is over. A version counts changes anyone would show.
struct WatchJobRequest {
  JobId job = 0;
  uint64_t since = 0;
  int64_t wait_ms = 0;
};

// Answers when the task has output beyond `offset`, has an attempt above `attempt`, is final, or wait_ms is over.
struct WatchOutputRequest {
  TaskKey task;
  wire::Stream stream = wire::Stream::stdout_;
  uint32_t attempt = 0;  // the one that the offset counts in; 0: whatever there is
  uint64_t offset = 0;
  bool only_final = false;  // nothing before the commit
  int64_t wait_ms = 0;
};

struct HealthRequest {};

// Why a task, or each of a job's, is not done yet. 410: the store has the answer, for it has ended.
struct ExplainRequest {
  JobId job = 0;
  std::optional<TaskIndex> task;
};

// What a person wants of nodes' power. One that cannot be is an error for the whole request.
struct PowerRequest {
  enum class Act {
    on,
    off,
    cycle,
    automatic,  // what a person wanted is over: the automation may do with it as with others
  };
  std::vector<std::string> nodes;
  Act act = Act::on;
  PowerHow how = PowerHow::clean;
  std::string reason;
};

struct PowerPauseRequest {  // of the automation; what people ask for is done
  bool pause = true;
  std::string reason;
};

struct ClearFaultRequest {  // the nodes' lines are read anew, and what they show is taken
  std::vector<std::string> nodes;
  std::string reason;
};

struct NodeFinding {
  std::string node;  // empty: the head
  wire::Finding finding;
};

// Answered when the broker has given an echo, or has not in time.
struct DoctorRequest {
  std::vector<std::string> nodes;  // empty: all
  std::vector<NodeFinding> seen;   // by those who asked: lines, the head's own settings
};

struct PowerStatusRequest {
  std::vector<std::string> nodes;  // empty: all
};

// A node's certificate, for `bramble node add`. Answered when it is made.
struct AddNodeRequest {
  std::string node;
  bool replace = false;  // the identity that it has, which is revoked
};

// The node is forgotten and its certificates are revoked. One that has tasks is an error unless `force`: they are given
// up then, and a person answers for it that they do not run any more. Answered when all are revoked.
struct RemoveNodesRequest {
  std::vector<std::string> nodes;
  bool force = false;
  std::string reason;
};

struct AddTokenRequest {
  std::string name;
  Role role = Role::viewer;
  std::string owner;   // empty: the caller
  std::string sha256;  // of the token; said again with the same one, it changes nothing
  std::optional<int64_t> lifetime_ms;
};

struct RemoveTokenRequest {
  std::string name;
};

struct TokensRequest {};

using ApiCall = std::variant<SubmitRequest, KeepBlobRequest, AppendRequest, CloseRequest, CheckpointRequest,
                             CancelRequest, DrainRequest, NodesRequest, WatchJobRequest, WatchOutputRequest,
                             HealthRequest, MetricsRequest, ExplainRequest, ForgetRequest, RetryRequest, PowerRequest,
                             PowerPauseRequest, ClearFaultRequest, PowerStatusRequest, CalibrateRequest, DoctorRequest,
                             AddNodeRequest, RemoveNodesRequest, AddTokenRequest, RemoveTokenRequest, TokensRequest>;

// The answer to WatchOutputRequest. Where the bytes are: the store (final) or the attempt's output file (not final).
struct OutputPlace {
  uint32_t attempt = 0;  // 0: none yet
  uint64_t size_bytes = 0;
  bool final = false;
};

// The body is JSON. Errors have {"error": "one sentence"}.
struct ApiReply {
  int http_status = 200;
  std::string body;
  OutputPlace output;  // WatchOutputRequest only
};

using ReplyHandler = std::function<void(ApiReply)>;  // called once, on the state thread; must not block

struct ApiRequest {
  Caller caller;
  ApiCall call;
  ReplyHandler reply;
};

// Hands a request to the reactor; false when its queue is full (tell the caller to come again).
using ApiPort = std::function<bool(ApiRequest)>;

}  // namespace bramble::aggregator
