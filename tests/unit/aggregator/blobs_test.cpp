#include <gmock/gmock.h>

#include "common/wire/input_files.hpp"
#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Blobs : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster.connect();
    cluster.pass(3000);
    cluster.join("pi1");
  }

  JobId open_map() {
    JobSpec spec;
    spec.per_task_input = true;
    return cluster.submit({0, 0, 1}, spec);
  }

  int append(JobId job, TaskIndex first, const wire::BlobRef& blob) {
    cluster.ask(AppendRequest{job, first, {{blob}}});
    reply = cluster.take_reply();
    return reply.http_status;
  }

  int keep(JobId job, const wire::BlobRef& checkpoint) {
    cluster.ask(CheckpointRequest{job, checkpoint});
    reply = cluster.take_reply();
    return reply.http_status;
  }

  void finish_next() {
    const auto id = cluster.take("pi1").launch.at(0).id;
    cluster.event("pi1", Harness::finished(id));
    cluster.take("pi1");
  }

  std::vector<std::string> removed() {
    std::vector<std::string> names;
    for (const auto& op : cluster.take_files()) {
      if (const auto* remove = std::get_if<RemoveBlob>(&op)) names.push_back(remove->sha256);
    }
    return names;
  }

  Harness cluster;
  ApiReply reply;
};

TEST_F(Blobs, ACheckpointTakesThePlaceOfTheOneBeforeAndGoesWhenAllIsDone) {
  const JobId job = open_map();
  const auto first = cluster.upload('a', 5), second = cluster.upload('b', 6);
  EXPECT_EQ(keep(job, first), 200);
  EXPECT_EQ(keep(job, first), 200) << "said again it changes nothing";
  EXPECT_THAT(removed(), IsEmpty());
  EXPECT_EQ(keep(job, second), 200);
  EXPECT_THAT(removed(), ElementsAre(first.sha256));
  EXPECT_EQ(cluster.writes_of<PutProgress>().back().progress.checkpoint, second);
  ASSERT_EQ(append(job, 0, cluster.upload('c', 7)), 200);
  finish_next();
  removed();
  cluster.ask(CloseRequest{job});
  cluster.take_reply();
  EXPECT_THAT(removed(), ElementsAre(second.sha256));
  EXPECT_EQ(cluster.writes_of<PutProgress>().back().progress.checkpoint, std::nullopt);
}

TEST_F(Blobs, ACheckpointOfACancelledJobStaysThoughAllItsTasksSucceeded) {
  const JobId job = open_map();
  EXPECT_EQ(keep(job, cluster.upload('b', 6)), 200);
  cluster.ask(CancelRequest{{job}});
  cluster.take_reply();
  EXPECT_TRUE(cluster.state().jobs.empty());
  cluster.pass(1'000'000, {"pi1"});
  EXPECT_THAT(removed(), IsEmpty());
  EXPECT_EQ(keep(job, cluster.upload('c', 6)), 404) << "it has ended";
}

TEST_F(Blobs, ACheckpointIsItsOwnersAndMustHaveBeenUploaded) {
  const JobId job = open_map();
  EXPECT_EQ(keep(job, {std::string(64, 'd'), 6}), 409);
  cluster.ask(CheckpointRequest{job, cluster.upload('b', 6)}, {"mallory", false});
  EXPECT_EQ(cluster.take_reply().http_status, 403);
}

TEST_F(Blobs, AreRemovedWhenTheLastTaskThatUsesThemIsFinal) {
  const auto blob = cluster.upload('a', 5);
  const JobId job = open_map();
  ASSERT_EQ(append(job, 0, blob), 200);
  EXPECT_THAT(removed(), IsEmpty());
  finish_next();
  EXPECT_THAT(removed(), ElementsAre(blob.sha256));
}

