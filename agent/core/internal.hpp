// What the reactor's parts say to each other. Not for adapters.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "agent/core/effects.hpp"
#include "agent/core/reactor.hpp"
#include "agent/core/state.hpp"

namespace bramble::agent {

// Says a line the first time that this source has something to say.
void say_once(State& state, Effects& effects, const std::string& source, std::string line);
std::string shortened(std::string_view text, size_t max_bytes);

inline wire::WardenTask warden_task(const State& state, const AttemptKey& id) { return {state.saved.store, id}; }

// --- connection.cpp ---
void connect_if_due(State& state, Effects& effects, Now now);
void publish_status(const State& state, Effects& effects);
void leave_broker(State& state, Effects& effects);  // disconnects; no attempt is planned

// --- session.cpp ---
void handle_tasks_message(State& state, Effects& effects, Now now, wire::TasksMessage message);
void handle_aggregator_status(State& state, Effects& effects, const wire::AggregatorStatus& status);
// True when the word is of the store that this agent is joined to (or it is joined to none) and of no lower term.
bool passes_store_fence(State& state, Effects& effects, const StoreId& store, TermId term);
void send_inventory_if_owed(State& state, Effects& effects);
void send_beat_if_due(State& state, Effects& effects, Now now);

// --- control.cpp ---
void ask_for_certificate(State& state, Effects& effects, Now now);
void handle_certificate(State& state, Effects& effects, wire::NewCertificate message);
void handle_control(State& state, Effects& effects, Now now, const wire::Control& control);

// --- tasks.cpp ---
using SpecPtr = std::shared_ptr<const wire::TaskSpec>;
void launch(State& state, Effects& effects, Now now, const wire::Launch& launch, SpecPtr spec);
void cancel(State& state, Effects& effects, Now now, const AttemptKey& id);
void recall(State& state, Effects& effects, Now now, const AttemptKey& id);
void forget_done(State& state, const AttemptKey& id);
void make_ready_to_start(State& state, const AttemptKey& id, Attempt& attempt);
bool spool_is_full(const State& state);

// --- running.cpp ---
void start_tasks(State& state, Effects& effects, Now now);
void mark_running(State& state, Effects& effects, Now now, const AttemptKey& id, Attempt& attempt);
void back_to_queue(State& state, Effects& effects, Now now, const AttemptKey& id, Attempt& attempt);
void finish(State& state, Effects& effects, Now now, const AttemptKey& id, Attempt& attempt, wire::Finished result);
void finish_unstarted(State& state, Effects& effects, Now now, const AttemptKey& id, wire::Outcome outcome,
                      std::string text);
void take_out_of_phase(State& state, Attempt& attempt);  // gives back what its phase counts
void kill_if_cancelled(State& state, Effects& effects, const AttemptKey& id, Attempt& attempt);
void forget_in_warden(State& state, Effects& effects, Now now);

// --- lease.cpp ---
inline bool has_lease(const Attempt& attempt) { return attempt.spec && attempt.spec->lease_ms > 0; }
void begin_lease(State& state, Attempt& attempt);              // of a launched attempt
int64_t heard_ms(const State& state, const Attempt& attempt);  // for the warden; 0 without a lease
void handle_echo(State& state, Effects& effects, Now now, const wire::Echo& echo);
void end_leases(State& state, Effects& effects, Now now);
MonoTime next_lease_end(const State& state, MonoTime wake);

// --- warden_view.cpp ---
void ping_warden(State& state, Effects& effects, Now now);
int64_t warden_silent_ms(const State& state, Now now);  // 0: it answers, or is not connected
void ask_warden_for_list(State& state, Effects& effects);

// --- environment.cpp ---
std::vector<std::pair<std::string, std::string>> task_environment(const Config& config, const AttemptKey& id,
                                                                  const wire::TaskSpec& spec);

// --- events.cpp ---
void answer(State& state, wire::EventType type, const AttemptKey& id, std::string text = {});
uint64_t add_event(State& state, Outgoing event);  // its number
void drop_event(State& state, uint64_t& number);   // sets number to 0
void send_again(State& state, uint64_t number);
void send_all_again(State& state);
void acknowledge(State& state, uint64_t number);
void repeat_events(State& state, Now now);
void take_event_data(State& state, Now now, const ReadOutput& request, Result<std::string> data);
void send_events(State& state, Effects& effects, Now now);
bool has_events_to_send(const State& state);

// --- outputs.cpp ---
void note_growth(State& state, const AttemptKey& id, Attempt& attempt, wire::Stream stream, uint64_t size_bytes);
void offer_output(State& state, const AttemptKey& id, Attempt& attempt, wire::Stream stream);
void handle_want(State& state, Effects& effects, const wire::OutputWant& want);
void take_want_data(State& state, Effects& effects, const ReadOutput& request, Result<std::string> data);

inline StreamProgress& progress_of(Attempt& attempt, wire::Stream stream) {
  return attempt.streams[stream == wire::Stream::stdout_ ? 0 : 1];
}

// --- blobs.cpp ---
// The input files of its job, and its own.
template <typename Take>
void for_each_file(const Attempt& attempt, const Take& take) {
  if (attempt.spec) std::for_each(attempt.spec->files.begin(), attempt.spec->files.end(), take);
  std::for_each(attempt.files.begin(), attempt.files.end(), take);
}
// All that a launched attempt needs; it is made ready as soon as that is there.
void hold_blobs(State& state, Effects& effects, const AttemptKey& id, Attempt& attempt, const wire::Launch& launch);
void release_blobs(State& state, Effects& effects, const AttemptKey& id, Attempt& attempt);
void fit_cache(State& state, Effects& effects, const Reading& reading);  // to what the disk has free now
std::string blob_path(const State& state, const wire::BlobRef& blob);    // empty: it has no bytes
void begin_pulls(State& state, Effects& effects, Now now);
void resume_pulls(State& state, Effects& effects, Now now);
void repeat_pulls(State& state, Effects& effects, Now now);
struct Chunk {
  std::string sha256;
  uint64_t offset = 0;
  std::string_view data;
  bool to_all = false;  // on the topic of several nodes
};
void handle_blob_chunk(State& state, Effects& effects, Now now, const Chunk& chunk);

// --- blob_sharing.cpp ---
void share_pull(const State& state, Effects& effects, const std::string& sha256, Blob& blob);  // where it can be
void stop_sharing(const State& state, Effects& effects, const std::string& sha256, Blob& blob);
void note_bulk_lost(Blobs& blobs);

// --- blob_have.cpp ---
void note_blob_came(Blobs& blobs, Blob& blob);
void note_blob_goes(Blobs& blobs, Blob& blob);  // before it is forgotten
void tell_blobs(State& state, Effects& effects, Now now);
MonoTime next_telling(const State& state, MonoTime wake);

// --- telemetry.cpp ---
void begin_telemetry(State& state, Now now);
void take_findings(State& state, Effects& effects, const Reading& reading);
wire::PowerModel power_model(const State& state);
void take_calibration(State& state, Effects& effects, const std::optional<wire::PowerModel>& power);
void sample_if_due(State& state, Effects& effects, Now now);
void take_usage(State& state, const wire::WardenUsage& usage);
void charge_finished(State& state, Now now, Attempt& attempt, wire::Finished& result);  // before it leaves its phase
void remember_charges(State& state, Effects& effects);                                  // at the agent's end
void recall_charges(State& state, const AttemptKey& id, Attempt& attempt);              // of one that is adopted
void send_backlog(State& state, Effects& effects, Now now);
MonoTime next_sample(const State& state, MonoTime wake);
MonoTime next_backfill(const State& state, Now now, MonoTime wake);

// --- timers.cpp ---
MonoTime next_wake(const State& state, Now now);
MonoTime next_due(MonoTime last_due, int64_t interval_ms, Now now);  // what was slept through is not made up for

}  // namespace bramble::agent
