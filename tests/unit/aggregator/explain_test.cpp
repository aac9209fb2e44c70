#include "aggregator/core/explain.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Explain : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster.connect();
    cluster.pass(3000);
  }

  void TearDown() override { cluster.drop_messages(); }

  std::string word(JobId job, TaskIndex task = 0) {
    const auto found = explain_task(cluster.state(), cluster.now(), {job, task});
    text = found ? found->reason.text : "";
    detail = found ? found->reason.detail : "";
    return found ? found->reason.word : "ended";
  }

  static JobSpec spec(uint32_t cpus = 1, uint64_t memory_bytes = 0) {
    JobSpec spec;
    spec.task.cpus = cpus;
    spec.task.memory_bytes = memory_bytes;
    return spec;
  }

  AttemptKey start(const std::string& node, JobId job) {
    const AttemptKey id{job, 0, 1};
    cluster.event(node, Harness::started(id));
    return id;
  }

  Harness cluster;
  std::string text;
  std::string detail;
};

TEST_F(Explain, NoNodeHasCome) {
  const JobId job = cluster.submit();
  EXPECT_EQ(word(job), "no_node");
  EXPECT_THAT(text, HasSubstr("start bramble-agent"));
}

TEST_F(Explain, NoBrokerComesBeforeAllElse) {
  const JobId job = cluster.submit();
  cluster.step([&](Effects& effects) { on_disconnected(cluster.state(), effects, cluster.now(), "refused"); });
  EXPECT_EQ(word(job), "no_broker");
  EXPECT_THAT(text, HasSubstr("(refused)"));
}

TEST_F(Explain, TooLargeSaysWhatIsMissingAndTheMostThereIs) {
  cluster.join("pi1", 2);
  cluster.join("pi2", 4);
  JobSpec wanted = spec(8, uint64_t{4} << 30);
  wanted.task.resources["gpu"] = 2;
  const JobId job = cluster.submit({0, 0, 1}, wanted);
  EXPECT_EQ(word(job), "too_large");
  EXPECT_THAT(text, HasSubstr("cpus: it asks for 8 and the most that a node has is 4 (pi2)"));
  EXPECT_THAT(text, HasSubstr("memory: it asks for 4G and the most that a node has is 1G"));
  EXPECT_THAT(text, HasSubstr("resource gpu: it asks for 2 and no node has any"));
}

TEST_F(Explain, WhereNoNodeCanIsolateItSaysWhatIsMissingOnWhich) {
  auto bare = Harness::identity("pi1");
  bare.containment.no_sandbox = "bubblewrap is not installed";
  cluster.join(bare);
  cluster.join("pi2");
  JobSpec wanted = spec(1);
  wanted.task.isolate = wire::Isolation::sandbox;
  const JobId job = cluster.submit({0, 0, 1}, wanted);
  EXPECT_EQ(word(job), "no_sandbox");
  EXPECT_THAT(text, HasSubstr("bubblewrap is not installed on pi1"));
  EXPECT_THAT(text, HasSubstr("is it older? on pi2"));
}

TEST_F(Explain, NoNodeOfThoseWhereItMayRunHasCome) {
  cluster.join("pi1");
  JobSpec wanted = spec(1);
  wanted.where = parse_constraints("pi[7-8]", "").value();
  const JobId job = cluster.submit({0, 0, 1}, wanted);
  EXPECT_EQ(word(job), "not_there");
  EXPECT_THAT(text, HasSubstr("it may run on pi[7-8] only, and no such node has come"));
  cluster.join("pi7");
  EXPECT_EQ(word(job), "sent");
}

TEST_F(Explain, NoNodeIsOfTheArchitecture) {
  cluster.join("pi1");
  cluster.join("pi2");
  JobSpec wanted = spec(1);
  wanted.where = parse_constraints("", "armv7l").value();
  EXPECT_EQ(word(cluster.submit({0, 0, 1}, wanted)), "no_arch");
  EXPECT_THAT(text, HasSubstr("there is no armv7l node, only aarch64: pi1 and pi2"));
  wanted.where = parse_constraints("pi[2-3]", "armv7l").value();
  EXPECT_EQ(word(cluster.submit({0, 0, 1}, wanted)), "no_arch");
  EXPECT_THAT(text, HasSubstr("no armv7l node among pi[2-3], only aarch64: pi2"));
}