TEST_F(Blobs, FilesOfATaskAndOfItsJobGoWithTheLaunchAndStayAsLongAsTheyAreNeeded) {
  JobSpec spec;
  spec.per_task_input = true;
  spec.task.files = {{"shared", cluster.upload('d', 7)}};
  const JobId job = cluster.submit({0, 0, 1}, spec);
  TaskInput input{cluster.upload('a', 5), {{"own", cluster.upload('b', 6)}}};
  cluster.ask(AppendRequest{job, 0, {input}});
  EXPECT_EQ(cluster.take_reply().http_status, 200);
  EXPECT_EQ(cluster.writes_of<AddTasks>().at(0).inputs.at(0), input);
  const auto message = cluster.take("pi1");
  EXPECT_EQ(message.specs.at(job).files, spec.task.files);
  EXPECT_EQ(message.launch.at(0).files, input.files);
  EXPECT_EQ(message.launch.at(0).stdin_blob, input.stdin_blob);
  cluster.event("pi1", Harness::finished(message.launch.at(0).id));
  EXPECT_THAT(removed(), ElementsAre(std::string(64, 'a'), std::string(64, 'b')));
  cluster.ask(CloseRequest{job});
  cluster.take_reply();
  EXPECT_THAT(removed(), ElementsAre(std::string(64, 'd')));
  cluster.drop_messages();
}

TEST_F(Blobs, AFileThatIsNotThereOrHasTheJobsNameIsRefused) {
  JobSpec spec;
  spec.per_task_input = true;
  spec.task.files = {{"model", {std::string(64, 'e'), 7}}};
  cluster.ask(SubmitRequest{spec, {0, 0, 1}});
  EXPECT_EQ(cluster.take_reply().http_status, 409);
  spec.task.files[0].blob = cluster.upload('e', 7);
  const JobId job = cluster.submit({0, 0, 1}, spec);
  const auto blob = cluster.upload('a', 5);
  cluster.ask(AppendRequest{job, 0, {{blob, {{"own", {std::string(64, 'f'), 1}}}}}});
  EXPECT_EQ(cluster.take_reply().http_status, 409);
  cluster.ask(AppendRequest{job, 0, {{blob, {{"model", blob}}}}});
  reply = cluster.take_reply();
  EXPECT_EQ(reply.http_status, 400);
  EXPECT_THAT(reply.body, HasSubstr("two input files are named model"));
  EXPECT_THAT(cluster.writes_of<AddTasks>(), IsEmpty());
}

TEST_F(Blobs, WorkWithFilesWaitsForANodeThatTakesThem) {
  auto old = Harness::identity("pi1");
  old.containment.files = false;
  old.counter = 2;
  cluster.join(old);
  JobSpec spec;
  spec.task.files = {{"model", cluster.upload('e', 7)}};
  const JobId job = cluster.submit({0, 0, 1}, spec);
  EXPECT_FALSE(cluster.has_message("pi1"));
  cluster.ask(ExplainRequest{job, {}});
  EXPECT_THAT(cluster.take_reply().body, HasSubstr("no node takes these"));
  cluster.join("pi2");
  EXPECT_EQ(cluster.take("pi2").launch.size(), 1U);
}

TEST_F(Blobs, MessagesWithManyFilesKeepWithinTheirLimit) {
  wire::InputFile file{std::string(wire::kMaxFileNameBytes, '"'), cluster.upload('e', 7)};
  JobSpec spec;
  spec.per_task_input = true;
  const JobId job = cluster.submit({0, 0, 1}, spec);
  AppendRequest append{job, 0, {}};
  for (int i = 0; i < 200; ++i) {
    TaskInput input{file.blob, {}};
    for (size_t n = 0; n < wire::kMaxInputFiles; ++n) {
      file.name[0] = static_cast<char>('0' + n);
      input.files.push_back(file);
    }
    append.tasks.push_back(std::move(input));
  }
  auto large = Harness::identity("pi1", 200);
  large.counter = 2;
  cluster.join(large);
  cluster.ask(std::move(append));
  EXPECT_EQ(cluster.take_reply().http_status, 200);
  size_t launched = 0;
  while (cluster.has_message("pi1")) {
    const auto message = cluster.take("pi1");
    launched += message.launch.size();
    EXPECT_LE(wire::encode(message).size(), wire::kMaxMessageBytes);
  }
  EXPECT_EQ(launched, 200U);
}

