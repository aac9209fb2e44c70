// Shared between the reactor's files; not for others.
#pragma once

#include <string>
#include <string_view>

#include "aggregator/core/effects.hpp"
#include "aggregator/core/state.hpp"
#include "common/wire/codec.hpp"

namespace bramble::aggregator {

// --- nodes (nodes.cpp) ---
Node* find_node(State& state, const std::string& name);
bool is_schedulable(const Node& node);
void on_status(State& state, Effects& effects, Now now, const std::string& name, const wire::NodeStatus& status);
void on_beat(State& state, Effects& effects, Now now, const std::string& name, const wire::Beat& beat);
void calibrate(State& state, Effects& effects, Now now, Node& node, const std::optional<wire::PowerModel>& power);
// Somebody knows a later life of our store: this database is a copy from before, a restored backup or a second one.
// What it would give out may have been given out already, under the same names. From now on nothing is done.
void note_gone_back(State& state, Effects& effects, const std::string& sign);
void note_later_session(State& state, Effects& effects, const std::string& node, SessionId session);
bool note_later_term(State& state, Effects& effects, const std::string& node, const StoreId& store, TermId term);
void watch_silence(State& state, Effects& effects, Now now);

// --- joining, renewing, removing (identities.cpp); on_identity() brings the answers ---
void add_node(State& state, Effects& effects, const Caller& caller, const AddNodeRequest& request, ReplyHandler reply);
void remove_nodes(State& state, Effects& effects, const Caller& caller, const RemoveNodesRequest& request,
                  ReplyHandler reply);
void on_certificate_request(State& state, Effects& effects, Now now, const std::string& name,
                            const wire::CertificateRequest& request);

// --- what nodes say they hold (inventory.cpp) ---
void on_inventory(State& state, Effects& effects, Now now, Node& node, const wire::Inventory& inventory);

// --- jobs (jobs.cpp) ---
Job* find_job(State& state, JobId id);
void touch(State& state,
           Job& job);  // its progress changed: store it, tell watchers, think about its place in the queue
void cancel_job(State& state, Effects& effects, Now now, Job& job);
void settle_jobs(State& state, Effects& effects, Now now);          // at the end of a batch
std::optional<State::FinalJob> take_final(State& state, JobId id);  // it is not remembered as final any more

// --- forgetting (forget.cpp) ---
ApiReply forget_jobs(State& state, Effects& effects, const std::vector<JobId>& jobs);
void remove_forgotten(State& state, Effects& effects);  // the next step, if it is not under way

// --- trying again (retry.cpp), and how long jobs are remembered (retention.cpp) ---
ApiReply retry_jobs(State& state, Effects& effects, Now now, RetryRequest& request);
void expire_jobs(State& state, Effects& effects, Now now);

// --- API tokens (tokens.cpp) ---
ApiReply add_token(State& state, Effects& effects, Now now, const Caller& caller, const AddTokenRequest& request);
ApiReply remove_token(State& state, Effects& effects, Now now, const Caller& caller, const std::string& name);
ApiReply list_tokens(const State& state, Now now, const Caller& caller);

// --- inputs (blobs.cpp) ---
void keep_blob(State& state, Now now, const wire::BlobRef& blob);  // it was uploaded
void take_blob(State& state, const wire::BlobRef& blob);           // a task or job uses it
// Of tasks and jobs that ended without success: kept for another try.
void take_kept_blob(State& state, const wire::BlobRef& blob, uint64_t uses);
void drop_blob(State& state, Effects& effects, Now now, const wire::BlobRef& blob);
// The same for all that a task or job names.
using MaybeBlob = std::optional<wire::BlobRef>;
using InputFiles = std::vector<wire::InputFile>;
void take_blobs(State& state, const MaybeBlob& stdin_blob, const InputFiles& files);
uint64_t count_inputs(const MaybeBlob& stdin_blob, const InputFiles& files);
std::optional<ApiReply> refuse_more_inputs(const State& state, uint64_t more);  // of tasks, beside those there are
void drop_blobs(State& state, Effects& effects, Now now, const MaybeBlob& stdin_blob, const InputFiles& files);
void drop_job_blobs(State& state, Effects& effects, Now now, const JobSpec& spec);  // it has succeeded: files linger
std::optional<ApiReply> refuse_blobs(const State& state, const MaybeBlob& stdin_blob, const InputFiles& files);
void sweep_blobs(State& state, Effects& effects, Now now);  // uploads that no job ever named
// What a node that is sent the task may ask for soon; what it asks for; what has waited for others that ask.
void expect_pulls(State& state, Now now, const Node& node, const Job& job, const Task& task);
void on_blob_get(State& state, Effects& effects, Now now, const std::string& name, const wire::BlobGet& get);
void send_gathered(State& state, Effects& effects, Now now);
// Why a job cannot name the blob; empty: it can.
std::optional<ApiReply> refuse_blob(const State& state, const wire::BlobRef& blob);
ApiReply refuse(int http_status, const std::string& why);

// --- attempts (attempts.cpp) ---
void attach(State& state, Attempt& attempt);  // counts it as being at its node
void detach(State& state, Attempt& attempt);
void mark_running(State& state, Attempt& attempt, bool running);
void assign_next(State& state, Effects& effects, Now now, Job& job, NodeIndex node);
void cancel_attempt(State& state, Now now, Attempt& attempt);
// Queued, or an attempt of it will yet be heard of or proved dead.
bool is_in_other_hands(const State& state, const Task& task);
// The attempt is no more, without a result; its task is queued again unless another attempt of it is open.
void abandon_attempt(State& state, Effects& effects, Now now, AttemptKey key, const std::string& outcome);
// The attempt's result, with its output in our hands.
void conclude(State& state, Effects& effects, Now now, AttemptKey key, const wire::Finished& result);
void requeue(State& state, Effects& effects, const TaskKey& key, Task& task);
// The same after a delay, longer with each try that went wrong.
void requeue_later(State& state, Effects& effects, Now now, const TaskKey& key, Task& task, uint32_t tries);
void queue_delayed(State& state, Now now);  // those whose delay is over
void set_task_state(State& state, Effects& effects, const TaskKey& key, TaskState to);
void unqueue(State& state, const TaskKey& key, Task& task);
void end_task(State& state, Effects& effects, Now now, const TaskKey& key, TaskState final_state, uint32_t committed);

// --- attempts at nodes that are not heard, and the proof that they are dead (losses.cpp) ---
// Nothing is heard of it any more, or no longer believed; its tasks wait.
void fall_silent(State& state, Effects& effects, Node& node);
void lose_attempts(State& state, Effects& effects, Now now, Node& node);
void keep_as_lost(State& state, Effects& effects, const AttemptKey& key);
void prove_dead(State& state, Effects& effects, Now now, const AttemptKey& key, const std::string& how);
// When an attempt's lease proves it dead; nothing: it has none, only a new boot or power proves it.
std::optional<MonoTime> proof_time(const State& state, const Attempt& attempt);
// Queues a task that no open attempt holds. Of a fenced one there may be an attempt that the store does not tell of (it
// is a restored backup): it waits until such a one's lease is over.
void queue_with_care(State& state, Now now, const TaskKey& key, Task& task);
void watch_leases(State& state, Effects& effects, Now now);

// --- alerts (alerts.cpp) ---
void watch_alerts(State& state, Effects& effects, Now now);
void publish_alerts_again(State& state, Effects& effects, Now now);
bool owns_alert(const State& state, const wire::AlertTopic& topic);  // a rule of now may say something there
std::string alert_text(const AlertRule& rule, const std::string& node, const Alert& alert);  // a sentence

// --- what earlier runs have left at the broker (retained.cpp) ---
// Clears what is retained for people and belongs to nothing any more. False: the topic is none of these.
bool on_retained(State& state, Effects& effects, std::string_view topic, std::string_view payload);

// --- events from nodes (events.cpp) ---
void on_events(State& state, Effects& effects, Now now, Node& node, const wire::EventsMessage& message);

// --- output (outputs.cpp) ---
void on_output_event(State& state, Effects& effects, Now now, Attempt& attempt, const wire::Output& output);
void on_output_chunk(State& state, Effects& effects, Now now, const Node& node, const AttemptKey& key,
                     wire::Stream stream, uint64_t offset, std::string_view bytes);
// Begins to fetch what the result says the node has; concludes when all is here and durable.
void collect_output(State& state, Effects& effects, Now now, Attempt& attempt, wire::Finished result);
void stop_pulls(State& state, Attempt& attempt);
void retry_pulls(State& state, Effects& effects, Now now);
bool is_inline(const wire::StreamResult& stream);
// Of a node that hangs on a line; unknown while its lines are being read. Absent: it hangs on none.
std::optional<PowerState> power_state_of(const State& state, const std::string& node);
// It is switched off, or on its way there or back: that it is not heard is no trouble.
bool is_switched_off(const State& state, const std::string& node);
bool is_off_unasked(const State& state, const std::string& node);  // its line was found off

void answer_output_waiters(State& state, Effects& effects, Now now);

// --- placing and sending (dispatch.cpp) ---
NodeView view_of(const Node& node, NodeIndex index);
uint32_t room_of(const Job& job);  // how many more of its tasks may be at nodes
void schedule(State& state, Effects& effects, Now now);
void avoid_full_node(State& state, Now now, Job& job, NodeIndex node);  // it had no room for a task's output
void rebalance(State& state, Now now);  // recalls work that waits on one node while another idles
void resend(State& state, Now now);     // launches, cancels and recalls that were not answered
void mail_launch(State& state, Now now, Node& node, const AttemptKey& key, const Job& job, const Task& task);
wire::TasksMessage& mail_to(State& state, Node& node);  // what goes out to it at the end of the step
void flush(State& state, Effects& effects);

// --- watchers (watch.cpp) ---
std::string job_watch_json(const JobProgress& progress, uint64_t version, uint64_t at_nodes, uint64_t running,
                           std::optional<int64_t> eta_ms);
void answer_job_waiters(State& state, Effects& effects, Now now);
bool was_touched(const Job& job, TaskIndex task);  // assigned once, or more often

inline size_t index_of(wire::Stream stream) { return stream == wire::Stream::stdout_ ? 0 : 1; }

}  // namespace bramble::aggregator