TEST_F(Explain, OfNodesWhereItMayNotRunNothingIsSaid) {
  cluster.join("pi1", 8);
  cluster.join("pi2", 2);
  JobSpec wanted = spec(4);
  wanted.where = parse_constraints("pi2", "").value();
  EXPECT_EQ(word(cluster.submit({0, 0, 1}, wanted)), "too_large");
  EXPECT_THAT(text, HasSubstr("no node of those where it may run could ever hold it"));
  EXPECT_THAT(text, HasSubstr("the most that a node has is 2 (pi2)"));
  wanted.task.cpus = 1;
  cluster.state().nodes[1].state = NodeState::silent;
  EXPECT_EQ(word(cluster.submit({0, 0, 1}, wanted)), "silent") << "pi1 has room, and is none of them";
}

TEST_F(Explain, TooLargeKnowsThatEachThingIsThereButNotTogether) {
  auto big = Harness::identity("pi1", 8);
  cluster.join(big);
  auto gpu = Harness::identity("pi2", 1);
  gpu.resources["gpu"] = 1;
  cluster.join(gpu);
  JobSpec wanted = spec(8);
  wanted.task.resources["gpu"] = 1;
  const JobId job = cluster.submit({0, 0, 1}, wanted);
  EXPECT_EQ(word(job), "too_large");
  EXPECT_THAT(text, HasSubstr("not together on one node"));
}

TEST_F(Explain, NodesThatTakeNoWorkAreNamedByCause) {
  cluster.join("pi1");
  cluster.ask(DrainRequest{{"pi1"}, true, "card"}, {"root", true});
  cluster.take_reply();
  const JobId job = cluster.submit();
  EXPECT_EQ(word(job), "drained");
  EXPECT_THAT(text, HasSubstr("pi1 is drained: bramble node resume"));

  auto& node = cluster.state().nodes[0];
  node.record.drained = false;
  node.state = NodeState::joining;
  EXPECT_EQ(word(job), "joining");
  node.state = NodeState::silent;
  EXPECT_EQ(word(job), "silent");
  node.state = NodeState::lost;
  EXPECT_EQ(word(job), "lost");
  node.state = NodeState::stopped;
  EXPECT_EQ(word(job), "stopped");
  node.state = NodeState::unknown;
  EXPECT_EQ(word(job), "unheard");
  node.state = NodeState::on;
  node.beat.emplace().spool_full = true;
  EXPECT_EQ(word(job), "spool_full");
}

TEST_F(Explain, SeveralCausesAreAllTold) {
  cluster.join("pi1");
  cluster.join("pi2");
  cluster.ask(DrainRequest{{"pi1", "pi2"}, true, "card"}, {"root", true});
  cluster.take_reply();
  const JobId job = cluster.submit();
  cluster.state().nodes[1].state = NodeState::silent;
  EXPECT_EQ(word(job), "closed");
  EXPECT_THAT(text, HasSubstr("pi1 is drained"));
  EXPECT_THAT(text, HasSubstr("pi2 is silent"));
}

TEST_F(Explain, TheJobsOwnLimit) {
  cluster.join("pi1", 4);
  JobSpec limited = spec();
  limited.max_running = 2;
  const JobId job = cluster.submit({0, 9, 1}, limited);
  EXPECT_EQ(word(job, 5), "limit");
  EXPECT_THAT(text, HasSubstr("2 of its tasks at nodes at once (%2)"));
}

