// Nodes come with a certificate of the cluster's own authority, renew it, and are removed. The authority is an
// adapter's; who may ask what of it is decided here.
#include "aggregator/core/identities.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "aggregator/core/home_assistant.hpp"
#include "aggregator/core/internal.hpp"
#include "aggregator/core/power_internal.hpp"
#include "aggregator/core/reactor.hpp"
#include "common/base/node_set.hpp"

namespace bramble::aggregator {
namespace {

using nlohmann::json;

constexpr int64_t kCertificateAgainMs = 10'000;  // between two requests of a node that are passed on
constexpr size_t kMaxIdentityWaiters = 256;

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid:
      return 400;
    case ErrorCode::not_found:
      return 404;
    case ErrorCode::conflict:
    case ErrorCode::limit:
      return 409;
    case ErrorCode::denied:
      return 403;
    default:
      return 503;
  }
}

void ask_authority(State& state, Effects& effects, IdentityOp op) {
  op.number = state.last_identity_op;
  effects.identities.push_back(std::move(op));
}

std::optional<ApiReply> refuse_add(const State& state, const Caller& caller, const AddNodeRequest& request) {
  if (!caller.operator_) return refuse(403, "only an operator may add nodes");
  if (!is_valid_name(request.node)) {
    return refuse(400, "'" + request.node +
                           "' is not a name for a node: letters, digits, '-', '_' and '.', a letter or digit first, at "
                           "most 63");
  }
  if (state.config.node_broker_url.empty()) {
    return refuse(409,
                  "nodes on other machines cannot reach the broker: set node_listen = \"0.0.0.0:8883\" in "
                  "aggregator.toml and restart the aggregator (or node_broker_url, with a broker of your own)");
  }
  if (state.identity_waiters.size() >= kMaxIdentityWaiters)
    return refuse(503, "too many nodes are added at once: try again");
  return {};
}

size_t attempts_of(const Node& node) { return node.attempts.size() + node.lost_attempts.size(); }

std::optional<ApiReply> refuse_remove(State& state, const Caller& caller, const RemoveNodesRequest& request) {
  if (!caller.operator_) return refuse(403, "only an operator may remove nodes");
  for (const std::string& name : request.nodes) {
    const Node* node = find_node(state, name);
    if (node == nullptr || request.force || attempts_of(*node) == 0) continue;
    return refuse(409, "node " + name + " has " + std::to_string(attempts_of(*node)) +
                           " tasks: drain it first (bramble node drain " + name +
                           "), or --force if it is gone for good: they then run elsewhere");
  }
  if (state.identity_waiters.size() >= kMaxIdentityWaiters) {
    return refuse(503, "too many nodes are removed at once: try again");
  }
  return {};
}

// A person says that what it had does not run any more.
void abandon_all(State& state, Effects& effects, Now now, const Node& node) {
  std::vector<AttemptKey> keys(node.attempts.begin(), node.attempts.end());
  keys.insert(keys.end(), node.lost_attempts.begin(), node.lost_attempts.end());
  std::sort(keys.begin(), keys.end());
  for (const AttemptKey& key : keys) {
    if (state.attempts.contains(key)) abandon_attempt(state, effects, now, key, "node removed");
  }
}

void clear_retained(const State& state, Effects& effects, const Node& node) {
  const std::string& name = node.record.status.node;
  effects.publish.push_back({state.topics.node(name, wire::NodeTopic::status), "", 1, true});
  if (!node.announced.empty()) withdraw_device(state, effects, name);
}

// Its place stays, empty, for the next node that comes: attempts name nodes by their place.
void forget_node(State& state, Effects& effects, Now now, const std::string& name) {
  Node* node = find_node(state, name);
  if (node == nullptr) return;
  abandon_all(state, effects, now, *node);
  clear_retained(state, effects, *node);
  state.blob_places.forget(state.node_by_name.at(name));
  state.blob_groups.forget(state.node_by_name.at(name));
  state.node_by_name.erase(name);
  const bool has_mail = node->has_mail;  // its place in the list of the step
  *node = Node{};
  node->has_mail = has_mail;
  node->removed = true;
  node->state = NodeState::stopped;
  effects.writes.push_back(RemoveNode{name});
}

void note_failure(const State& state, IdentityWaiter& waiter, const IdentityReport& report) {
  const bool unknown =
      report.kind == IdentityOp::Kind::remove && !report.had_one && !state.node_by_name.contains(report.node);
  if (!report.error && !unknown) return;
  if (waiter.failed.empty()) {
    waiter.http_status = report.error ? status_of(report.error->code) : 404;
    waiter.error = report.error ? report.error->message : "there is no node " + report.node;
  }
  waiter.failed.insert(report.node);
}

