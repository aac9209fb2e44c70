// What the tests of lost and returning nodes share: a connected aggregator past its first patience, nodes that are born
// again, and a look at attempts and tasks. What is left over at the end of a test is dropped.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {

class NodeLossTest : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster.connect();
    cluster.pass(3000);
  }
  void TearDown() override {
    cluster.drop_messages();
    cluster.take_files();
    cluster.take_wants();
  }

  static JobSpec spec_with(NodeLossPolicy policy, JobSpec spec = {}) {
    spec.on_node_loss = policy;
    return spec;
  }
  static wire::NodeStatus again(const std::string& node, uint64_t counter, const std::string& boot_id = "boot-1") {
    auto status = Harness::identity(node);
    status.counter = counter;
    status.boot_id = boot_id;
    return status;
  }

  bool is_open(const AttemptKey& id) { return cluster.state().attempts.contains(id); }
  TaskState state_of(const AttemptKey& id) { return cluster.state().tasks.at(id.task_key()).state; }
  JobState ended_as(JobId job) { return cluster.state().final_jobs.at(job).progress.state; }

  Harness cluster;
};

}  // namespace bramble::aggregator::test
