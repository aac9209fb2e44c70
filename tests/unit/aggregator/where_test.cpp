// Jobs that may run on some nodes only.
#include <gmock/gmock.h>

#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {
namespace {

// One runs and one waits behind it on pi1; pi2 comes, idle.
class WhereItMayRun : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster.connect();
    cluster.pass(3000);
  }

  bool is_recalled_from_pi1(JobSpec spec) {
    auto able = Harness::identity("pi1", 1);
    able.containment.sandbox = true;
    cluster.join(able);
    cluster.submit({1, 2, 1}, std::move(spec));
    const auto launched = cluster.take("pi1").launch;
    EXPECT_EQ(launched.size(), 2U);
    cluster.event("pi1", Harness::started(launched[0].id));
    cluster.take("pi1");
    cluster.event("pi1", Harness::simple(wire::EventType::taken, launched[1].id));
    cluster.join("pi2", 1);
    cluster.pass(100);
    const bool recalled = cluster.has_message("pi1") && !cluster.take("pi1").recall.empty();
    cluster.take_files();
    return recalled;
  }

  Harness cluster;
};

TEST_F(WhereItMayRun, WorkIsNotRecalledForANodeWhereItsJobMayNotRun) {
  JobSpec pinned;
  pinned.where = parse_constraints("pi1", "").value();
  EXPECT_FALSE(is_recalled_from_pi1(pinned));
}

TEST_F(WhereItMayRun, WorkIsNotRecalledForANodeThatCannotIsolateIt) {
  JobSpec isolated;
  isolated.task.isolate = wire::Isolation::sandbox;
  EXPECT_FALSE(is_recalled_from_pi1(isolated));
}

TEST_F(WhereItMayRun, WorkIsRecalledForANodeThatItsJobNames) {
  JobSpec two;
  two.where = parse_constraints("pi[1-2]", "").value();
  EXPECT_TRUE(is_recalled_from_pi1(two));
}

TEST_F(WhereItMayRun, AJobThatFitsNowhereKeepsNoOtherFromBeingSharedOut) {
  JobSpec absent;
  absent.where = parse_constraints("pi99", "").value();
  cluster.submit({1, 1, 1}, std::move(absent));
  EXPECT_TRUE(is_recalled_from_pi1({}));
}

TEST_F(WhereItMayRun, ADryRunTellsWhereItCouldRunAndChangesNothing) {
  cluster.join("pi1");
  cluster.join("pi2");
  SubmitRequest request{{}, {1, 10, 1}, true};
  request.spec.task.argv = {"true"};
  cluster.take_writes();
  cluster.ask(request);
  EXPECT_EQ(cluster.take_reply().body, R"({"job":null,"nodes":"pi[1-2]","tasks":10})");
  request.spec.where = parse_constraints("pi3", "").value();
  cluster.ask(request);
  EXPECT_THAT(cluster.take_reply().body,
              ::testing::HasSubstr(R"("note":"it may run on pi3 only, and no such node has)"));
  EXPECT_TRUE(cluster.take_writes().empty());
  EXPECT_TRUE(cluster.state().jobs.empty());
}

}  // namespace
}  // namespace bramble::aggregator::test