void answer_add(Effects& effects, IdentityWaiter& waiter, const IdentityReport& report) {
  ApiReply reply;
  if (report.error) {
    reply = refuse(waiter.http_status, waiter.error);
  } else {
    reply.body = json{{"node", report.node}, {"join", report.text}, {"not_after_ms", report.not_after.ms}}.dump();
  }
  effects.replies.push_back({std::move(waiter.reply), std::move(reply)});
}

void finish_remove(State& state, Effects& effects, Now now, IdentityWaiter& waiter) {
  std::vector<std::string> removed;
  for (const std::string& name : waiter.nodes) {
    if (waiter.failed.contains(name)) continue;
    audit(state, effects, now, waiter.user, name, "removed", waiter.reason, "");
    forget_node(state, effects, now, name);
    removed.push_back(name);
  }
  state.schedule_needed = true;
  if (!removed.empty()) effects.info(fold_node_set(removed) + " removed by " + waiter.user);
  ApiReply reply{200, json{{"nodes", removed}}.dump(), {}};
  if (!waiter.failed.empty()) {
    const std::string others = removed.empty() ? "" : "; removed: " + fold_node_set(removed);
    reply = refuse(waiter.http_status, waiter.error + others);
  }
  effects.replies.push_back({std::move(waiter.reply), std::move(reply)});
}

void tell_renewed(State& state, Effects& effects, Now now, const IdentityReport& report) {
  if (!state.node_by_name.contains(report.node)) return;
  const wire::NewCertificate message{report.text, report.renew_after.ms, report.error ? report.error->message : ""};
  effects.publish.push_back(
      {state.topics.node(report.node, wire::NodeTopic::certificate), wire::encode(message), 1, false, 60});
  if (report.error) return effects.warn("no new certificate for node " + report.node + ": " + report.error->message);
  audit(state, effects, now, kAutomation, report.node, "certificate renewed", "the old one ends", "");
}

}  // namespace

void add_node(State& state, Effects& effects, const Caller& caller, const AddNodeRequest& request, ReplyHandler reply) {
  if (auto refused = refuse_add(state, caller, request)) {
    effects.replies.push_back({std::move(reply), std::move(*refused)});
    return;
  }
  const uint64_t number = ++state.last_identity_op;
  state.identity_waiters[number] = {std::move(reply), {request.node}, caller.user, {}, 1, {}, 200, {}};
  ask_authority(state, effects, {.kind = IdentityOp::Kind::add, .node = request.node, .replace = request.replace});
}

void remove_nodes(State& state, Effects& effects, const Caller& caller, const RemoveNodesRequest& request,
                  ReplyHandler reply) {
  if (auto refused = refuse_remove(state, caller, request)) {
    effects.replies.push_back({std::move(reply), std::move(*refused)});
    return;
  }
  const uint64_t number = ++state.last_identity_op;
  state.identity_waiters[number] = {
      std::move(reply), request.nodes, caller.user, request.reason, request.nodes.size(), {}, 200, {}};
  for (const std::string& node : request.nodes) {
    ask_authority(state, effects, {.kind = IdentityOp::Kind::remove, .node = node});
  }
}

void on_certificate_request(State& state, Effects& effects, Now now, const std::string& name,
                            const wire::CertificateRequest& request) {
  Node* node = find_node(state, name);
  if (node == nullptr || node->foreign) return;
  if (node->certificate_asked && now.mono - *node->certificate_asked < kCertificateAgainMs) return;
  node->certificate_asked = now.mono;
  ++state.last_identity_op;
  ask_authority(state, effects, {.kind = IdentityOp::Kind::renew, .node = name, .request_pem = request.request_pem});
}

void on_identity(State& state, Effects& effects, Now now, const IdentityReport& report) {
  if (report.kind == IdentityOp::Kind::renew) return tell_renewed(state, effects, now, report);
  const auto found = state.identity_waiters.find(report.number);
  if (found == state.identity_waiters.end()) return;
  IdentityWaiter& waiter = found->second;
  note_failure(state, waiter, report);
  if (--waiter.open > 0) return;
  if (report.kind == IdentityOp::Kind::add) {
    if (!report.error) audit(state, effects, now, waiter.user, report.node, "added", "", "");
    answer_add(effects, waiter, report);
  } else {
    finish_remove(state, effects, now, waiter);
  }
  state.identity_waiters.erase(found);
}

}  // namespace bramble::aggregator
