#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fstream>
#include <thread>

#include "common/posix/unique_fd.hpp"
#include "integration/cli/fake_aggregator.hpp"
#include "support/bramble_process.hpp"

namespace bramble::cli::testing {
namespace {

using nlohmann::json;
using test::BrambleProcess;
using test::Ran;
using test::run_bramble;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(Submit, PrintsTheJobsNumber) {
  FakeAggregator aggregator;
  const Ran ran = run_bramble(aggregator.url(), {"submit", "--name", "x", "--", "echo", "hi"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.out, "1\n");
  EXPECT_EQ(ran.err, "");
  const json body = aggregator.job(1).body;
  EXPECT_EQ(body["argv"], json({"echo", "hi"}));
  EXPECT_EQ(body["name"], "x");
}

TEST(Submit, SaysWhatTheAggregatorNotes) {
  FakeAggregator aggregator;
  aggregator.set_note("no node has a gpu");
  const Ran ran = run_bramble(aggregator.url(), {"submit", "--", "echo", "hi"});
  EXPECT_EQ(ran.out, "1\n");
  EXPECT_EQ(ran.err, "bramble: job 1 waits: no node has a gpu\n");
}

TEST(Submit, PrintsAnObjectAsJson) {
  FakeAggregator aggregator;
  EXPECT_EQ(run_bramble(aggregator.url(), {"submit", "--json", "--", "echo"}).out, "{\"job\":1}\n");
}

TEST(Submit, SendsNothingButADryRunWhenAskedForOne) {
  FakeAggregator aggregator;
  const Ran ran = run_bramble(aggregator.url(), {"submit", "--array", "1-10", "--dry-run", "--", "echo", "hi"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.out, "would submit a job of 10 tasks; nothing was changed\n");
  const auto posts = aggregator.posts();
  ASSERT_EQ(posts.size(), 1U);
  EXPECT_EQ(posts[0].second["dry_run"], true);
  EXPECT_EQ(aggregator.paths().size(), 1U);
  EXPECT_EQ(aggregator.jobs(), 0U);
}

TEST(Submit, MakesOneJobThoughTheAnswerGotLost) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) { aggregator.finish(task, 0); });
  ASSERT_EQ(run_bramble(aggregator.url(), {"submit", "--", "warm-up"}).status, 0);
  aggregator.lose_submit_answers(1);
  const Ran ran = run_bramble(aggregator.url(), {"run", "--", "echo"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(aggregator.jobs(), 2U);
  EXPECT_EQ(aggregator.posts().size(), 3U);
}

TEST(Submit, WaitsAndFailsWithTheJob) {
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) { aggregator.finish(task, task.job == 1 ? 0 : 7); });
  EXPECT_EQ(run_bramble(aggregator.url(), {"submit", "--wait", "--", "good"}).status, 0);
  const Ran failed = run_bramble(aggregator.url(), {"submit", "--wait", "--", "bad"});
  EXPECT_EQ(failed.status, 1);
  EXPECT_EQ(failed.out, "2\n");
  EXPECT_THAT(failed.err, HasSubstr("job 2: 1 of 1 task failed"));
}

TEST(Submit, LeavesTheJobAloneWhenItsWaitIsInterrupted) {
  FakeAggregator aggregator;
  BrambleProcess waiting(aggregator.url(), {"submit", "--wait", "--", "long"});
  ASSERT_TRUE(waiting.wait_for_out("1\n"));
  while (aggregator.paths().size() < 2) std::this_thread::yield();  // the watch: Ctrl-C is looked after by then
  waiting.signal(SIGINT);
  EXPECT_EQ(waiting.wait(), 130);
  EXPECT_THAT(waiting.err(), HasSubstr("job 1 goes on"));
  EXPECT_EQ(aggregator.job(1).state, "running");
}

TEST(Submit, UploadsAFileAsStandardInput) {
  FakeAggregator aggregator;
  const test::TempDir dir;
  std::ofstream(dir / "in") << "some bytes";
  EXPECT_EQ(run_bramble(aggregator.url(), {"submit", "--stdin-file", dir / "in", "--", "cat"}).status, 0);
  EXPECT_EQ(aggregator.job(1).tasks.at(0).input, "some bytes");
}

TEST(Submit, UploadsInputFilesUnderTheirNames) {
  FakeAggregator aggregator;
  const test::TempDir dir;
  std::ofstream(dir / "tool.sh") << "some bytes";
  EXPECT_EQ(run_bramble(aggregator.url(),
                        {"submit", "--input", dir / "tool.sh", "--input", (dir / "tool.sh") + "=run", "--", "./run"})
                .status,
            0);
  const auto files = aggregator.job(1).body["files"];
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0]["name"], "tool.sh");
  EXPECT_EQ(files[1]["name"], "run");
  EXPECT_EQ(files[0]["blob"], files[1]["blob"]);
  EXPECT_EQ(files[0]["size_bytes"], 10);
}

