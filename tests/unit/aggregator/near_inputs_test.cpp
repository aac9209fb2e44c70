// Tasks go to free nodes that have their inputs already.
#include <gmock/gmock.h>

#include "aggregator/core/blob_places.hpp"
#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsNull;
using ::testing::Pointee;

const std::string kSha(64, 'a');
const std::string kOtherSha(64, 'b');

TEST(BlobPlaces, AreThoseOfTheNewestWordOfEachNode) {
  BlobPlaces places;
  places.set(2, {kSha, kOtherSha, kSha});
  places.set(0, {kSha});
  EXPECT_THAT(places.nodes_with(kSha), Pointee(ElementsAre(0, 2)));
  places.set(2, {kOtherSha});
  EXPECT_THAT(places.nodes_with(kSha), Pointee(ElementsAre(0)));
  EXPECT_THAT(places.nodes_with(kOtherSha), Pointee(ElementsAre(2)));
  places.forget(0);
  places.forget(2);
  EXPECT_THAT(places.nodes_with(kSha), IsNull());
  EXPECT_THAT(places.nodes_with(kOtherSha), IsNull());
}

class NearInputs : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster.connect();
    cluster.pass(3000);
    for (const char* node : {"pi1", "pi2", "pi3"}) cluster.join(node);
    input = cluster.upload('a', 1 << 20);
  }

  void tell(const std::string& node, std::vector<std::string> blobs) {
    cluster.say(node, wire::NodeTopic::blob_have, wire::BlobHave{cluster.session(node), std::move(blobs)});
  }
  // The nodes that a job of so many tasks goes to; one name for each task.
  std::vector<std::string> nodes_of(uint32_t tasks) {
    JobSpec spec;
    spec.task.files = {{"data", input}};
    cluster.submit({1, tasks, 1}, spec);
    std::vector<std::string> nodes;
    for (const char* node : {"pi1", "pi2", "pi3"}) {
      if (!cluster.has_message(node)) continue;
      nodes.insert(nodes.end(), cluster.take(node).launch.size(), node);
    }
    return nodes;
  }

  Harness cluster;
  wire::BlobRef input;
};

TEST_F(NearInputs, ATaskGoesToTheFreeNodeThatHasItsFile) {
  tell("pi2", {input.sha256});
  EXPECT_THAT(nodes_of(1), ElementsAre("pi2"));
}

TEST_F(NearInputs, WhatDoesNotFitThereGoesToOthersAtOnce) {
  tell("pi2", {input.sha256});
  EXPECT_THAT(nodes_of(4), ElementsAre("pi1", "pi2", "pi2", "pi3"));
}

TEST_F(NearInputs, ANodeThatHasItNoMoreIsAsGoodAsAnyOther) {
  tell("pi2", {input.sha256});
  tell("pi2", {});
  EXPECT_THAT(nodes_of(1), ElementsAre("pi1"));
}

TEST_F(NearInputs, AWordOfAnOldSessionDoesNotCount) {
  cluster.say("pi2", wire::NodeTopic::blob_have, wire::BlobHave{cluster.session("pi2") + 1, {input.sha256}});
  EXPECT_THAT(nodes_of(1), ElementsAre("pi1"));
}

TEST_F(NearInputs, ANodeThatComesAnewTellsAnew) {
  tell("pi2", {input.sha256});
  auto again = Harness::identity("pi2");
  again.counter = 2;
  cluster.join(again);
  EXPECT_THAT(nodes_of(1), ElementsAre("pi1"));
}

TEST_F(NearInputs, TheNextNodeInARemovedOnesPlaceHasNothingOfIt) {
  tell("pi2", {input.sha256});
  const NodeIndex place = cluster.state().node_by_name.at("pi2");
  cluster.ask(RemoveNodesRequest{{"pi2"}, true, ""}, {"root", true});
  for (const IdentityOp& op : cluster.take_identities()) {
    IdentityReport report{.number = op.number, .kind = op.kind, .node = op.node};
    report.had_one = true;
    cluster.step([&](Effects& effects) { on_identity(cluster.state(), effects, cluster.now(), report); });
  }
  EXPECT_EQ(cluster.take_reply().http_status, 200);
  cluster.take_cleared();
  cluster.join("pi4");
  ASSERT_EQ(cluster.state().node_by_name.at("pi4"), place);
  EXPECT_THAT(nodes_of(1), ElementsAre("pi1"));
}

}  // namespace
}  // namespace bramble::aggregator::test
