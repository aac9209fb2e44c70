// What the node finds amiss with itself, on its way to the aggregator: once in each session, and when it has changed.
#include <utility>

#include "agent/core/internal.hpp"
#include "common/wire/codec.hpp"

namespace bramble::agent {

namespace {

std::vector<wire::Finding> all_findings(const State& state) {
  std::vector<wire::Finding> findings = *state.checkup.findings;
  if (state.warden.connected || findings.size() >= wire::kMaxFindings) return findings;
  findings.push_back({"warden", wire::FindingState::problem,
                      "the agent has no connection to it, and starts nothing: systemctl status bramble-warden"});
  return findings;
}

}  // namespace

void take_findings(State& state, Effects& effects, const Reading& reading) {
  CheckupState& checkup = state.checkup;
  if (std::exchange(checkup.with_warden, state.warden.connected) != state.warden.connected) checkup.said_in = 0;
  if (reading.findings && reading.findings != checkup.findings) {
    if (!checkup.findings || *checkup.findings != *reading.findings) checkup.said_in = 0;
    checkup.findings = reading.findings;
  }
  const SessionId session = state.session.id;
  if (!checkup.findings || state.link.phase != Link::Phase::up || session == 0 || checkup.said_in == session) return;
  checkup.said_in = session;
  effects.publish.push_back({state.topics.node(state.config.node, wire::NodeTopic::checkup),
                             wire::encode(wire::Checkup{session, all_findings(state)}), 1, false, false});
}

}  // namespace bramble::agent