TEST_F(Blobs, ASecondUploadOfTheSameBytesOutlivesTheFirstOnesTask) {
  const JobId job = open_map();
  ASSERT_EQ(append(job, 0, cluster.upload('a', 5)), 200);
  const auto again = cluster.upload('a', 5);
  finish_next();
  EXPECT_THAT(removed(), IsEmpty());
  EXPECT_EQ(append(job, 1, again), 200);
  finish_next();
  EXPECT_THAT(removed(), ElementsAre(again.sha256));
}

TEST_F(Blobs, CanBeUploadedAgainAfterTheyWereRemoved) {
  const JobId job = open_map();
  ASSERT_EQ(append(job, 0, cluster.upload('a', 5)), 200);
  finish_next();
  ASSERT_EQ(removed().size(), 1U);
  EXPECT_EQ(append(job, 1, cluster.upload('a', 5)), 200);
  finish_next();
  EXPECT_EQ(removed().size(), 1U);
}

TEST_F(Blobs, ARemovalNamesTheUploadThatItKnows) {
  cluster.pass(500);
  const MonoTime uploaded = cluster.now().mono;
  const JobId job = open_map();
  ASSERT_EQ(append(job, 0, cluster.upload('a', 5)), 200);
  cluster.pass(500);
  finish_next();
  const auto ops = cluster.take_files();
  ASSERT_FALSE(ops.empty());
  ASSERT_TRUE(std::holds_alternative<RemoveBlob>(ops.back()));
  EXPECT_EQ(std::get<RemoveBlob>(ops.back()).known, uploaded);
}

