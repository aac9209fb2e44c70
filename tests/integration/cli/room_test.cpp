// A head without room: who waits for work is told so once, and goes on by itself when there is room.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/socket.h>

#include <condition_variable>
#include <csignal>
#include <fstream>
#include <list>
#include <mutex>
#include <thread>

#include "common/wire/call_frames.hpp"
#include "integration/cli/fake_aggregator.hpp"
#include "support/bramble_process.hpp"
#include "support/temp_dir.hpp"

namespace bramble::cli::testing {
namespace {

using nlohmann::json;
using test::BrambleProcess;
using test::Ran;
using test::run_bramble;
using ::testing::HasSubstr;

constexpr const char* kSentence = "the room for inputs and outputs is used up";
constexpr int kForEver = 1'000'000;

json health(bool full) {
  return {{"version", "test"}, {"storage", {{"full", full}, {"quota_bytes", uint64_t{16} << 30}}}};
}

size_t times_in(const std::string& text, const std::string& part) {
  size_t times = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++times;
  return times;
}

void finish(FakeAggregator& aggregator, TaskKey task) {
  std::string out = "out";
  if (aggregator.job(task.job).body.contains("calls")) {
    out.clear();
    wire::append_reply(out, {0, wire::CallStatus::good, "out"});
  }
  aggregator.write(task, out);
  aggregator.finish(task, 0);
}

// Commands whose work ends with one task each.
std::vector<std::vector<std::string>> commands() {
  return {{"run", "--", "x"}, {"submit", "--wait", "--", "x"}, {"map", "--", "x"}, {"call", "echo"}};
}

TEST(Room, ThatLacksForOutputsIsToldOnceToWhoWaitsForThem) {
  FakeAggregator aggregator;
  aggregator.set_health(health(true));
  std::list<BrambleProcess> waiting;
  for (const auto& command : commands()) waiting.emplace_back(aggregator.url(), command, "input\n");
  for (BrambleProcess& each : waiting) EXPECT_TRUE(each.wait_for_err(kSentence)) << each.err();
  for (JobId job = 1; job <= waiting.size(); ++job) {
    ASSERT_TRUE(aggregator.wait_for_tasks(job, 1));
    finish(aggregator, {job, 0});
  }
  for (BrambleProcess& each : waiting) {
    EXPECT_EQ(each.wait(), 0) << each.err();
    EXPECT_EQ(times_in(each.err(), kSentence), 1U) << each.err();
  }
}

TEST(Room, ThatLacksForInputsIsWaitedForLongerThanAnAggregatorThatIsAway) {
  test::TempDir dir;
  const std::string input = dir / "input";
  std::ofstream(input) << "input";
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) { finish(aggregator, task); });
  aggregator.set_health(health(true));
  aggregator.refuse("/api/v1/blobs", 503, kForEver);
  std::list<BrambleProcess> waiting;
  for (auto command : commands()) {
    if (command.front() == "submit") command = {"submit", "--wait", "--stdin-file", input, "--", "x"};
    command.insert(command.begin() + 1, {"--give-up", "200ms"});
    waiting.emplace_back(aggregator.url(), command, "input\n");
  }
  for (BrambleProcess& each : waiting) EXPECT_TRUE(each.wait_for_err(kSentence)) << each.err();
  aggregator.refuse("/api/v1/blobs", 503, 0);
  for (BrambleProcess& each : waiting) {
    EXPECT_EQ(each.wait(), 0) << each.err();
    EXPECT_EQ(times_in(each.err(), kSentence), 1U) << each.err();
  }
}

TEST(Room, IsWaitedForUntilCtrlC) {
  FakeAggregator aggregator;
  aggregator.set_health(health(true));
  aggregator.refuse("/api/v1/blobs", 503, kForEver);
  BrambleProcess call(aggregator.url(), {"call", "--give-up", "200ms", "echo"}, "input\n");
  ASSERT_TRUE(call.wait_for_err(kSentence));
  call.signal(SIGINT);
  EXPECT_EQ(call.wait(), 130);
  EXPECT_EQ(aggregator.job(1).state, "cancelled");
}

// An aggregator whose job database cannot be written: it says so, and answers no submission until it can.
class StuckAggregator {
 public:
  StuckAggregator() {
    server_.set_address_family(AF_UNIX);
    server_.set_keep_alive_timeout(1);
    server_.Get("/api/v1/health", [](const auto&, auto& response) {
      response.set_content(R"({"version":"test","store_ok":false})", "application/json");
    });
    server_.Post("/api/v1/jobs", [this](const auto&, auto& response) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return has_room_; });
      }
      response.set_content(R"({"job":7})", "application/json");
    });
    server_.bind_to_port(dir_ / "api.sock", 80);
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~StuckAggregator() {
    make_room();
    server_.stop();
    thread_.join();
  }
  StuckAggregator(const StuckAggregator&) = delete;
  StuckAggregator& operator=(const StuckAggregator&) = delete;

  std::string url() const { return "unix:" + (dir_ / "api.sock"); }
  void make_room() {
    const std::lock_guard lock(mutex_);
    has_room_ = true;
    changed_.notify_all();
  }

 private:
  test::TempDir dir_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool has_room_ = false;
  httplib::Server server_;
  std::thread thread_;
};

// What cpp-httplib makes at its first request is made here, before threads that share it: the thread sanitizer does not
// see how that library guards it.
void serve_a_first_request() {
  FakeAggregator aggregator;
  run_bramble(aggregator.url(), {"job", "list"});
}

TEST(Room, ThatLacksForTheJobDatabaseIsToldWhileNothingIsAnswered) {
  serve_a_first_request();
  StuckAggregator aggregator;
  BrambleProcess submit(aggregator.url(), {"submit", "--", "x"});
  EXPECT_TRUE(submit.wait_for_err("the job database cannot be written")) << submit.err();
  aggregator.make_room();
  EXPECT_EQ(submit.wait(), 0) << submit.err();
  EXPECT_EQ(submit.out(), "7\n");
}

TEST(Room, IsNotWaitedForByWhoOnlyAsks) {
  FakeAggregator aggregator;
  aggregator.set_health(health(true));
  aggregator.refuse("/api/v1/jobs/cancel", 503, kForEver);
  const Ran ran = run_bramble(aggregator.url(), {"job", "cancel", "1", "--give-up", "200ms"});
  EXPECT_EQ(ran.status, 3);
  EXPECT_THAT(ran.err, HasSubstr(kSentence));
}

}  // namespace
}  // namespace bramble::cli::testing
