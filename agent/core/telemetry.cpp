// Readings: when they are taken, what they say about power and energy, and where they go.
#include <algorithm>

#include "agent/core/internal.hpp"
#include "common/base/utf8.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/power_model.hpp"

namespace bramble::agent {
namespace {

// The warden is asked for CPU times so long before a reading: its answer is there when the energy is shared.
constexpr int64_t kUsageLeadMs = 20;
// An aggregator that has not answered a beat for so long (and for two beats) does not take readings in either.
constexpr int64_t kUnheardMs = 5000;
constexpr size_t kBackfillBatch = 4;
constexpr int64_t kBackfillMs = 200;
constexpr size_t kMaxRememberedCharges = 128;

bool is_running(const Attempt& attempt) { return attempt.phase == Phase::running; }

// Somebody takes in what is published: welcomed, and the beats are answered.
bool is_heard(const State& state, Now now) {
  const Session& session = state.session;
  if (state.link.phase != Link::Phase::up || session.id == 0) return false;
  const MonoTime last_word = std::max(session.welcomed, state.lease.heard.value_or(MonoTime{}));
  return now.mono - last_word <= kUnheardMs + 2 * session.beat_ms;
}

std::string telemetry_topic(const State& state) {
  return state.topics.node(state.config.node, wire::NodeTopic::telemetry);
}

void ask_for_usage(State& state, Effects& effects, Now now) {
  Session& session = state.session;
  if (session.usage_asked == session.next_telemetry) return;
  const int64_t left_ms = session.next_telemetry - now.mono;
  if (left_ms <= 0 || left_ms > kUsageLeadMs || !state.warden.connected) return;
  session.usage_asked = session.next_telemetry;
  const bool any = std::any_of(state.tasks.held.begin(), state.tasks.held.end(),
                               [](const auto& held) { return is_running(held.second); });
  if (any) effects.warden.emplace_back(wire::WardenAskUsage{});
}

// What the node draws, and whether a meter says so.
struct Power {
  std::optional<double> watts;
  bool measured = false;
};

Power power_of(const State& state, const Reading& reading) {
  if (reading.power_w) return {reading.power_w, true};
  const auto busy = reading.values.find("cpu_busy_ratio");
  if (busy == reading.values.end()) return {};
  return {wire::modelled_power_w(power_model(state), busy->second, reading.frequency_ratio.value_or(1)), false};
}

void settle_energy(State& state, const Reading& reading, const Power& power) {
  Energy& energy = state.energy;
  EnergyLedger::Interval interval;
  interval.end = reading.taken;
  interval.energy = energy.meter.add(reading.taken, power.watts, power.measured,
                                     std::max(kMinGapMs, kGapIntervals * state.session.telemetry_ms));
  interval.power_w = power.watts.value_or(0);
  interval.measured = power.measured;
  interval.busy_cpu_s = reading.busy_cpu_s;
  std::vector<EnergyLedger::Running> running;
  for (auto& [id, attempt] : state.tasks.held) {
    if (is_running(attempt)) running.push_back({&attempt.energy, attempt.spec->cpus});
  }
  energy.ledger.settle(interval, running);
}

void add_energy(const State& state, const Power& power, wire::Telemetry& message) {
  if (!power.watts) return;
  const EnergyLedger& ledger = state.energy.ledger;
  message.power_measured = power.measured;
  message.values["power_w"] = *power.watts;
  message.values["energy_j"] = ledger.node().total;
  message.values["energy_measured_j"] = ledger.node().measured;
  message.values["energy_unattributed_j"] = ledger.unattributed_j();
}

void keep(State& state, const wire::Telemetry& message, MonoTime taken) {
  if (!state.telemetry.cut_off_since) state.telemetry.cut_off_since = taken;
  state.telemetry.backlog.keep(message, taken);
}

// Said when there is somebody again.
void say_what_was_kept(State& state, Effects& effects, Now now) {
  if (!state.telemetry.cut_off_since) return;
  const int64_t away_s = (now.mono - *state.telemetry.cut_off_since) / 1000;
  state.telemetry.cut_off_since.reset();
  const Backlog& backlog = state.telemetry.backlog;
  if (away_s < kUnheardMs / 1000) return;  // every connection begins so
  effects.log.push_back("was not heard for " + std::to_string(away_s) + " s: sends the " +
                        std::to_string(backlog.size()) + " readings kept meanwhile, one in " +
                        std::to_string(backlog.spacing_ms() / 1000) + " s; so far " +
                        std::to_string(backlog.dropped()) + " were dropped to save room");
}

std::string watts_text(double watts) {
  const std::string text = std::to_string(watts);
  return text.substr(0, text.find('.') + 2) + " W";
}

void apply_model(State& state) { state.energy.ledger.set_model(power_model(state), state.config.cpu_cores); }

}  // namespace

// A calibration that the aggregator keeps is newer than what stands in a file.
wire::PowerModel power_model(const State& state) { return state.saved.power.value_or(state.config.power); }

void begin_telemetry(State& state, Now now) {
  state.session.next_telemetry = now.mono;
  apply_model(state);
}

void take_calibration(State& state, Effects& effects, const std::optional<wire::PowerModel>& power) {
  if (state.saved.power == power) return;
  state.saved.power = power;
  effects.save = state.saved;
  apply_model(state);
  const wire::PowerModel model = power_model(state);
  effects.log.push_back(std::string(power ? "calibrated by the aggregator: " : "calibration taken back: ") +
                        watts_text(model.idle_w) + " idle, " + watts_text(model.busy_w) + " busy");
}

void sample_if_due(State& state, Effects& effects, Now now) {
  Session& session = state.session;
  if (state.stopping) return;
  ask_for_usage(state, effects, now);
  if (now.mono < session.next_telemetry) return;
  effects.read_sensors = true;
  session.next_telemetry = next_due(session.next_telemetry, session.telemetry_ms, now);
}

MonoTime next_sample(const State& state, MonoTime wake) {
  const bool to_ask = state.tasks.used.attempts > 0 && state.session.usage_asked != state.session.next_telemetry &&
                      state.warden.connected;
  return std::min(wake, state.session.next_telemetry + (to_ask ? -kUsageLeadMs : 0));
}

void take_usage(State& state, const wire::WardenUsage& usage) {
  const auto held = state.tasks.held.find(usage.task.id);
  if (held == state.tasks.held.end() || !is_running(held->second)) return;
  AttemptEnergy& energy = held->second.energy;
  energy.cpu_s = std::max(energy.cpu_s, static_cast<double>(usage.cpu_us) / 1e6);
  if (!std::exchange(energy.cpu_before_unknown, false)) return;
  energy.charged_cpu_s = energy.cpu_s;
}

void charge_finished(State& state, Now now, Attempt& attempt, wire::Finished& result) {
  const bool held_room = attempt.phase == Phase::starting || attempt.phase == Phase::running;
  if (held_room && (attempt.energy.since.ms != 0 || result.duration_ms > 0 || result.cpu_ms > 0)) {
    const int64_t ran_ms = result.duration_ms > 0 ? result.duration_ms : now.mono - attempt.energy.since;
    state.energy.ledger.pay_out(now.mono, attempt.energy, attempt.spec->cpus, ran_ms,
                                static_cast<double>(result.cpu_ms) / 1000);
  }
  result.energy_j = attempt.energy.joules.total;
  result.energy_measured_j = attempt.energy.joules.measured;
}

void remember_charges(State& state, Effects& effects) {
  state.saved.charged.clear();
  for (const auto& [id, attempt] : state.tasks.held) {
    if (!is_running(attempt) || attempt.energy.joules.total <= 0) continue;
    if (state.saved.charged.size() < kMaxRememberedCharges) state.saved.charged[id] = attempt.energy.joules;
  }
  if (!state.saved.charged.empty()) effects.save = state.saved;
}

void recall_charges(State& state, const AttemptKey& id, Attempt& attempt) {
  const auto charged = state.saved.charged.find(id);
  if (charged == state.saved.charged.end()) return;
  attempt.energy.joules = charged->second;
  state.saved.charged.erase(charged);
}

void on_reading(State& state, Effects& effects, Now now, Reading reading) {
  take_findings(state, effects, reading);
  fit_cache(state, effects, reading);
  const Power power = power_of(state, reading);
  settle_energy(state, reading, power);
  wire::Telemetry message;
  message.number = ++state.telemetry.number;
  message.wall_ms = std::max<int64_t>(0, now.wall.ms);
  message.run = state.telemetry.run;
  message.values = std::move(reading.values);
  message.trouble = to_utf8(reading.trouble, wire::kMaxTroubleBytes);
  add_energy(state, power, message);
  if (const uint64_t dropped = state.telemetry.backlog.dropped(); dropped > 0) {
    message.values["readings_dropped"] = static_cast<double>(dropped);
  }
  if (!is_heard(state, now)) keep(state, message, reading.taken);
  if (state.link.phase != Link::Phase::up) return;
  // Also when the aggregator is not there: others may read along, and what arrives twice has one name.
  effects.publish.push_back({telemetry_topic(state), wire::encode(message), 0, false, false});
}

void send_backlog(State& state, Effects& effects, Now now) {
  if (!is_heard(state, now)) return;
  say_what_was_kept(state, effects, now);
  Backlog& backlog = state.telemetry.backlog;
  if (backlog.empty() || now.mono < state.telemetry.next_backfill) return;
  state.telemetry.next_backfill = now.mono + kBackfillMs;
  for (size_t i = 0; i < kBackfillBatch; ++i) {
    const auto message = backlog.take_oldest(now.mono);
    if (!message) return;
    effects.publish.push_back({telemetry_topic(state), wire::encode(*message), 0, false, false});
  }
}

MonoTime next_backfill(const State& state, Now now, MonoTime wake) {
  if (state.telemetry.backlog.empty() || !is_heard(state, now)) return wake;
  return std::min(wake, state.telemetry.next_backfill);
}

}  // namespace bramble::agent
