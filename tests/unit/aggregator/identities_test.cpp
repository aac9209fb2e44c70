// Nodes that are added, that renew their certificates, and that are removed.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const Caller kOperator{"root", true};
const Caller kStudent{"ada", false};

Config joinable() {
  Config config;
  config.node_broker_url = "ssl://head.local:8883";
  return config;
}

void answer(Harness& cluster, IdentityReport report) {
  cluster.step([&](Effects& effects) { on_identity(cluster.state(), effects, cluster.now(), report); });
}

// The authority does what was asked.
void grant(Harness& cluster, bool had_one = true) {
  for (const IdentityOp& op : cluster.take_identities()) {
    IdentityReport report{.number = op.number, .kind = op.kind, .node = op.node};
    report.text = "text for " + op.node;
    report.not_after = {5};
    report.renew_after = {3};
    report.had_one = had_one;
    answer(cluster, report);
  }
}

AttemptKey launch_on(Harness& cluster, const std::string& node, JobSpec spec = {}) {
  const JobId job = cluster.submit({0, 0, 1}, std::move(spec));
  const auto message = cluster.take(node);
  EXPECT_THAT(message.launch, SizeIs(1));
  cluster.event(node, Harness::started({job, 0, 1}));
  cluster.drop_messages();
  return {job, 0, 1};
}

TEST(Identities, ANodeIsAddedWhenTheAuthorityHasItsCertificate) {
  Harness cluster({}, joinable());
  cluster.ask(AddNodeRequest{"pi07", false}, kOperator);
  EXPECT_FALSE(cluster.has_reply());
  grant(cluster);
  const auto reply = cluster.take_reply();
  EXPECT_EQ(reply.http_status, 200);
  EXPECT_EQ(nlohmann::json::parse(reply.body)["join"], "text for pi07");
  EXPECT_EQ(cluster.writes_of<AddAudit>().back().audit.action, "added");
  EXPECT_EQ(cluster.writes_of<AddAudit>().back().audit.who, "root");
}

TEST(Identities, OnlyAnOperatorAddsAndRemoves) {
  Harness cluster({}, joinable());
  cluster.ask(AddNodeRequest{"pi07", false}, kStudent);
  EXPECT_EQ(cluster.take_reply().http_status, 403);
  cluster.ask(RemoveNodesRequest{{"pi07"}, false, ""}, kStudent);
  EXPECT_EQ(cluster.take_reply().http_status, 403);
  EXPECT_THAT(cluster.take_identities(), IsEmpty());
}

TEST(Identities, ANameThatIsNoTopicOfItsOwnIsRefused) {
  Harness cluster({}, joinable());
  for (const char* const name : {"", "+", "a/b", "pi 07", "bramble:head"}) {
    cluster.ask(AddNodeRequest{name, false}, kOperator);
    EXPECT_EQ(cluster.take_reply().http_status, 400) << name;
  }
}

TEST(Identities, WithoutAWayForNodesNoneIsAdded) {
  Harness cluster;
  cluster.ask(AddNodeRequest{"pi07", false}, kOperator);
  const auto reply = cluster.take_reply();
  EXPECT_EQ(reply.http_status, 409);
  EXPECT_THAT(reply.body, HasSubstr("node_listen"));
}

TEST(Identities, WhatTheAuthorityRefusesIsToldAndNotAudited) {
  Harness cluster({}, joinable());
  cluster.ask(AddNodeRequest{"pi07", false}, kOperator);
  const auto ops = cluster.take_identities();
  ASSERT_THAT(ops, SizeIs(1));
  IdentityReport report{.number = ops[0].number, .kind = ops[0].kind, .node = "pi07"};
  report.error = Error{ErrorCode::conflict, "it has one"};
  answer(cluster, report);
  const auto reply = cluster.take_reply();
  EXPECT_EQ(reply.http_status, 409);
  EXPECT_THAT(reply.body, HasSubstr("it has one"));
  EXPECT_THAT(cluster.writes_of<AddAudit>(), IsEmpty());
}