TEST(Submit, RefusesInputsThatCannotBeBeforeAnythingIsSent) {
  FakeAggregator aggregator;
  const test::TempDir dir;
  const auto refused = [&](const std::vector<std::string>& inputs, int status) {
    std::vector<std::string> args{"submit"};
    for (const auto& input : inputs) args.insert(args.end(), {"--input", input});
    args.insert(args.end(), {"--", "x"});
    const Ran ran = run_bramble(aggregator.url(), args);
    EXPECT_EQ(ran.status, status);
    EXPECT_TRUE(aggregator.paths().empty());
    return ran.err;
  };
  EXPECT_THAT(refused({"/nonexistent/in"}, 1), HasSubstr("/nonexistent/in"));
  EXPECT_THAT(refused({dir.path()}, 1), HasSubstr("is a directory: pack it"));
  EXPECT_THAT(refused({"/dev/null=x", "/dev/null=x"}, 2), HasSubstr("two input files are named x"));
}

TEST(Submit, NamesAMissingInputFileBeforeAnythingIsSent) {
  FakeAggregator aggregator;
  const Ran ran = run_bramble(aggregator.url(), {"submit", "--stdin-file", "/nonexistent/in", "--", "cat"});
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.err, HasSubstr("/nonexistent/in"));
  EXPECT_TRUE(aggregator.paths().empty());
}

TEST(Submit, TellsWhatTheAggregatorRefuses) {
  FakeAggregator aggregator;
  aggregator.refuse("/api/v1/jobs", 400, 1);
  const Ran ran = run_bramble(aggregator.url(), {"submit", "--", "x"});
  EXPECT_EQ(ran.status, 2);
  EXPECT_EQ(ran.err, "bramble: refused by the test\n");
}

