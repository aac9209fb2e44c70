// What agents tell about work.
#include "aggregator/core/internal.hpp"

namespace bramble::aggregator {
namespace {

Attempt* find_attempt_at(State& state, const Node& node, const AttemptKey& key) {
  const auto found = state.attempts.find(key);
  if (found == state.attempts.end() || &state.nodes[found->second.node] != &node) return nullptr;
  return &found->second;
}

// The node holds something that is not wanted there: said until it is gone.
void disown(State& state, Node& node, Now now, const AttemptKey& key) {
  if (node.strays.try_emplace(key, now.mono).second) mail_to(state, node).cancel.push_back(key);
}

void on_started(State& state, Effects& effects, Now now, Node& node, const wire::Event& event) {
  mail_to(state, node).ack.push_back(event.number);
  Attempt* attempt = find_attempt_at(state, node, event.id);
  if (attempt == nullptr) return disown(state, node, now, event.id);
  attempt->answered = true;
  if (attempt->running) return;
  mark_running(state, *attempt, true);
  attempt->started = now.wall;
  state.tasks.at(event.id.task_key()).state = TaskState::running;
  effects.writes.push_back(StartAttempt{event.id, now.wall});
}

// A result is never fenced by session: it commits by its own name, once.
void on_finished(State& state, Effects& effects, Now now, Node& node, const wire::Event& event) {
  node.strays.erase(event.id);
  Attempt* attempt = find_attempt_at(state, node, event.id);
  if (attempt == nullptr) {
    mail_to(state, node).done.push_back(event.id);  // committed before, or not wanted any more
    return;
  }
  attempt->answered = true;
  if (attempt->result) return;  // its output is on its way to us
  collect_output(state, effects, now, *attempt, *event.finished);
}

// The node will not run it. Asked for (a recall), or because it cannot: that counts as a failed try.
void on_refused(State& state, Effects& effects, Now now, Node& node, const wire::Event& event) {
  if (find_attempt_at(state, node, event.id) == nullptr) return;
  wire::Finished result;
  result.outcome = wire::Outcome::start_failed;
  result.text = event.text;
  if (event.text == "revoked") return abandon_attempt(state, effects, now, event.id, "revoked");
  conclude(state, effects, now, event.id, result);
}

void on_gone(State& state, Effects& effects, Now now, Node& node, const wire::Event& event) {
  node.strays.erase(event.id);
  if (find_attempt_at(state, node, event.id) != nullptr) abandon_attempt(state, effects, now, event.id, "lost");
}

void on_event(State& state, Effects& effects, Now now, Node& node, const wire::Event& event) {
  switch (event.type) {
    case wire::EventType::taken:
      if (Attempt* attempt = find_attempt_at(state, node, event.id)) {
        attempt->answered = true;
      } else {
        disown(state, node, now, event.id);
      }
      return;
    case wire::EventType::returned:
      node.strays.erase(event.id);
      if (find_attempt_at(state, node, event.id)) abandon_attempt(state, effects, now, event.id, "recalled");
      return;
    case wire::EventType::refused:
      return on_refused(state, effects, now, node, event);
    case wire::EventType::gone:
      return on_gone(state, effects, now, node, event);
    case wire::EventType::started:
      return on_started(state, effects, now, node, event);
    case wire::EventType::output:
      mail_to(state, node).ack.push_back(event.number);
      if (Attempt* attempt = find_attempt_at(state, node, event.id)) {
        on_output_event(state, effects, now, *attempt, *event.output);
      }
      return;
    case wire::EventType::finished:
      return on_finished(state, effects, now, node, event);
  }
}

}  // namespace

void on_events(State& state, Effects& effects, Now now, Node& node, const wire::EventsMessage& message) {
  if (message.store != state.store) {
    ++state.stale_messages;
    return;
  }
  const auto& name = node.record.status.node;
  note_later_term(state, effects, name, message.store, message.term);
  note_later_session(state, effects, name, message.session);
  if (!state.gone_back.empty()) {
    ++state.stale_messages;  // a result too: it may be of another job that had the same number
    return;
  }
  const bool current = message.session != 0 && message.session == node.session;
  for (const auto& event : message.events) {
    if (current || event.type == wire::EventType::finished) {
      on_event(state, effects, now, node, event);
    } else {
      ++state.stale_messages;
    }
  }
}

}  // namespace bramble::aggregator
