// What is kept, for how long, and what people see when the room for it is used up.
#include <chrono>
#include <functional>
#include <thread>

#include "fixture.hpp"

namespace bramble::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class AggregatorRetention : public AggregatorTest {
 protected:
  json listed() const { return json::parse(bramble({"job", "list", "--json"}).out, nullptr, false); }

  std::vector<JobId> jobs() const {
    std::vector<JobId> ids;
    for (const auto& job : listed()) ids.push_back(job["job"]);
    return ids;
  }

  // There is no long poll for these: asked again until it is so.
  static bool eventually(const std::function<bool()>& so) {
    for (int i = 0; i < 400; ++i) {
      if (so()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }

  Mosquitto broker_;
};

TEST_F(AggregatorRetention, TheOldestBeyondTheNumberToKeepAreForgotten) {
  AggregatorProcess first(dir_.path(), config(dir_ / "state", broker_.url()));
  first.start();
  first.wait_logged("the aggregator is up");
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(bramble({"submit", "--", "true"}).status, 0);
    ASSERT_EQ(bramble({"job", "cancel", "last"}).status, 0);
  }
  EXPECT_EQ(jobs(), (std::vector<JobId>{1, 2, 3, 4}));
  first.stop();
  AggregatorProcess second(dir_.path(), config(dir_ / "state", broker_.url(), "keep_jobs = 2\n"));
  second.start();
  second.wait_logged("the aggregator is up", 2);
  EXPECT_TRUE(eventually([&] { return jobs() == std::vector<JobId>{3, 4}; })) << listed().dump();
  second.wait_logged("forgot 2 old jobs, from job 1 on");
  EXPECT_EQ(bramble({"submit", "--", "true"}).out, "5\n");
}

TEST_F(AggregatorRetention, AFullQuotaLosesNothingAndSaysWhatToDo) {
  AggregatorProcess aggregator(dir_.path(), config(dir_ / "state", broker_.url(), "blob_quota_bytes = 1048576\n"));
  aggregator.start();
  aggregator.wait_logged("the aggregator is up");
  NodeProcesses node(dir_ / "node", "pi01", broker_.url());
  wait_for_node("pi01", "on");
  ASSERT_EQ(bramble({"submit", "--wait", "--", "head", "-c", "700000", "/dev/zero"}).status, 0);
  ASSERT_EQ(bramble({"submit", "--", "head", "-c", "700000", "/dev/zero"}).status, 0);
  EXPECT_TRUE(eventually([&] {
    return bramble({"job", "explain", "2"}).out.find("the room for inputs and outputs is used up") != std::string::npos;
  })) << bramble({"job", "explain", "2"}).out;
  EXPECT_THAT(bramble({"job", "explain", "2.0"}).out, HasSubstr("bramble job forget"));
  EXPECT_THAT(bramble({"job", "list"}).err, HasSubstr("1M): bramble job forget removes ended jobs"));
  EXPECT_THAT(bramble({"node", "list"}).err, HasSubstr("used up"));
  aggregator.wait_logged("the room for inputs and outputs is used up");

  ASSERT_EQ(bramble({"job", "forget", "1"}).status, 0);
  EXPECT_EQ(bramble({"job", "wait", "2"}).status, 0);
  EXPECT_EQ(bramble({"job", "cat", "2"}).out.size(), 700'000U);
  EXPECT_EQ(bramble({"job", "list"}).err, "");
}

}  // namespace
}  // namespace bramble::test