TEST_F(Explain, BusyNodesAndJobsThatStandBefore) {
  cluster.join("pi1", 1);
  const JobId first = cluster.submit({0, 9, 1});
  EXPECT_EQ(word(first, 9), "busy");
  EXPECT_THAT(text, HasSubstr("pi1"));
  const JobId second = cluster.submit();
  EXPECT_EQ(word(second), "behind");
  EXPECT_THAT(text, HasSubstr("job " + std::to_string(first) + " stands before it"));
  JobSpec urgent = spec();
  urgent.priority = 5;
  const JobId third = cluster.submit({0, 9, 1}, urgent);
  EXPECT_EQ(word(third, 9), "busy");
  EXPECT_EQ(word(second), "behind");
  EXPECT_THAT(text, HasSubstr("job " + std::to_string(third) + " (priority 5) and 1 other job stand before it"));
}

TEST_F(Explain, ATaskAtANodeFromSentToOutput) {
  cluster.join("pi1");
  const JobId job = cluster.submit();
  EXPECT_EQ(word(job), "sent");
  cluster.event("pi1", Harness::simple(wire::EventType::taken, {job, 0, 1}));
  EXPECT_EQ(word(job), "assigned");
  EXPECT_THAT(text, HasSubstr("at node pi1, waiting there for room"));
  EXPECT_EQ(detail, "attempt 1");
  const AttemptKey id = start("pi1", job);
  EXPECT_EQ(word(job), "running");
  auto finished = Harness::finished(id);
  finished.finished->out = {200'000, 0, ""};
  cluster.event("pi1", finished);
  EXPECT_EQ(word(job), "output");
  EXPECT_THAT(detail, HasSubstr("of 195K are here, attempt 1"));
  cluster.take_wants();
}

TEST_F(Explain, ASilentNodeAndWhatTheJobWantsThen) {
  cluster.join("pi1");
  const JobId job = cluster.submit();
  JobSpec fenced = spec();
  fenced.on_node_loss = NodeLossPolicy::fence;
  const JobId fence = cluster.submit({0, 0, 1}, fenced);
  start("pi1", job);
  cluster.pass(4000);
  EXPECT_EQ(word(job), "silent");
  EXPECT_THAT(text, HasSubstr("after 5s without a sign of life it is run elsewhere"));
  EXPECT_EQ(word(fence), "fence");
  cluster.pass(2000);
  EXPECT_EQ(word(job), "lost") << "queued again, and its node is the only one";
  EXPECT_EQ(word(fence), "fence");
  EXPECT_THAT(text, HasSubstr("proof that what ran there is dead"));
  EXPECT_THAT(detail, HasSubstr("attempt 1, not heard for"));
}

TEST_F(Explain, ACancelThatTheNodeHasNotAnswered) {
  cluster.join("pi1");
  const JobId job = cluster.submit();
  start("pi1", job);
  cluster.ask(CancelRequest{{job}});
  cluster.take_reply();
  EXPECT_EQ(word(job), "cancelling");
  EXPECT_THAT(text, HasSubstr("node pi1 was told to end it"));
}

TEST_F(Explain, ABackOffAfterAFailure) {
  cluster.join("pi1");
  JobSpec again = spec();
  again.retries = 3;
  const JobId job = cluster.submit({0, 0, 1}, again);
  cluster.ask(DrainRequest{{"pi1"}, true, ""}, {"root", true});
  cluster.take_reply();
  cluster.event("pi1", Harness::finished({job, 0, 1}, 7));
  cluster.take_files();
  cluster.state().tasks.at({job, 0}).not_before = cluster.now().mono + 14'000;
  EXPECT_EQ(word(job), "backoff");
  EXPECT_EQ(detail, "failed 1 time, tried again in 14s");
}

TEST_F(Explain, ATaskThatAnOpenJobMayGetYet) {
  JobSpec open = spec();
  open.per_task_input = true;
  const JobId job = cluster.submit({0, 0, 1}, open);
  cluster.ask(ExplainRequest{job, TaskIndex{3}});
  EXPECT_THAT(cluster.take_reply().body, HasSubstr("open for more tasks, until whoever feeds it closes it"));
  cluster.ask(CloseRequest{job});
  cluster.take_reply();
  cluster.ask(ExplainRequest{job, {}});
  EXPECT_EQ(cluster.take_reply().http_status, 410) << "it has no task and is over: the store tells";
}

TEST_F(Explain, AnOpenJobThatNobodyFeedsSaysForHowLongAndWhatEndsIt) {
  JobSpec open = spec();
  open.per_task_input = true;
  const JobId job = cluster.submit({0, 0, 1}, open);
  cluster.pass(90'000);
  cluster.ask(ExplainRequest{job, {}});
  EXPECT_THAT(cluster.take_reply().body,
              AllOf(HasSubstr("until whoever feeds it (map, call, train, infer, Python) closes it, for 1m 30s by now"),
                    HasSubstr("nothing has come, and nobody waits for results"),
                    HasSubstr("bramble job cancel " + std::to_string(job) + " ends it")));
}

TEST_F(Explain, AnOpenJobThatSomebodyWaitsForIsNotTakenForForgotten) {
  JobSpec open = spec();
  open.per_task_input = true;
  const JobId job = cluster.submit({0, 0, 1}, open);
  cluster.ask(WatchJobRequest{job, cluster.state().jobs.at(job).version, 500});
  cluster.ask(ExplainRequest{job, {}});
  EXPECT_THAT(cluster.take_reply().body, AllOf(HasSubstr("more tasks may come"), Not(HasSubstr("job cancel"))));
  cluster.pass(500);
  cluster.take_reply();
}

TEST_F(Explain, AJobAsAWholeIsCountedByReason) {
  cluster.join("pi1", 1);
  const JobId job = cluster.submit({0, 999'999, 1});
  const AttemptKey id = start("pi1", job);
  EXPECT_EQ(word(job, id.task), "running");
  cluster.ask(ExplainRequest{job, {}});
  const json reply = json::parse(cluster.take_reply().body);
  EXPECT_EQ(reply["total"], 1'000'000);
  uint64_t tasks = 0;
  for (const auto& reason : reply["reasons"]) tasks += reason["tasks"].get<uint64_t>();
  EXPECT_EQ(tasks, 1'000'000U);
  EXPECT_EQ(reply["reasons"][0]["reason"], "busy");
  EXPECT_GT(reply["reasons"][0]["tasks"], 999'000);
}

TEST_F(Explain, ReasonsBeyondTheLimitAreOneGroup) {
  for (int i = 1; i <= 30; ++i) cluster.join(Harness::identity("n" + std::to_string(i), 1));
  const JobId job = cluster.submit({0, 29, 1});
  const auto groups = explain_job(cluster.state(), cluster.now(), cluster.state().jobs.at(job));
  EXPECT_EQ(groups.size(), kMaxReasons);
  uint64_t tasks = 0;
  for (const auto& group : groups) tasks += group.tasks;
  EXPECT_EQ(tasks, 30U);
  EXPECT_EQ(groups[0].reason.word, "other");
}

TEST_F(Explain, WhatIsNotOpenOrNotThereIsSaid) {
  cluster.join("pi1", 1);
  const JobId job = cluster.submit({0, 4, 1});
  cluster.event("pi1", Harness::finished({job, 0, 1}));
  cluster.take_files();
  cluster.ask(ExplainRequest{job, TaskIndex{0}});
  EXPECT_EQ(cluster.take_reply().http_status, 410);
  cluster.ask(ExplainRequest{job, TaskIndex{5}});
  EXPECT_EQ(cluster.take_reply().http_status, 404);
  cluster.ask(ExplainRequest{99, {}});
  EXPECT_EQ(cluster.take_reply().http_status, 410);
}

TEST(SomeNames, AreCutWhereThereAreMany) {
  EXPECT_EQ(some_names({"a"}), "a");
  EXPECT_EQ(some_names({"a", "b"}), "a and b");
  EXPECT_EQ(some_names({"a", "b", "c", "d", "e"}), "a, b, c, d and e");
  EXPECT_EQ(some_names({"a", "b", "c", "d", "e", "f"}), "a, b, c, d and 2 more");
}

}  // namespace
}  // namespace bramble::aggregator::test
