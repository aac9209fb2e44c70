#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {
namespace {

using wire::Stream;

class Outputs : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster.connect();
    cluster.join("pi1");
    cluster.submit();
    id = cluster.take("pi1").launch.at(0).id;
    cluster.event("pi1", Harness::started(id));
    cluster.take("pi1");
  }

  void TearDown() override { cluster.drop_messages(); }

  void output(uint64_t offset, uint64_t size, const std::string& data) {
    wire::Event event = Harness::simple(wire::EventType::output, id);
    event.number = ++number;
    event.output = wire::Output{Stream::stdout_, offset, size, data};
    cluster.event("pi1", event);
    EXPECT_EQ(cluster.take("pi1").ack, std::vector{event.number});
  }

  void chunk(uint64_t offset, const std::string& data) {
    cluster.bytes(cluster.state().topics.blob_up("pi1", kStore, id, Stream::stdout_, offset), data);
  }

  std::string appended() {
    std::string all;
    for (const auto& op : cluster.take_files()) {
      if (const auto* append = std::get_if<AppendOutput>(&op)) {
        EXPECT_EQ(append->offset, written + all.size()) << "without a gap";
        all += append->bytes;
      }
    }
    written += all.size();
    return all;
  }

  wire::Event big_result(uint64_t bytes) {
    auto event = Harness::finished(id);
    event.finished->out.kept_bytes = bytes;
    return event;
  }

  Harness cluster;
  AttemptKey id;
  uint64_t number = 10;
  uint64_t written = 0;
};

TEST_F(Outputs, OfEventsIsAppendedOnceWhateverComesTwice) {
  output(0, 5, "hello");
  output(0, 5, "hello");
  output(3, 8, "lo wo");
  EXPECT_EQ(appended(), "hello wo");
}

TEST_F(Outputs, BeyondAGapIsPulledFromWhereWeAre) {
  output(100, 105, "later");
  const auto wants = cluster.take_wants();
  ASSERT_EQ(wants.size(), 1U);
  EXPECT_EQ(wants[0].offset, 0U);
  chunk(0, std::string(105, 'x'));
  EXPECT_EQ(appended().size(), 105U);
}

TEST_F(Outputs, ALargeResultCommitsOnlyWhenItsOutputIsHereAndDurable) {
  const std::string bytes(100'000, 'y');
  cluster.event("pi1", big_result(bytes.size()));
  EXPECT_EQ(cluster.take_wants().size(), 1U);
  EXPECT_TRUE(cluster.writes_of<PutTask>().empty());
  chunk(0, bytes.substr(0, 65536));
  chunk(65536, bytes.substr(65536));
  bool sealed = false;
  for (const auto& op : cluster.take_files()) sealed |= std::holds_alternative<SealOutput>(op);
  EXPECT_TRUE(sealed);
  EXPECT_TRUE(cluster.writes_of<PutTask>().empty()) << "not durable yet";
  cluster.step([&](Effects& effects) { on_output_sealed(cluster.state(), effects, cluster.now(), id); });
  ASSERT_EQ(cluster.writes_of<PutTask>().size(), 1U);
  EXPECT_TRUE(cluster.writes_of<PutOutput>().at(0).in_file);
  EXPECT_EQ(cluster.take("pi1").done, std::vector{id});
}

TEST_F(Outputs, ALostChunkIsAskedForAgainFromTheFirstMissingByte) {
  cluster.event("pi1", big_result(100'000));
  cluster.take_wants();
  chunk(0, std::string(65536, 'a'));
  cluster.pass(2500, {"pi1"});
  const auto wants = cluster.take_wants();
  ASSERT_FALSE(wants.empty());
  EXPECT_EQ(wants[0].offset, 65536U);
  cluster.take_files();
}

TEST_F(Outputs, AFullDiskIsTriedAgainLater) {
  cluster.event("pi1", big_result(70'000));
  cluster.take_wants();
  chunk(0, std::string(65536, 'a'));
  cluster.take_files();
  cluster.step(
      [&](Effects& effects) { on_output_failed(cluster.state(), effects, cluster.now(), id, Stream::stdout_, 0); });
  EXPECT_TRUE(cluster.take_wants().empty()) << "not at once";
  cluster.pass(2500, {"pi1"});
  EXPECT_EQ(cluster.take_wants().at(0).offset, 0U);
}

}  // namespace
}  // namespace bramble::aggregator::test
