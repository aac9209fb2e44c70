// The agent's reactor: an event in, effects out. Pure: no I/O, no clock, no threads.
//
// The adapter takes a batch of events, calls the function of each, then calls flush once, then carries out the effects.
// Reads of output files are answered by on_output_read as soon as they are done, followed by another flush.
// REQUIRES: one thread; `now` never goes back.
#pragma once

#include <string>
#include <string_view>

#include "agent/core/effects.hpp"
#include "agent/core/reading.hpp"
#include "agent/core/state.hpp"
#include "common/base/result.hpp"

namespace bramble::agent {

void start(State& state, Now now);

// The connection for control, and the second one for blobs. A disconnect is also an attempt to connect that failed.
void on_connected(State& state, Effects& effects, Now now);
void on_disconnected(State& state, Effects& effects, Now now, std::string_view reason);
void on_bulk_connected(State& state, Effects& effects, Now now);
void on_bulk_disconnected(State& state, Effects& effects, Now now, std::string_view reason);

// A message of any subscription of either connection: any bytes at all.
void on_message(State& state, Effects& effects, Now now, std::string_view topic, std::string_view payload);

void on_warden_connected(State& state, Effects& effects, Now now);
void on_warden_lost(State& state, Effects& effects, Now now, std::string_view why);  // also: could not be reached
void on_warden_report(State& state, Effects& effects, Now now, wire::WardenReport report);

// Answers Effects::read_sensors. Power is modelled here where none was measured, and energy integrated and shared.
void on_reading(State& state, Effects& effects, Now now, Reading reading);

// Answers BlobCheck, or tells that BlobWrite failed.
enum class BlobFailure {
  damaged,  // the bytes are not those of the name
  disk,     // they could not be written
};
void on_blob_ready(State& state, Effects& effects, Now now, std::string_view sha256);
void on_blob_failed(State& state, Effects& effects, Now now, std::string_view sha256, BlobFailure failure,
                    std::string_view why);

// Answers ReadOutput: up to max_bytes; fewer at the file's end.
void on_output_read(State& state, Effects& effects, Now now, const ReadOutput& request, Result<std::string> data);

// Answers Effects::halt when it could not be passed on, or nobody took it. Later is fine.
void on_halt_failed(State& state, Effects& effects, Now now, std::string_view why);

// Answers Effects::make_certificate_request and Effects::take_certificate.
void on_certificate_request_made(State& state, Effects& effects, Now now, const Result<std::string>& request_pem);
void on_certificate_taken(State& state, Effects& effects, Now now, const Result<WallTime>& renew_after);

void on_tick(State& state, Effects& effects, Now now);

// The agent is to end: says goodbye and disconnects. Tasks go on in the warden.
void stop(State& state, Effects& effects, Now now);

// Ends a batch of events: starts tasks, packs events into messages, sets effects.wake_at.
void flush(State& state, Effects& effects, Now now);

// What must be true after every flush; an error names what is not. For tests and the simulator.
Status check_invariants(const State& state);

}  // namespace bramble::agent