TEST_F(Blobs, ThatNoJobNamesAreRemovedAfterAWhile) {
  const auto blob = cluster.upload('a', 5);
  cluster.pass(890'000, {"pi1"});
  EXPECT_THAT(removed(), IsEmpty());
  cluster.pass(30'000, {"pi1"});
  EXPECT_THAT(removed(), ElementsAre(blob.sha256));
}

TEST_F(Blobs, AJobMustNameBytesThatAreThere) {
  JobSpec spec;
  spec.task.argv = {"cat"};
  spec.stdin_blob = {std::string(64, 'b'), 5};
  cluster.ask(SubmitRequest{spec, {0, 0, 1}});
  reply = cluster.take_reply();
  EXPECT_EQ(reply.http_status, 409);
  EXPECT_THAT(reply.body, HasSubstr("upload it"));

  spec.stdin_blob = cluster.upload('b', 6);
  spec.stdin_blob->size_bytes = 5;
  cluster.ask(SubmitRequest{spec, {0, 0, 1}});
  reply = cluster.take_reply();
  EXPECT_EQ(reply.http_status, 400);
  EXPECT_THAT(reply.body, HasSubstr("has 6 bytes, not 5"));
  EXPECT_TRUE(cluster.state().jobs.empty());
}

TEST_F(Blobs, AnAppendSaidAgainNeedsItsInputsNoMore) {
  const auto blob = cluster.upload('a', 5);
  const JobId job = open_map();
  ASSERT_EQ(append(job, 0, blob), 200);
  finish_next();
  removed();
  EXPECT_EQ(append(job, 0, blob), 200);
  EXPECT_EQ(append(job, 1, blob), 409);
}

TEST_F(Blobs, WhatIsThereAlreadyNeedNotBeSentAgain) {
  const auto blob = cluster.upload('a', 5);
  const JobId job = open_map();
  ASSERT_EQ(append(job, 0, blob), 200);
  cluster.ask(KeepBlobRequest{blob, false});
  EXPECT_EQ(cluster.take_reply().http_status, 200);
  finish_next();
  EXPECT_THAT(removed(), IsEmpty()) << "it is kept as an upload is, though its task has ended";
  EXPECT_EQ(append(job, 1, blob), 200);
  finish_next();
  EXPECT_THAT(removed(), ElementsAre(blob.sha256));
  cluster.ask(KeepBlobRequest{{std::string(64, 'b'), 5}, false});
  EXPECT_EQ(cluster.take_reply().http_status, 409);
  EXPECT_EQ(cluster.state().blobs.count(std::string(64, 'b')), 0U);
}

TEST_F(Blobs, UploadsWithoutAJobAreLimited) {
  cluster.state().config.max_unnamed_blobs = 1;
  cluster.upload('a', 5);
  cluster.ask(KeepBlobRequest{{std::string(64, 'b'), 5}});
  EXPECT_EQ(cluster.take_reply().http_status, 503);
  EXPECT_THAT(removed(), ElementsAre(std::string(64, 'b'))) << "nobody else would ever remove it";
}

TEST_F(Blobs, InputsOfTasksThatHaveNotEndedAreLimitedTogether) {
  cluster.state().config.max_open_inputs = 3;
  const auto blob = cluster.upload('a', 5);
  const JobId first = open_map();
  const JobId second = open_map();
  cluster.ask(AppendRequest{first, 0, {{blob, {{"tool", blob}}}}});
  ASSERT_EQ(cluster.take_reply().http_status, 200);
  cluster.ask(AppendRequest{second, 0, {{blob}, {blob}}});
  reply = cluster.take_reply();
  EXPECT_EQ(reply.http_status, 503);
  EXPECT_THAT(reply.body, HasSubstr("the tasks of open jobs name 2 inputs already, and 2 more would be above 3: wait "
                                    "until some have ended"));
  EXPECT_EQ(append(second, 0, blob), 200);
  EXPECT_EQ(append(second, 0, blob), 200) << "which it has";
  EXPECT_EQ(append(second, 1, blob), 503);
  finish_next();
  EXPECT_EQ(append(second, 1, blob), 200);
  cluster.drop_messages();
  cluster.take_files();
}

TEST_F(Blobs, InputsOfCancelledTasksMakeRoomForOthers) {
  cluster.state().config.max_open_inputs = 2;
  const auto blob = cluster.upload('a', 5);
  JobSpec too_large;
  too_large.per_task_input = true;
  too_large.task.cpus = 1000;
  const JobId first = cluster.submit({0, 0, 1}, too_large);
  ASSERT_EQ(append(first, 0, blob), 200);
  ASSERT_EQ(append(first, 1, blob), 200);
  const JobId second = cluster.submit({0, 0, 1}, too_large);
  EXPECT_EQ(append(second, 0, blob), 503);
  cluster.ask(CancelRequest{{first}});
  cluster.take_reply();
  EXPECT_EQ(cluster.state().open_inputs, 0U);
  EXPECT_EQ(append(second, 0, blob), 200);
}

TEST(BlobsAfterARestart, AreKeptLikeNewUploads) {
  const wire::BlobRef used{std::string(64, 'a'), 5};
  const wire::BlobRef left{std::string(64, 'b'), 5};
  LoadedState loaded;
  loaded.last_job = 1;
  loaded.blobs = {used, left};
  JobRecord job;
  job.id = 1;
  job.spec.task.argv = {"cat"};
  job.spec.stdin_blob = used;
  job.progress.range = {0, 0, 1};
  job.progress.counts.total = 1;
  loaded.open_jobs.push_back(job);
  Harness cluster(loaded);
  cluster.pass(950'000);
  const auto ops = cluster.take_files();
  ASSERT_EQ(ops.size(), 1U);
  EXPECT_EQ(std::get<RemoveBlob>(ops[0]).sha256, left.sha256);
}

}  // namespace
}  // namespace bramble::aggregator::test
