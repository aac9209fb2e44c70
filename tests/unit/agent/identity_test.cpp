// The node's certificate is renewed before it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/duration.hpp"
#include "support/agent_harness.hpp"

namespace bramble::agent::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Config joined(int64_t renew_in_ms) {
  Config config = test_config();
  config.renew_certificate_after = WallTime{1'700'000'000'000 + renew_in_ms};
  return config;
}

class IdentityTest : public ::testing::Test {
 protected:
  static void make_request(AgentHarness& agent, const Result<std::string>& request) {
    EXPECT_TRUE(std::exchange(agent.make_certificate_request, false));
    agent.step([&](Effects& effects) { on_certificate_request_made(agent.state, effects, agent.now, request); });
  }
  static void answer(AgentHarness& agent, const wire::NewCertificate& message) {
    agent.message(agent.state.topics.node("pi01", wire::NodeTopic::certificate), wire::encode(message));
  }
  static void take(AgentHarness& agent, const Result<WallTime>& renew_after) {
    EXPECT_TRUE(std::exchange(agent.take_certificate, {}));
    agent.step([&](Effects& effects) { on_certificate_taken(agent.state, effects, agent.now, renew_after); });
  }
  static std::vector<wire::CertificateRequest> requests(AgentHarness& agent) {
    return agent.take<wire::CertificateRequest>(wire::NodeTopic::certificate_request);
  }
};

TEST_F(IdentityTest, AsksForACertificateWhenItIsTime) {
  AgentHarness agent(joined(5000));
  agent.make_ready();
  agent.advance(4000);
  EXPECT_FALSE(agent.make_certificate_request);
  agent.advance(2000);
  make_request(agent, std::string("PEM"));
  EXPECT_THAT(requests(agent), ElementsAre(wire::CertificateRequest{"PEM"}));
  answer(agent, {"certificate", 42, ""});
  ASSERT_TRUE(agent.take_certificate);
  EXPECT_EQ(agent.take_certificate->certificate_pem, "certificate");
  take(agent, WallTime{agent.now.wall.ms + kDayMs});
  EXPECT_THAT(agent.take_log(), ElementsAre(HasSubstr("renewed")));
  agent.advance(300'000);
  EXPECT_FALSE(agent.make_certificate_request);
  agent.take<wire::Beat>(wire::NodeTopic::beat);
  agent.read_sensors = false;
}

TEST_F(IdentityTest, SaysTheSameRequestAgainUntilACertificateComes) {
  AgentHarness agent(joined(0));
  agent.make_ready();
  agent.advance(1);
  make_request(agent, std::string("PEM"));
  EXPECT_THAT(requests(agent), ElementsAre(wire::CertificateRequest{"PEM"}));
  agent.advance(59'000);
  EXPECT_THAT(requests(agent), IsEmpty());
  agent.advance(1500);
  EXPECT_THAT(requests(agent), ElementsAre(wire::CertificateRequest{"PEM"}));
}

TEST_F(IdentityTest, ACertificateThatWasNotAskedForIsNotTaken) {
  AgentHarness agent(joined(kDayMs));
  agent.make_ready();
  answer(agent, {"certificate", 42, ""});
  EXPECT_FALSE(agent.take_certificate);
}

TEST_F(IdentityTest, ACertificateThatCannotBeUsedIsToldAndAskedForAgain) {
  AgentHarness agent(joined(0));
  agent.make_ready();
  agent.advance(1);
  make_request(agent, std::string("PEM"));
  requests(agent);
  answer(agent, {"certificate", 42, ""});
  take(agent, fail("it is another one's"));
  EXPECT_THAT(agent.take_log(), ElementsAre(HasSubstr("another one's")));
  agent.advance(61'000);
  EXPECT_THAT(requests(agent), ElementsAre(wire::CertificateRequest{"PEM"}));
}

TEST_F(IdentityTest, ARefusalIsToldOnce) {
  AgentHarness agent(joined(0));
  agent.make_ready();
  agent.advance(1);
  make_request(agent, std::string("PEM"));
  requests(agent);
  for (int i = 0; i < 3; ++i) answer(agent, {"", 0, "it was removed"});
  EXPECT_THAT(agent.take_log(), ElementsAre(HasSubstr("it was removed")));
}

TEST_F(IdentityTest, ANodeWithoutACertificateAsksForNone) {
  AgentHarness agent;
  agent.make_ready();
  agent.advance(1000);
  EXPECT_FALSE(agent.make_certificate_request);
}

TEST_F(IdentityTest, AClockThatWasNeverSetAsksForNothingYet) {
  AgentHarness agent(joined(5000));
  agent.now.wall = {60'000};  // 1970
  agent.make_ready();
  agent.advance(10'000);
  EXPECT_FALSE(agent.make_certificate_request);
  agent.now.wall = {1'700'000'010'000};  // it is set
  agent.advance(1000);
  make_request(agent, std::string("PEM"));
  requests(agent);
}

}  // namespace
}  // namespace bramble::agent::testing