TEST(Identities, ARemovedNodeIsForgottenAndItsRetainedStatusCleared) {
  Harness cluster({}, joinable());
  cluster.connect();
  cluster.join("pi1");
  cluster.join("pi2");
  cluster.ask(RemoveNodesRequest{{"pi1"}, false, "sold"}, kOperator);
  grant(cluster);
  EXPECT_EQ(cluster.take_reply().http_status, 200);
  EXPECT_FALSE(cluster.state().node_by_name.contains("pi1"));
  EXPECT_EQ(cluster.writes_of<RemoveNode>().back().node, "pi1");
  EXPECT_THAT(cluster.take_cleared(), ElementsAre("bramble/bramble/node/pi1/status"));
  EXPECT_EQ(cluster.writes_of<AddAudit>().back().audit.why, "sold");
  EXPECT_EQ(nodes_json(cluster.state(), cluster.now()).find("pi1"), std::string::npos);
  cluster.pass(20'000, {"pi2"});
  launch_on(cluster, "pi2");
}

TEST(Identities, ThePlaceOfARemovedNodeIsTakenByTheNextOne) {
  Harness cluster({}, joinable());
  cluster.connect();
  cluster.join("pi1");
  cluster.join("pi2");
  cluster.ask(RemoveNodesRequest{{"pi1"}, false, ""}, kOperator);
  grant(cluster);
  cluster.take_reply();
  cluster.take_cleared();
  cluster.join("pi3");
  EXPECT_EQ(cluster.state().nodes.size(), 2U);
  EXPECT_EQ(cluster.node_state("pi3"), NodeState::on);
}

TEST(Identities, ANodeWithTasksIsNotRemovedUnasked) {
  Harness cluster({}, joinable());
  cluster.connect();
  cluster.join("pi1");
  launch_on(cluster, "pi1");
  cluster.ask(RemoveNodesRequest{{"pi1"}, false, ""}, kOperator);
  const auto reply = cluster.take_reply();
  EXPECT_EQ(reply.http_status, 409);
  EXPECT_THAT(reply.body, HasSubstr("drain"));
  EXPECT_THAT(cluster.take_identities(), IsEmpty());
}

TEST(Identities, ByForceTheTasksOfARemovedNodeRunElsewhere) {
  for (const NodeLossPolicy policy : {NodeLossPolicy::rerun, NodeLossPolicy::fence}) {
    Harness cluster({}, joinable());
    cluster.connect();
    cluster.join("pi1");
    JobSpec spec;
    spec.on_node_loss = policy;
    const AttemptKey first = launch_on(cluster, "pi1", spec);
    cluster.join("pi2");
    cluster.ask(RemoveNodesRequest{{"pi1"}, true, ""}, kOperator);
    grant(cluster);
    EXPECT_EQ(cluster.take_reply().http_status, 200);
    cluster.take_cleared();
    const auto message = cluster.take("pi2");
    ASSERT_THAT(message.launch, SizeIs(1));
    EXPECT_EQ(message.launch[0].id, (AttemptKey{first.job, 0, 2}));
    cluster.take_files();  // the first attempt's output goes
    cluster.drop_messages();
  }
}

TEST(Identities, ANodeThatWasAddedAndNeverCameCanBeRemoved) {
  Harness cluster({}, joinable());
  cluster.ask(RemoveNodesRequest{{"pi07"}, false, ""}, kOperator);
  grant(cluster, true);
  EXPECT_EQ(cluster.take_reply().http_status, 200);
}

TEST(Identities, WhoIsNeitherKnownNorHasACertificateIsNamed) {
  Harness cluster({}, joinable());
  cluster.connect();
  cluster.join("pi1");
  cluster.ask(RemoveNodesRequest{{"pi1", "pi99"}, false, ""}, kOperator);
  for (const IdentityOp& op : cluster.take_identities()) {
    IdentityReport report{.number = op.number, .kind = op.kind, .node = op.node};
    report.had_one = op.node == "pi1";
    answer(cluster, report);
  }
  const auto reply = cluster.take_reply();
  EXPECT_EQ(reply.http_status, 404);
  EXPECT_THAT(reply.body, HasSubstr("there is no node pi99; removed: pi1"));
  EXPECT_FALSE(cluster.state().node_by_name.contains("pi1"));
  cluster.take_cleared();
}

TEST(Identities, ANodeGetsTheCertificateThatItAsksForUnderItsOwnName) {
  Harness cluster({}, joinable());
  cluster.connect();
  cluster.join("pi1");
  cluster.say("pi1", wire::NodeTopic::certificate_request, wire::CertificateRequest{"PEM"});
  const auto ops = cluster.take_identities();
  ASSERT_THAT(ops, SizeIs(1));
  EXPECT_EQ(ops[0].kind, IdentityOp::Kind::renew);
  EXPECT_EQ(ops[0].node, "pi1");
  EXPECT_EQ(ops[0].request_pem, "PEM");
  IdentityReport report{.number = ops[0].number, .kind = ops[0].kind, .node = "pi1"};
  report.text = "certificate";
  report.renew_after = {77};
  answer(cluster, report);
  EXPECT_THAT(cluster.take_certificates(), ElementsAre(wire::NewCertificate{"certificate", 77, ""}));
}

TEST(Identities, ANodeThatAsksWithoutEndIsPassedOnOnceInAWhile) {
  Harness cluster({}, joinable());
  cluster.connect();
  cluster.join("pi1");
  for (int i = 0; i < 5; ++i) {
    cluster.say("pi1", wire::NodeTopic::certificate_request, wire::CertificateRequest{"PEM"});
  }
  EXPECT_THAT(cluster.take_identities(), SizeIs(1));
  cluster.pass(10'000, {"pi1"});
  cluster.say("pi1", wire::NodeTopic::certificate_request, wire::CertificateRequest{"PEM"});
  EXPECT_THAT(cluster.take_identities(), SizeIs(1));
}

TEST(Identities, AnUnknownNodeGetsNoCertificate) {
  Harness cluster({}, joinable());
  cluster.connect();
  cluster.say("pi9", wire::NodeTopic::certificate_request, wire::CertificateRequest{"PEM"});
  EXPECT_THAT(cluster.take_identities(), IsEmpty());
}

}  // namespace
}  // namespace bramble::aggregator::test
