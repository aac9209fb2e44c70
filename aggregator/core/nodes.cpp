// Nodes: identity, sessions, silence.
#include <algorithm>

#include "aggregator/core/internal.hpp"
#include "aggregator/core/reactor.hpp"

namespace bramble::aggregator {

std::string_view to_string(NodeState state) {
  switch (state) {
    case NodeState::unknown:
      return "unknown";
    case NodeState::joining:
      return "joining";
    case NodeState::on:
      return "on";
    case NodeState::silent:
      return "silent";
    case NodeState::lost:
      return "lost";
    case NodeState::stopped:
      return "stopped";
  }
  return "unknown";
}

Node* find_node(State& state, const std::string& name) {
  const auto found = state.node_by_name.find(name);
  return found == state.node_by_name.end() ? nullptr : &state.nodes[found->second];
}

bool is_schedulable(const Node& node) {
  return node.state == NodeState::on && !node.record.drained && !node.power_leaves &&
         !(node.beat && node.beat->spool_full);
}

namespace {

// That of a node that was removed, or a new one.
Node& free_place(State& state) {
  const auto free = std::find_if(state.nodes.begin(), state.nodes.end(), [](const Node& node) { return node.removed; });
  if (free == state.nodes.end()) return state.nodes.emplace_back();
  const bool has_mail = free->has_mail;  // it stands in the list of the step
  *free = Node{};
  free->has_mail = has_mail;
  return *free;
}

Node* find_or_add_node(State& state, Effects& effects, Now now, const std::string& name) {
  if (Node* known = find_node(state, name)) return known;
  if (state.node_by_name.size() >= state.config.max_nodes) {
    effects.warn("node " + name + " is not admitted: there are " + std::to_string(state.node_by_name.size()) +
                 " already");
    return nullptr;
  }
  Node& node = free_place(state);
  state.node_by_name[name] = static_cast<NodeIndex>(&node - state.nodes.data());
  node.record.status.node = name;
  node.record.first_seen = now.wall;
  return &node;
}

bool is_live(const State& state, const Node& node, Now now) {
  return node.session != 0 && node.heard && now.mono - *node.heard <= state.config.silent_ms;
}

// Two agents under one name, as from a cloned card: the one that was here first stays.
bool is_second_agent(const State& state, const Node& node, const wire::NodeStatus& status, Now now) {
  return !node.record.status.agent_id.empty() && status.agent_id != node.record.status.agent_id &&
         is_live(state, node, now);
}

void refuse_second_agent(State& state, Effects& effects, Node& node, const wire::NodeStatus& status) {
  const auto& first = node.record.status;
  const std::string why = "the name " + first.node + " is taken by agent " + first.agent_id + " (machine " +
                          first.machine_id + "); this is agent " + status.agent_id + " (machine " + status.machine_id +
                          "): give one of them another name";
  mail_to(state, node).refusal = wire::Refusal{status.agent_id, why};
  effects.warn("refused a second agent: " + why);
}

// Of another protocol nothing that it says or hears would be sure to mean the same.
void refuse_protocol(State& state, Effects& effects, Node& node, const wire::NodeStatus& status) {
  const bool agent_is_older = status.protocol < wire::kProtocolVersion;
  const std::string why = "the agent of " + status.node + " is bramble " + status.version + " (protocol " +
                          std::to_string(status.protocol) + "), the aggregator " + state.config.version +
                          " (protocol " + std::to_string(wire::kProtocolVersion) + "): upgrade the " +
                          (agent_is_older ? "agent" : "aggregator");
  mail_to(state, node).refusal = wire::Refusal{status.agent_id, why};
  effects.warn("refused: " + why);
}

// One protocol, two versions: they understand each other, and what one lacks is known.
std::string version_note(const State& state, const wire::NodeStatus& status) {
  if (status.version == state.config.version) return "";
  return " (bramble " + status.version + "; this aggregator is " + state.config.version + ")";
}

wire::Welcome make_welcome(const State& state, const Node& node) {
  const auto& status = node.record.status;
  return {status.agent_id,           status.boot_id,   status.counter, node.inventory.nonce, state.config.beat_ms,
          state.config.telemetry_ms, node.record.power};
}

void grant_session(State& state, Effects& effects, Now now, Node& node) {
  node.session = ++state.last_session;
  node.state = NodeState::joining;
  node.welcomed = now.mono;
  node.inventory = {};
  const auto index = static_cast<NodeIndex>(&node - state.nodes.data());
  state.blob_places.forget(index);  // it tells anew
  state.blob_groups.forget(index);
  node.inventory.nonce = (state.term << 32) | ++state.last_nonce;
  mail_to(state, node) = {};  // what was gathered for the old session says nothing to the new one
  mail_to(state, node).welcome = make_welcome(state, node);
  effects.writes.push_back(PutSession{node.session});
}

// A new boot of the same machine proves that everything of the old boot is dead, but for results that wait on its disk:
// the inventory tells. Another machine under the name proves nothing. A node that said goodbye was stopped on purpose,
// and one that went down before our own start may have done so with all others: no task is blamed for either.
void note_change_of_boot(State& state, Node& node, bool same_agent) {
  const bool unexpected = same_agent && node.state != NodeState::stopped && node.heard;
  for (const auto* keys : {&node.attempts, &node.lost_attempts}) {
    for (const auto& key : *keys) {
      Attempt& attempt = state.attempts.at(key);
      if (same_agent) {
        attempt.rebooted = true;
        attempt.crashed |= unexpected && attempt.running;
      } else if (!attempt.orphan) {
        attempt.orphan = true;
        attempt.own_heard = node.heard.value_or(state.started);
      }
    }
  }
  node.strays.clear();
}

bool is_same_birth(const wire::NodeStatus& known, const wire::NodeStatus& status) {
  return known.agent_id == status.agent_id && known.boot_id == status.boot_id && known.counter == status.counter;
}

// A birth that is said again while its welcome is on its way: a new session would let that come too late for ever.
bool is_being_welcomed(const Node& node, const wire::NodeStatus& status) {
  return node.state == NodeState::joining && is_same_birth(node.record.status, status);
}

// A node's warden was started again and has, or has lost, something: no reason for a new session.
void note_containment(State& state, Effects& effects, Node& node, const wire::NodeStatus& status) {
  auto& known = node.record.status;
  if (known.containment == status.containment && known.revision == status.revision) return;
  known.containment = status.containment;
  known.revision = status.revision;
  effects.writes.push_back(PutNode{node.record});
  state.schedule_needed = true;
}

void on_birth(State& state, Effects& effects, Now now, Node& node, const wire::NodeStatus& status) {
  auto& known = node.record.status;
  const bool same_agent = known.agent_id == status.agent_id;
  if (same_agent && status.counter < known.counter) {
    ++state.stale_messages;  // an old birth that came late
    return;
  }
  if (is_being_welcomed(node, status)) {
    note_containment(state, effects, node, status);
    mail_to(state, node).welcome = make_welcome(state, node);
    return;
  }
  const bool is_news = known.containment != status.containment || known.revision != status.revision;
  const bool only_news =
      node.state == NodeState::on && is_same_birth(known, status) && is_news && status.session == node.session;
  if (only_news) return note_containment(state, effects, node, status);
  const bool changed = !known.boot_id.empty() && (!same_agent || known.boot_id != status.boot_id);
  if (changed) note_change_of_boot(state, node, same_agent);
  node.record.status = status;
  node.record.last_seen = now.wall;
  node.heard = now.mono;
  node.beat.reset();  // what an earlier run told of itself is over
  grant_session(state, effects, now, node);
  if (!same_agent) node.record.agent_session = node.session;
  if (changed || !same_agent) node.record.boot_session = node.session;
  effects.writes.push_back(PutNode{node.record});
  effects.info("node " + status.node + " came, session " + std::to_string(node.session) + version_note(state, status));
}

void on_farewell(State& state, Effects& effects, Now now, Node& node, const wire::NodeStatus& status) {
  const auto& known = node.record.status;
  if (status.agent_id != known.agent_id || status.counter != known.counter || node.session == 0) {
    ++state.stale_messages;  // a late will must not mark a reborn node
    return;
  }
  if (status.reason != "goodbye") return;  // torn away: silence will tell
  node.state = NodeState::stopped;
  node.session = 0;
  node.record.status.online = false;
  node.record.status.reason = status.reason;
  node.record.last_seen = now.wall;
  effects.writes.push_back(PutNode{node.record});
  effects.info("node " + known.node + " said goodbye");
}

}  // namespace

void note_gone_back(State& state, Effects& effects, const std::string& sign) {
  if (!state.gone_back.empty()) return;
  state.gone_back = "this aggregator's database is an old copy, or a second aggregator uses it: " + sign +
                    "; nothing is started or taken in. If no other aggregator uses this store, stop this one, run "
                    "bramble-aggregator --renew-store once and start it again";
  effects.warn(state.gone_back);
}

void note_later_session(State& state, Effects& effects, const std::string& node, SessionId session) {
  if (session <= state.last_session) return;
  note_gone_back(state, effects,
                 "node " + node + " has session " + std::to_string(session) + ", the last that this one granted is " +
                     std::to_string(state.last_session));
}

bool note_later_term(State& state, Effects& effects, const std::string& node, const StoreId& store, TermId term) {
  if (store != state.store || term <= state.term) return false;
  note_gone_back(state, effects,
                 "node " + node + " has seen term " + std::to_string(term) + " of store " + store + ", this is " +
                     std::to_string(state.term));
  return true;
}

namespace {

bool note_later_life(State& state, Effects& effects, const std::string& name, const wire::NodeStatus& status) {
  note_later_term(state, effects, name, status.store, status.term);
  if (status.store == state.store) note_later_session(state, effects, name, status.session);
  return !state.gone_back.empty();
}

// Joined to another aggregator's store: it would not obey us.
bool is_foreign(State& state, Effects& effects, Node& node, const wire::NodeStatus& status) {
  const bool was_foreign = node.foreign;
  node.foreign = !status.store.empty() && status.store != state.store;
  if (!node.foreign) return false;
  node.session = 0;
  if (!was_foreign) {
    effects.warn("node " + status.node + " belongs to another aggregator (store " + status.store +
                 "): to have it here, stop its agent, remove agent.state from its state directory and start it again");
  }
  return true;
}

}  // namespace

void on_status(State& state, Effects& effects, Now now, const std::string& name, const wire::NodeStatus& status) {
  if (status.node != name) {
    ++state.malformed_messages;
    effects.warn("dropped the status of a node that calls itself " + status.node + " on the topic of " + name);
    return;
  }
  if (!status.online) {
    if (Node* node = find_node(state, name)) on_farewell(state, effects, now, *node, status);
    return;
  }
  Node* node = find_or_add_node(state, effects, now, name);
  if (node == nullptr || note_later_life(state, effects, name, status)) return;
  if (status.protocol != wire::kProtocolVersion) return refuse_protocol(state, effects, *node, status);
  if (is_foreign(state, effects, *node, status)) return;
  if (is_second_agent(state, *node, status, now)) return refuse_second_agent(state, effects, *node, status);
  on_birth(state, effects, now, *node, status);
}

// A welcome brings the coefficients. It is one of a new session, for such a welcome is repeated until it is answered.
// A node that is away hears of them when it comes.
void calibrate(State& state, Effects& effects, Now now, Node& node, const std::optional<wire::PowerModel>& power) {
  if (node.record.power == power) return;
  node.record.power = power;
  if (node.state == NodeState::on || node.state == NodeState::joining) grant_session(state, effects, now, node);
  effects.writes.push_back(PutNode{node.record});
}

void on_beat(State& state, Effects& effects, Now now, const std::string& name, const wire::Beat& beat) {
  ++state.beats;
  Node* node = find_or_add_node(state, effects, now, name);
  if (node == nullptr || node->foreign) return;
  if (beat.session != 0 && beat.session == node->session) {
    node->heard = now.mono;
    if (node->beat && node->beat->spool_full && !beat.spool_full) state.schedule_needed = true;
    node->beat = beat;
    mail_to(state, *node).echo = wire::Echo{beat.number, beat.sent_ms};
    if (beat.revision != node->record.status.revision) mail_to(state, *node).ask_status = true;  // that one was lost
    if (node->state == NodeState::silent || node->state == NodeState::lost) {
      grant_session(state, effects, now, *node);  // what it still has is told by a fresh inventory
    } else if (node->state == NodeState::joining && now.mono - *node->welcomed >= state.config.resend_ms) {
      node->welcomed = now.mono;
      mail_to(state, *node).welcome = make_welcome(state, *node);
    }
    return;
  }
  ++state.stale_messages;
  // Beside a live agent with the right session this is another one of the same name; its birth is dealt with.
  if (node->state != NodeState::joining && is_live(state, *node, now)) return;
  if (node->welcomed && now.mono - *node->welcomed < state.config.resend_ms) return;
  mail_to(state, *node).ask_status = true;  // our idea of who it is may be old
  if (node->record.status.agent_id.empty()) {
    node->welcomed = now.mono;
    node->record.status.node = name;
  } else if (node->state == NodeState::joining) {
    node->welcomed = now.mono;
    mail_to(state, *node).welcome = make_welcome(state, *node);
  } else {
    grant_session(state, effects, now, *node);
    mail_to(state, *node).ask_status = true;
  }
}

void watch_silence(State& state, Effects& effects, Now now) {
  if (!state.connected) return;
  for (Node& node : state.nodes) {
    if (node.state == NodeState::lost || (node.attempts.empty() && node.session == 0)) continue;
    const MonoTime since = std::max(node.heard.value_or(MonoTime{}), state.trusted_since);
    const int64_t silence_ms = now.mono - since;
    if (silence_ms <= state.config.silent_ms) continue;
    if (node.state != NodeState::silent && node.state != NodeState::stopped) fall_silent(state, effects, node);
    if (silence_ms > state.config.loss_ms) lose_attempts(state, effects, now, node);
  }
}

}  // namespace bramble::aggregator
