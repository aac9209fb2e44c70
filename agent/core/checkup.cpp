// What the node finds amiss with itself, on its way to the aggregator: once in each session, and when it has changed.
#include "agent/core/internal.hpp"
#include "common/wire/codec.hpp"

namespace bramble::agent {

void take_findings(State& state, Effects& effects, const Reading& reading) {
  CheckupState& checkup = state.checkup;
  if (reading.findings && reading.findings != checkup.findings) {
    if (!checkup.findings || *checkup.findings != *reading.findings) checkup.said_in = 0;
    checkup.findings = reading.findings;
  }
  const SessionId session = state.session.id;
  if (!checkup.findings || state.link.phase != Link::Phase::up || session == 0 || checkup.said_in == session) return;
  checkup.said_in = session;
  effects.publish.push_back({state.topics.node(state.config.node, wire::NodeTopic::checkup),
                             wire::encode(wire::Checkup{session, *checkup.findings}), 1, false, false});
}

}  // namespace bramble::agent
