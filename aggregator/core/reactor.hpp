// The aggregator's reactor: an event in, effects out. Pure: no I/O, no clock, no threads.
//
// The loop calls on_* for each event of a batch with the time at which the event was received, then on_batch_end once;
// it commits effects.writes and lets the rest out. Calls must not be made for new events while a commit is unresolved.
#pragma once

#include <string>
#include <string_view>

#include "aggregator/core/effects.hpp"
#include "aggregator/core/state.hpp"

namespace bramble::aggregator {

// Takes over what the store holds. Nodes are unknown until they are heard; open attempts stay where they are.
void on_start(State& state, Effects& effects, Now now, LoadedState loaded);

void on_connected(State& state, Effects& effects, Now now);
void on_disconnected(State& state, Effects& effects, Now now, const std::string& reason);
void on_message(State& state, Effects& effects, Now now, std::string_view topic, std::string_view payload);

void on_api(State& state, Effects& effects, Now now, ApiRequest request);

// Output files: an append or a seal failed (bytes from `have_bytes` on must be pulled again), or a seal is durable.
void on_output_failed(State& state, Effects& effects, Now now, const AttemptKey& key, wire::Stream stream,
                      uint64_t have_bytes);
void on_output_sealed(State& state, Effects& effects, Now now, const AttemptKey& key);

// What came of an operation on a line, or what was seen of it unasked.
void on_line(State& state, Effects& effects, Now now, const LineReport& report);

// What came of an operation on identities; the broker knows it already.
void on_identity(State& state, Effects& effects, Now now, const IdentityReport& report);

// It is proved that the node has no power: whatever ran there is dead, and `fence` tasks run again.
void on_power_off(State& state, Effects& effects, Now now, const std::string& node);

// What ReadForgotten asked for; nothing where it could not be read.
void on_forgotten_rows(State& state, Effects& effects, Now now, const std::vector<ForgottenRows>& rows);

// What FindExpired asked for: ended jobs that need not be remembered any longer.
void on_expired_jobs(State& state, Effects& effects, Now now, const std::vector<JobId>& jobs);

// How much of the room for inputs and outputs is used; call it about as often as on_tick.
void on_storage(State& state, Effects& effects, const StorageUse& storage);
// Messages that were dropped because too many events waited; all since the start.
void on_dropped(State& state, Effects& effects, uint64_t messages);
inline void on_telemetry_use(State& state, const TelemetryUse& use) { state.telemetry_use = use; }

// Timers: call it about every 100 ms, after the queue was drained. A gap of more than a second between calls means that
// this process was not running: nodes are given the grace.
void on_tick(State& state, Effects& effects, Now now);

// Places work, sends what the batch has gathered for each node, answers who waits.
void on_batch_end(State& state, Effects& effects, Now now);

// When to call on_batch_end at the latest, where the next on_tick comes at `tick`: some things cannot wait for it.
MonoTime next_wake(const State& state, MonoTime tick);

// The regular end: says offline.
void on_stop(State& state, Effects& effects, Now now);

// Empty if everything holds; else what does not, for tests and the simulator.
std::vector<std::string> check_invariants(const State& state);

// JSON for people and programs.
std::string nodes_json(const State& state, Now now);
std::string health_json(const State& state);
std::string power_json(const State& state, Now now, const std::vector<std::string>& nodes);  // empty: all

}  // namespace bramble::aggregator
