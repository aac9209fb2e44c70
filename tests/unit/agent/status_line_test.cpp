#include "agent/core/status_line.hpp"

#include "support/agent_harness.hpp"

namespace bramble::agent::testing {
namespace {

TEST(AgentStatusLine, TellsWhomItHasReached) {
  AgentHarness h;
  EXPECT_EQ(status_line(h.state), "the broker is not reached, trying, no warden: is bramble-warden.service up?");
  h.connect_warden();
  h.connect_broker();
  EXPECT_EQ(status_line(h.state), "connected to the broker, not yet welcomed by an aggregator, 0 of 2 slots busy");
}

TEST(AgentStatusLine, CountsBusySlotsAndResultsThatNobodyHasTaken) {
  AgentHarness h;
  h.make_ready();
  h.run({1, 0, 1});
  EXPECT_EQ(status_line(h.state), "welcomed by the aggregator, 1 of 2 slots busy");
  h.report(h.exited({1, 0, 1}));
  EXPECT_EQ(status_line(h.state), "welcomed by the aggregator, 0 of 2 slots busy, 1 result unsent");
  h.take_event_types();
}

}  // namespace
}  // namespace bramble::agent::testing
