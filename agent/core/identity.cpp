// The node's certificate is renewed while it holds, over the connection that it has opened. The key never leaves the
// node.
#include "agent/core/internal.hpp"
#include "agent/core/reactor.hpp"
#include "common/wire/codec.hpp"

namespace bramble::agent {
namespace {

constexpr int64_t kAskAgainMs = 60'000;

void publish_request(const State& state, Effects& effects) {
  effects.publish.push_back({state.topics.node(state.config.node, wire::NodeTopic::certificate_request),
                             wire::encode(wire::CertificateRequest{state.identity.request_pem}), 1, false, false});
}

}  // namespace

// By the wall clock: one that was never set says that there is much time, and that is so until it is set.
void ask_for_certificate(State& state, Effects& effects, Now now) {
  Identity& identity = state.identity;
  const bool due = identity.renew_after && now.wall >= *identity.renew_after && now.mono >= identity.ask_at;
  if (!due || state.session.id == 0 || state.stopping) return;
  identity.ask_at = now.mono + kAskAgainMs;
  if (!identity.request_pem.empty()) return publish_request(state, effects);
  effects.make_certificate_request = true;
}

void on_certificate_request_made(State& state, Effects& effects, Now, const Result<std::string>& request_pem) {
  if (!request_pem) {
    return say_once(state, effects, "certificate request",
                    "the certificate ends soon and cannot be renewed: " + request_pem.error().message);
  }
  state.identity.request_pem = *request_pem;
  if (state.session.id != 0) publish_request(state, effects);
}

void handle_certificate(State& state, Effects& effects, wire::NewCertificate message) {
  if (state.identity.request_pem.empty()) return;  // not asked for, or said again
  if (!message.error.empty()) {
    return say_once(state, effects, "certificate",
                    "the aggregator does not renew this node's certificate: " + shortened(message.error, 300));
  }
  effects.take_certificate = std::move(message);
}

void on_certificate_taken(State& state, Effects& effects, Now, const Result<WallTime>& renew_after) {
  if (!renew_after) {
    return say_once(state, effects, "certificate",
                    "the new certificate cannot be used: " + shortened(renew_after.error().message, 300));
  }
  state.identity.renew_after = *renew_after;
  state.identity.request_pem.clear();
  effects.log.push_back("this node's certificate is renewed; the next connection uses it");
}

}  // namespace bramble::agent