TEST(Submit, ComesAgainWhenTheAggregatorIsBusy) {
  FakeAggregator aggregator;
  aggregator.refuse("/api/v1/jobs", 503, 2);
  const Ran ran = run_bramble(aggregator.url(), {"submit", "--", "x"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(aggregator.jobs(), 1U);
}

TEST(Usage, NamesTheNearestOptionAndReturns2) {
  const Ran ran = run_bramble("unix:/nonexistent", {"submit", "--arry", "1-2", "--", "x"});
  EXPECT_EQ(ran.status, 2);
  EXPECT_THAT(ran.err, HasSubstr("did you mean '--array'?"));
  EXPECT_EQ(ran.out, "");
}

TEST(Usage, Returns255WhereTheStatusIsTheCommandsOwn) {
  EXPECT_EQ(run_bramble("unix:/nonexistent", {"run", "--arry", "--", "x"}).status, 255);
  EXPECT_EQ(run_bramble("unix:/nonexistent", {"local", "--agents", "0"}).status, 255);
}

TEST(Usage, Returns3WhereNoAggregatorIsReached) {
  const Ran listed = run_bramble("unix:/nonexistent/api.sock", {"job", "list"});
  EXPECT_EQ(listed.status, 3);
  EXPECT_THAT(listed.err, HasSubstr("cannot reach the aggregator at unix:/nonexistent/api.sock"));
  EXPECT_EQ(run_bramble("unix:/nonexistent/api.sock", {"submit", "--", "x"}).status, 3);
  EXPECT_EQ(run_bramble("unix:/nonexistent/api.sock", {"map", "--", "x"}).status, 3);
  EXPECT_EQ(run_bramble("unix:/nonexistent/api.sock", {"run", "--", "x"}).status, 255);
}

// A place that is taken and at which nobody listens, for as long as it lives.
template <typename Address>
posix::UniqueFd occupy(Address& address, socklen_t size) {
  posix::UniqueFd fd(::socket(reinterpret_cast<const sockaddr&>(address).sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  return fd;
}

TEST(Usage, SaysInWordsWhyNoAggregatorIsReached) {
  EXPECT_THAT(run_bramble("unix:/nonexistent/api.sock", {"job", "list"}).err, HasSubstr("(there is no such socket)"));
  const test::TempDir dir;
  sockaddr_un left{};
  left.sun_family = AF_UNIX;
  std::strncpy(left.sun_path, (dir / "api.sock").c_str(), sizeof left.sun_path - 1);
  const auto no_reader = occupy(left, sizeof left);
  const Ran left_over = run_bramble("unix:" + (dir / "api.sock"), {"--give-up", "0", "job", "list"});
  EXPECT_THAT(left_over.err, HasSubstr("(connection refused: whoever made"));
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto no_listener = occupy(here, sizeof here);
  const std::string url = "http://127.0.0.1:" + std::to_string(ntohs(here.sin_port));
  const Ran refused = run_bramble(url, {"job", "list"});
  EXPECT_EQ(refused.status, 3);
  EXPECT_THAT(refused.err, HasSubstr(url + " (connection refused)"));
  EXPECT_THAT(refused.err, Not(HasSubstr("bramble local")));
}

TEST(Usage, TellsNothingOfATrainingBeforeItHasReachedTheCluster) {
  const test::TempDir dir;
  std::ofstream(dir / "two.csv") << "1,2,a\n2,1,b\n3,4,a\n4,3,b\n";
  std::ofstream(dir / "two.toml") << "[data]\nfile = 'two.csv'\nvalidation = 0\n[model]\nlayers = ['dense 2']\n";
  const Ran ran = run_bramble("unix:/nonexistent/api.sock", {"train", dir / "two.toml", "--output", dir / "two.model"});
  EXPECT_EQ(ran.status, 3);
  EXPECT_THAT(ran.err, StartsWith("bramble: cannot reach the aggregator"));
}

TEST(Usage, SaysHowToHaveAClusterWhereNobodySaidWhereOneIs) {
  const std::string installed = "/run/bramble/api.sock";
  if (::access(installed.c_str(), F_OK) == 0) GTEST_SKIP() << "an aggregator is installed on this machine";
  EXPECT_THAT(run_bramble("unix:" + installed, {"job", "list"}).err,
              HasSubstr("bramble local starts a cluster on this machine"));
}

TEST(Train, SendsDataThatIsThereAlreadyNoSecondTime) {
  const test::TempDir dir;
  {
    std::ofstream data(dir / "two.csv");
    for (int row = 0; row < 20'000; ++row) data << row % 7 << ',' << row % 5 << ',' << row % 2 << '\n';
  }
  std::ofstream(dir / "two.toml") << "[data]\nfile = 'two.csv'\n[model]\nlayers = ['dense 2']\n";
  FakeAggregator aggregator;
  aggregator.on_task([&](TaskKey task) { aggregator.finish(task, 1); });
  const auto uploads = [&] {
    const auto paths = aggregator.paths();
    return std::count(paths.begin(), paths.end(), "POST /api/v1/blobs");
  };
  const std::vector<std::string> command{"train", dir / "two.toml", "--output", dir / "two.model"};
  EXPECT_EQ(run_bramble(aggregator.url(), command).status, 1);
  const auto first = uploads();
  EXPECT_EQ(run_bramble(aggregator.url(), command).status, 1);
  EXPECT_EQ(uploads() - first, first - 1) << "all but the data: what is small is sent as fast as it is asked for";
  EXPECT_EQ(aggregator.job(2).body["files"][0], aggregator.job(1).body["files"][0]);
}

}  // namespace
}  // namespace bramble::cli::testing
