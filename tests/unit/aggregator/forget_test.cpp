#include <gmock/gmock.h>

#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Forget : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster.connect();
    cluster.pass(3000);
    cluster.join("pi1", 1);
  }

  // A job that has failed, with an input of its own.
  JobId failed_job(const wire::BlobRef& input) {
    JobSpec spec;
    spec.stdin_blob = input;
    const JobId job = cluster.submit({0, 0, 1}, spec);
    cluster.event("pi1", Harness::finished({job, 0, 1}, 7));
    cluster.drop_messages();
    cluster.take_files();
    return job;
  }

  ApiReply forget(std::vector<JobId> jobs) {
    cluster.ask(ForgetRequest{std::move(jobs)});
    return cluster.take_reply();
  }

  template <typename Op>
  std::vector<Op> files_of() {
    std::vector<Op> found;
    for (auto& op : cluster.take_files()) {
      if (auto* match = std::get_if<Op>(&op)) found.push_back(std::move(*match));
    }
    return found;
  }

  void tell(std::vector<ForgottenRows> rows) {
    cluster.step([&](Effects& effects) { on_forgotten_rows(cluster.state(), effects, cluster.now(), rows); });
  }

  Harness cluster;
};

TEST_F(Forget, AnOpenJobIsRefusedAndNothingIsForgotten) {
  const auto input = cluster.upload('a', 5);
  const JobId ended = failed_job(input);
  const JobId open = cluster.submit();
  cluster.drop_messages();
  const ApiReply reply = forget({ended, open});
  EXPECT_EQ(reply.http_status, 409);
  EXPECT_THAT(reply.body, HasSubstr("bramble job cancel " + std::to_string(open)));
  EXPECT_THAT(cluster.writes_of<ForgetJob>(), IsEmpty());
}

TEST_F(Forget, IsMarkedWithTheAnswerAndRemovedInSteps) {
  const auto input = cluster.upload('a', 5);
  const JobId job = failed_job(input);
  EXPECT_EQ(forget({job}).http_status, 200);
  ASSERT_EQ(cluster.writes_of<ForgetJob>().size(), 1U);
  EXPECT_FALSE(cluster.state().final_jobs.contains(job));
  cluster.pass(300);
  const auto asked = files_of<ReadForgotten>();
  ASSERT_EQ(asked.size(), 1U) << "asked once until the answer is there";
  EXPECT_THAT(asked[0].jobs, ElementsAre(job));

  ForgottenRows part{job, TaskIndex{99}, false, {{job, 3, 1}}, {}};
  tell({part});
  EXPECT_EQ(cluster.writes_of<RemoveTasks>().at(0).through, 99U);
  EXPECT_THAT(cluster.writes_of<RemoveJob>(), IsEmpty());
  EXPECT_EQ(files_of<RemoveOutput>().at(0).key, (AttemptKey{job, 3, 1})) << "after the commit, as all files";

  cluster.pass(100);
  EXPECT_EQ(files_of<ReadForgotten>().size(), 1U);
  tell({{job, TaskIndex{100}, true, {}, {input}}});
  EXPECT_EQ(cluster.writes_of<RemoveJob>().at(0).job, job);
  EXPECT_EQ(files_of<RemoveBlob>().at(0).sha256, input.sha256);
  EXPECT_THAT(cluster.state().forgetting, IsEmpty());
  cluster.pass(1000);
}

TEST_F(Forget, WhatCouldNotBeReadIsAskedAgain) {
  const JobId job = failed_job(cluster.upload('a', 5));
  forget({job});
  cluster.pass(100);
  EXPECT_EQ(files_of<ReadForgotten>().size(), 1U);
  tell({});
  cluster.pass(100);
  EXPECT_EQ(files_of<ReadForgotten>().size(), 1U);
}

TEST_F(Forget, SaidTwiceForgetsOnce) {
  const JobId job = failed_job(cluster.upload('a', 5));
  forget({job});
  EXPECT_EQ(forget({job}).body, R"({"forgotten":[]})");
  EXPECT_EQ(cluster.writes_of<ForgetJob>().size(), 1U);
}

TEST_F(Forget, AnInputThatAnotherJobUsesStays) {
  const auto input = cluster.upload('a', 5);
  const JobId first = failed_job(input);
  const JobId second = failed_job(input);
  forget({first});
  cluster.pass(100);
  cluster.take_files();
  tell({{first, TaskIndex{0}, true, {}, {input}}});
  EXPECT_THAT(files_of<RemoveBlob>(), IsEmpty());
  forget({second});
  cluster.pass(100);
  cluster.take_files();
  tell({{second, TaskIndex{0}, true, {}, {input}}});
  EXPECT_EQ(files_of<RemoveBlob>().size(), 1U);
}

TEST(ForgetAfterARestart, GoesOnAndKeepsTheInputsOfTheOthers) {
  LoadedState loaded;
  const wire::BlobRef input{std::string(64, 'a'), 5};
  loaded.last_job = 9;
  loaded.forgotten_jobs = {4, 5};
  loaded.blobs = {input};
  loaded.kept_inputs = {{input, 2}};
  Harness cluster(std::move(loaded));
  cluster.pass(100);
  auto files = cluster.take_files();
  ASSERT_EQ(files.size(), 1U);
  EXPECT_THAT(std::get<ReadForgotten>(files[0]).jobs, ElementsAre(4, 5));
  const std::vector<ForgottenRows> rows{{4, TaskIndex{0}, true, {}, {input}}};
  cluster.step([&](Effects& effects) { on_forgotten_rows(cluster.state(), effects, cluster.now(), rows); });
  EXPECT_THAT(cluster.take_files(), IsEmpty()) << "the input is used by another job still";
  EXPECT_THAT(cluster.state().forgetting, ElementsAre(5));
}

}  // namespace
}  // namespace bramble::aggregator::test
