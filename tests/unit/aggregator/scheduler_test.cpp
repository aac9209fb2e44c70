#include "aggregator/scheduler/scheduler.hpp"

#include <gtest/gtest.h>

#include <map>

namespace bramble::aggregator {
namespace {

class Scheduling : public ::testing::Test {
 protected:
  void add_node(uint32_t slots, int64_t free_slots, double load = 0) {
    NodeView node;
    node.index = static_cast<uint32_t>(snapshot.nodes.size());
    node.slots = slots;
    node.free_slots = free_slots;
    node.memory_bytes = 1000;
    node.free_memory_bytes = 1000;
    node.load = load;
    snapshot.nodes.push_back(node);
  }

  void add_job(uint64_t ready, const wire::TaskSpec* spec, int64_t mean_ms = 0, uint32_t room = kNoLimit) {
    snapshot.jobs.push_back({static_cast<JobId>(snapshot.jobs.size() + 1), 0, spec, ready, room, mean_ms});
  }

  uint64_t placed(JobId job, uint32_t node) {
    uint64_t count = 0;
    for (const auto& placement : place(snapshot)) {
      if (placement.job == job && placement.node == node) count += placement.count;
    }
    return count;
  }

  Snapshot snapshot;
  wire::TaskSpec small;
};

TEST_F(Scheduling, SpreadsOverFreeNodesBeforeAnythingIsSentAhead) {
  add_node(4, 4);
  add_node(4, 4);
  add_job(2, &small);
  EXPECT_EQ(placed(1, 0), 1U);
  EXPECT_EQ(placed(1, 1), 1U);
}

TEST_F(Scheduling, IsolatedTasksGoOnlyWhereTheyCanBeIsolated) {
  add_node(4, 4);
  add_node(4, 4, 3.0);
  snapshot.nodes[1].sandbox = true;
  wire::TaskSpec isolated;
  isolated.isolate = wire::Isolation::sandbox;
  add_job(2, &isolated);
  EXPECT_EQ(placed(1, 0), 0U);
  EXPECT_EQ(placed(1, 1), 2U);
}

TEST_F(Scheduling, TasksGoOnlyWhereTheirJobMayRun) {
  add_node(4, 4);
  add_node(4, 4, 3.0);
  add_node(4, 0);
  snapshot.nodes[0].name = "pi1";
  snapshot.nodes[1].name = "pi2";
  snapshot.nodes[2].name = "pi3";
  snapshot.nodes[2].arch = "aarch64";
  const Constraints on_pi2 = parse_constraints("pi2", "").value();
  const Constraints on_arm = parse_constraints("", "aarch64").value();
  add_job(20, &small);
  snapshot.jobs[0].where = &on_pi2;
  EXPECT_EQ(placed(1, 0), 0U);
  EXPECT_EQ(placed(1, 1), 8U) << "four start there and four wait, though pi1 idles";
  EXPECT_EQ(placed(1, 2), 0U) << "nor is any sent ahead elsewhere";
  snapshot.jobs[0].where = &on_arm;
  EXPECT_EQ(placed(1, 0) + placed(1, 1), 0U);
  EXPECT_EQ(placed(1, 2), 4U);
}

TEST_F(Scheduling, PrefersTheLessLoadedOfTwoEquallyFreeNodes) {
  add_node(4, 4, 3.0);
  add_node(4, 4, 0.1);
  add_job(1, &small);
  EXPECT_EQ(placed(1, 1), 1U);
}

TEST_F(Scheduling, PrefersTheFreeNodeWithMostBytesOfTheJobsInputs) {
  add_node(4, 4);
  add_node(4, 1, 3.0);
  add_node(4, 1);
  add_job(3, &small);
  const std::vector<uint32_t> large_at{1, 7}, small_at{0, 1, 2};  // 7 is no node that may be given work
  snapshot.jobs[0].inputs = {{1000, &large_at}, {10, &small_at}};
  EXPECT_EQ(placed(1, 1), 1U) << "as many as it has room for";
  EXPECT_EQ(placed(1, 0), 2U) << "then by the room, where the bytes are the same";
  EXPECT_EQ(placed(1, 2), 0U);
}

TEST_F(Scheduling, NoSlotStaysEmptyBecauseAnotherNodeHasTheInputs) {
  add_node(4, 4);
  add_node(4, 0);
  add_job(4, &small);
  const std::vector<uint32_t> at{1};
  snapshot.jobs[0].inputs = {{uint64_t{1} << 40, &at}};
  EXPECT_EQ(placed(1, 0), 4U);
}

TEST_F(Scheduling, SendsOneTaskASlotAheadWhileTheDurationIsUnknown) {
  add_node(2, 2);
  add_job(100, &small);
  EXPECT_EQ(placed(1, 0), 4U) << "two start, two wait behind them";
  snapshot.nodes[0].free_slots = -2;
  EXPECT_EQ(placed(1, 0), 0U) << "and no more";
}

TEST_F(Scheduling, SendsShortTasksFurtherAheadThanLongOnes) {
  add_node(2, 0);
  add_job(1000, &small, 10);
  EXPECT_EQ(placed(1, 0), 100U);
  snapshot.jobs[0].mean_ms = 60'000;
  EXPECT_EQ(placed(1, 0), 2U);
}

TEST_F(Scheduling, KeepsToTheConcurrencyLimit) {
  add_node(8, 8);
  add_job(100, &small, 1, 3);
  EXPECT_EQ(placed(1, 0), 3U);
}

TEST_F(Scheduling, NeverPlacesWhatANodeCouldNotHoldWhenEmpty) {
  add_node(2, 2);
  wire::TaskSpec wide;
  wide.cpus = 3;
  add_job(1, &wide);
  wire::TaskSpec large;
  large.memory_bytes = 2000;
  add_job(1, &large);
  wire::TaskSpec gpu;
  gpu.resources["gpu"] = 1;
  add_job(1, &gpu);
  EXPECT_TRUE(place(snapshot).empty());
}

TEST_F(Scheduling, CountsMemoryAndNamedResources) {
  add_node(8, 8);
  snapshot.nodes[0].resources = snapshot.nodes[0].free_resources = {{"camera", 1}};
  wire::TaskSpec camera;
  camera.resources["camera"] = 1;
  camera.memory_bytes = 400;
  add_job(1, &camera);
  EXPECT_EQ(placed(1, 0), 1U);
  snapshot.jobs[0].ready = 100;
  EXPECT_EQ(placed(1, 0), 9U) << "one has the camera, and at most one for each slot waits for it";
}

TEST_F(Scheduling, TheFirstJobIsServedFirst) {
  add_node(1, 1);
  add_job(5, &small);
  add_job(5, &small);
  EXPECT_EQ(placed(1, 0), 2U) << "one starts, one waits";
  EXPECT_EQ(placed(2, 0), 0U);
}

TEST_F(Scheduling, ALargeTaskIsSentAheadSoThatSmallOnesDoNotStarveIt) {
  add_node(4, 1);
  wire::TaskSpec whole;
  whole.cpus = 4;
  add_job(1, &whole);
  add_job(10, &small);
  EXPECT_EQ(placed(1, 0), 1U);
  EXPECT_EQ(snapshot.nodes[0].free_slots, 1) << "the snapshot itself is not changed";
}

}  // namespace
}  // namespace bramble::aggregator
