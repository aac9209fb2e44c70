// `bramble node doctor`: everything that is known to be amiss with nodes, their lines and the head, each with what to
// do.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aggregator/core/effects.hpp"
#include "aggregator/core/state.hpp"

namespace bramble::aggregator {

inline constexpr size_t kMaxDoctorWaiters = 8;
inline constexpr int64_t kPingLimitMs = 2000;

// Asks the broker for an echo; the answer comes with it, or when kPingLimitMs are over.
void begin_doctor(State& state, Effects& effects, Now now, DoctorRequest request, ReplyHandler reply);

// An echo of ours: what was asked before it came is answered.
void on_ping(State& state, Effects& effects, Now now, std::string_view payload);

void answer_late_doctors(State& state, Effects& effects, Now now);

// {"head": [finding...], "nodes": [{"node", "findings": [...]}]}, a finding {"check", "state", "text"}.
// round_trip_ms below zero: the broker did not answer.
std::string doctor_json(const State& state, Now now, const DoctorRequest& request, int64_t round_trip_ms);

}  // namespace bramble::aggregator
