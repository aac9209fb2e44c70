// Outputs that become one blob, also where putting it together takes longer than anybody waits.
#include <thread>

#include "aggregator/http/gather_run.hpp"
#include "integration/http/server_fixture.hpp"

namespace bramble::aggregator::http {
namespace {

using wire::Stream;

const std::string kGatherPath = "/api/v1/blobs/gather";
const std::string kLong = R"({"job":1,"parts":[[5,0,12582912]]})";

class GatherTest : public ServerTest {
 protected:
  void add_file(TaskIndex task, size_t bytes) {
    jobs_.add_output({1, task}, Stream::stdout_, {3, bytes, 0, true, ""});
    files_.add_output({1, task, 3}, Stream::stdout_, std::string(bytes, 'x'));
  }

  // Gibibytes of task 5's output, which nobody would wait for; others for another number.
  static std::string endless(int which) {
    std::string parts = "[5,0," + std::to_string(which) + "]";
    for (int i = 0; i < 2'000; ++i) parts += ",[5,0,12582912]";
    return R"({"job":1,"parts":[)" + parts + "]}";
  }

  void begin_post(const test::RawSocket& socket, const std::string& path, const std::string& body) {
    socket.send("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                body);
  }
};

TEST_F(GatherTest, PartsOfOutputsAreGatheredIntoABlob) {
  jobs_.add_output({1, 5}, Stream::stdout_, {3, 3 << 20, 0, true, ""});
  files_.add_output({1, 5, 3}, Stream::stdout_, std::string(3 << 20, 'x'));
  jobs_.add_output({1, 6}, Stream::stdout_, {1, 5, 0, false, "hello"});
  const uint64_t bytes = (2 << 20) + 7 + 4;
  const Response response = post("/api/v1/blobs/gather", R"({"job":1,"parts":[[5,10,2097159],[6,1,4],[6,5,0]]})");
  EXPECT_EQ(response.status, 201) << response.body;
  EXPECT_NE(response.body.find(FakeFiles::name_of(bytes)), std::string::npos) << response.body;
  EXPECT_EQ(files_.counts().written_bytes, bytes);
  EXPECT_TRUE(files_.counts().last_bytes.ends_with("xello"));
}

TEST_F(GatherTest, PartsThatAreNotThereAreRefusedAndLeaveNothing) {
  jobs_.add_output({1, 6}, Stream::stdout_, {1, 5, 0, false, "hello"});
  EXPECT_EQ(post("/api/v1/blobs/gather", R"({"job":1,"parts":[[6,2,4]]})").status, 400);
  EXPECT_EQ(post("/api/v1/blobs/gather", R"({"job":1,"parts":[[6,6,0]]})").status, 400);
  EXPECT_EQ(post("/api/v1/blobs/gather", R"({"job":1,"parts":[[9,0,1]]})").status, 404);
  EXPECT_EQ(post("/api/v1/blobs/gather", R"({"job":1,"parts":[7]})").status, 400);
  EXPECT_TRUE(files_.wait_until_writers(0));
}

TEST_F(GatherTest, WhoAsksAgainJoinsWhatIsUnderWay) {
  add_file(5, 12 * kMiB);
  start();
  files_.gate.shut();
  EXPECT_EQ(post(kGatherPath + "?wait_s=0", kLong).status, 202);
  ASSERT_TRUE(files_.gate.wait_for_waiting(1));
  const Response again = post(kGatherPath + "?wait_s=0", kLong);
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(again.body, R"({"gathering":true})");
  const auto waiting = raw();
  begin_post(waiting, kGatherPath, kLong);
  files_.gate.open();
  EXPECT_TRUE(waiting.read_until("}").starts_with("HTTP/1.1 201"));
  EXPECT_EQ(files_.counts().written_bytes, 12 * kMiB);  // once
  EXPECT_EQ(files_.counts().dropped, 0U);
}

TEST_F(GatherTest, AllWhoWaitAreToldAndWhoLeftIsNot) {
  GatherRun run(jobs_, files_, {1, {}}, nullptr);
  std::vector<int> told;
  const auto answer = [&told](int who) {
    return [&told, who](const HttpReply& reply) { told.push_back(who + reply.status); };
  };
  ASSERT_TRUE(run.wait(answer(1000)));
  const auto leaving = run.wait(answer(2000));
  ASSERT_TRUE(run.wait(answer(3000)));
  ASSERT_TRUE(leaving);
  EXPECT_TRUE(run.leave(*leaving));
  EXPECT_FALSE(run.leave(*leaving));
  EXPECT_TRUE(run.finish(json_reply("{}", 201)));
  EXPECT_EQ(told, (std::vector<int>{1201, 3201}));
  EXPECT_FALSE(run.wait(answer(4000)));  // at once
  EXPECT_EQ(told.back(), 4201);
}

TEST_F(GatherTest, AResultThatNobodyWaitedForIsThereForWhoAsksNext) {
  add_file(5, 12 * kMiB);
  start();
  files_.gate.shut();
  EXPECT_EQ(post(kGatherPath + "?wait_s=0", kLong).status, 202);
  files_.gate.open();
  ASSERT_TRUE(files_.wait_until_writers(0));
  const Response response = post(kGatherPath, kLong);
  EXPECT_EQ(response.status, 201) << response.body;
  EXPECT_NE(response.body.find(FakeFiles::name_of(12 * kMiB)), std::string::npos) << response.body;
  EXPECT_EQ(files_.counts().written_bytes, 12 * kMiB);  // once
}

TEST_F(GatherTest, TakesAPlaceAmongTheUploads) {
  add_file(5, 12 * kMiB);
  options.limits.max_uploads = 1;
  start();
  files_.gate.shut();
  EXPECT_EQ(post(kGatherPath + "?wait_s=0", kLong).status, 202);
  const Response refused = post(kGatherPath, R"({"job":1,"parts":[[5,0,1]]})");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.error(), "too many uploads at once: try again");
  EXPECT_EQ(post("/api/v1/blobs", "hello").status, 503);
  files_.gate.open();
  EXPECT_EQ(post(kGatherPath, kLong).status, 201);
  EXPECT_EQ(post("/api/v1/blobs", "hello").status, 201);
}

TEST_F(GatherTest, LongOnesKeepNoUploadWaiting) {
  add_file(5, 12 * kMiB);
  start();
  files_.gate.shut();
  for (int which = 0; which < 5; ++which) {
    EXPECT_EQ(post(kGatherPath + "?wait_s=0", endless(which)).status, 202);
  }
  files_.gate.open();
  EXPECT_EQ(post("/api/v1/blobs", "hello").status, 201);
  EXPECT_TRUE(files_.wait_until_writers(5));  // none has ended; the last one may begin only now
}

TEST_F(GatherTest, EndsWithTheServerAndLeavesNothing) {
  add_file(5, 12 * kMiB);
  start();
  files_.gate.shut();
  const auto waiting = raw();
  begin_post(waiting, kGatherPath, endless(0));
  ASSERT_TRUE(files_.gate.wait_for_waiting(1));
  std::thread opener([&] {
    EXPECT_TRUE(waiting.read_until("\r\n").starts_with("HTTP/1.1 503"));  // the first thing that the end does
    files_.gate.open();
  });
  stop();
  opener.join();
  EXPECT_EQ(files_.counts().writers, 0U);
  EXPECT_EQ(files_.counts().dropped, 1U);
}

TEST_F(GatherTest, AFullDiskIsToldToAllWhoWait) {
  add_file(5, 12 * kMiB);
  files_.fill_disk();
  const Response response = post(kGatherPath, kLong);
  EXPECT_EQ(response.status, 500);
  EXPECT_NE(response.error().find("no space left"), std::string::npos) << response.error();
  EXPECT_TRUE(files_.wait_until_writers(0));
}

}  // namespace
}  // namespace bramble::aggregator::http
