#include "common/wire/topics.hpp"

#include <gtest/gtest.h>

#include "unit/wire/samples.hpp"

namespace bramble::wire {
namespace {

const Topics kTopics("home");

TEST(Topics, LieBelowClusterAndNode) {
  EXPECT_EQ(kTopics.node("pi1", NodeTopic::status), "bramble/home/node/pi1/status");
  EXPECT_EQ(kTopics.node("pi1", NodeTopic::blob_get), "bramble/home/node/pi1/blob/get");
  EXPECT_EQ(kTopics.blob_down("pi1", samples::kSha256, 65536),
            "bramble/home/node/pi1/blob/down/" + samples::kSha256 + "/65536");
  EXPECT_EQ(kTopics.blob_up("pi1", samples::kStore, samples::kId, Stream::stderr_, 0),
            "bramble/home/node/pi1/blob/up/12.5.1.stderr/" + samples::kStore + "/0");
  EXPECT_EQ(kTopics.aggregator_status(), "bramble/home/aggregator/status");
}

TEST(Topics, HaveFilters) {
  EXPECT_EQ(kTopics.every_node(NodeTopic::beat), "bramble/home/node/+/beat");
  EXPECT_EQ(kTopics.every_node(NodeTopic::blob_up), "bramble/home/node/+/blob/up/#");
  EXPECT_EQ(kTopics.blob_down_filter("pi1"), "bramble/home/node/pi1/blob/down/#");
}

TEST(Topics, AreReadBackAsTheyWereMade) {
  for (const NodeTopic kind : {NodeTopic::status, NodeTopic::beat, NodeTopic::telemetry, NodeTopic::tasks,
                               NodeTopic::events, NodeTopic::inventory, NodeTopic::checkup, NodeTopic::control,
                               NodeTopic::blob_get, NodeTopic::blob_have, NodeTopic::blob_want}) {
    const auto topic = kTopics.parse(kTopics.node("pi-0.1", kind));
    ASSERT_TRUE(topic);
    EXPECT_EQ(topic->node, "pi-0.1");
    EXPECT_EQ(topic->kind, kind);
  }
}

TEST(Topics, OfBlobsAreReadBackWithTheirParts) {
  const auto down = kTopics.parse(kTopics.blob_down("pi1", samples::kSha256, UINT64_MAX));
  ASSERT_TRUE(down);
  EXPECT_EQ(down->kind, NodeTopic::blob_down);
  EXPECT_EQ(down->sha256, samples::kSha256);
  EXPECT_EQ(down->offset, UINT64_MAX);
  EXPECT_FALSE(down->packed);
  const auto packed = kTopics.parse(kTopics.blob_down("pi1", samples::kSha256, 65536, true));
  ASSERT_TRUE(packed);
  EXPECT_EQ(packed->offset, 65536U);
  EXPECT_TRUE(packed->packed);
  EXPECT_FALSE(kTopics.parse(kTopics.blob_down("pi1", samples::kSha256, 7) + "/gzip"));
  const auto up = kTopics.parse(kTopics.blob_up("pi1", samples::kStore, samples::kId, Stream::stderr_, 7));
  ASSERT_TRUE(up);
  EXPECT_EQ(up->kind, NodeTopic::blob_up);
  EXPECT_EQ(up->store, samples::kStore);
  EXPECT_EQ(up->id, samples::kId);
  EXPECT_EQ(up->stream, Stream::stderr_);
  EXPECT_EQ(up->offset, 7U);
}

TEST(Topics, OfChunksForSeveralNodesAreReadBackWithTheirParts) {
  const std::string topic = kTopics.blob_shared(samples::kSha256, 65536, true);
  EXPECT_EQ(topic, "bramble/home/blob/" + samples::kSha256 + "/65536/zstd");
  const auto chunk = kTopics.parse_blob_shared(topic);
  ASSERT_TRUE(chunk);
  EXPECT_EQ(chunk->sha256, samples::kSha256);
  EXPECT_EQ(chunk->offset, 65536U);
  EXPECT_TRUE(chunk->packed);
  EXPECT_FALSE(kTopics.parse_blob_shared(kTopics.blob_shared(samples::kSha256, 0))->packed);
  EXPECT_EQ(kTopics.blob_shared_filter(samples::kSha256), "bramble/home/blob/" + samples::kSha256 + "/#");
  EXPECT_EQ(kTopics.every_blob_shared(), "bramble/home/blob/#");
  for (const std::string& bad :
       {topic + "/x", "x" + topic, kTopics.blob_shared("short", 0), "bramble/home/blob/" + samples::kSha256 + "/01",
        kTopics.blob_down("pi1", samples::kSha256, 0), kTopics.every_blob_shared()}) {
    EXPECT_FALSE(kTopics.parse_blob_shared(bad)) << bad;
  }
}

TEST(Topics, OfAlertsAreReadBackWithTheirParts) {
  const auto of_node = kTopics.parse_alert(kTopics.alert("hot", "pi1"));
  ASSERT_TRUE(of_node);
  EXPECT_EQ(of_node->alert, "hot");
  EXPECT_EQ(of_node->node, "pi1");
  const auto of_cluster = kTopics.parse_alert(kTopics.alert("watts", ""));
  ASSERT_TRUE(of_cluster);
  EXPECT_EQ(of_cluster->alert, "watts");
  EXPECT_EQ(of_cluster->node, "");
  EXPECT_FALSE(kTopics.parse_alert("bramble/work/alert/hot/pi1"));
  EXPECT_FALSE(kTopics.parse_alert(kTopics.aggregator_status()));
  EXPECT_EQ(kTopics.every_alert(), "bramble/home/alert/#");
}

TEST(Topics, OfAnythingElseAreRefused) {
  const std::string node = "bramble/home/node/pi1/";
  const std::string down = node + "blob/down/" + samples::kSha256;
  const std::string up = node + "blob/up/";
  for (const std::string& bad : {std::string(),
                                 std::string("bramble/home"),
                                 std::string("bramble/work/node/pi1/beat"),
                                 std::string("bramble/home/aggregator/status"),
                                 node,
                                 node + "beat/",
                                 node + "beat/x",
                                 node + "mood",
                                 node + "blob",
                                 node + "blob/",
                                 node + "blob/down/#",
                                 node + "blob/up/#",
                                 std::string("bramble/home/node//beat"),
                                 std::string("bramble/home/node/+/beat"),
                                 std::string("bramble/home/node/a b/beat"),
                                 down,
                                 down + "/",
                                 down + "/x",
                                 down + "/-1",
                                 down + "/01",
                                 down + "/1/",
                                 down + "/18446744073709551616",
                                 down + "0/1",
                                 up + "12.5.1.stderr/" + samples::kStore,
                                 up + "12.5.1.stdin/" + samples::kStore + "/0",
                                 up + "12.5.stderr/" + samples::kStore + "/0",
                                 up + "012.5.1.stderr/" + samples::kStore + "/0",
                                 up + "stderr/" + samples::kStore + "/0",
                                 up + "12.5.1.stderr/x/0",
                                 node + std::string(1000, 'x'),
                                 std::string("bramble/home/node/") + std::string(64, 'x') + "/beat",
                                 std::string("x") + node + "beat"}) {
    EXPECT_FALSE(kTopics.parse(bad)) << bad;
  }
  EXPECT_EQ(kTopics.parse("x").error().message, "not a topic of a node of this cluster (bramble/home/node/...)");
}

}  // namespace
}  // namespace bramble::wire
