// The job behind bramble train and bramble infer, with limits that a test can reach, on a whole cluster.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "aggregator/cli/kernel_job.hpp"
#include "common/learn/calls.hpp"
#include "common/learn/model.hpp"
#include "common/posix/unique_fd.hpp"
#include "local_cluster.hpp"
#include "support/learn_samples.hpp"

namespace bramble::test {
namespace {

constexpr int kPatienceMs = 120'000;

class KernelJobs : public LocalCluster {
 protected:
  void SetUp() override {
    LocalCluster::SetUp();
    for (const char* name : {"/up", "/done"}) ASSERT_EQ(::mkfifo((dir + name).c_str(), 0600), 0);
    up_ = posix::UniqueFd(::open((dir + "/up").c_str(), O_RDWR | O_CLOEXEC));
    done_ = posix::UniqueFd(::open((dir + "/done").c_str(), O_RDWR | O_CLOEXEC));
    cluster_ = std::thread([this] { ended_ = run(1, "echo $BRAMBLE_URL >$DIR/up; read -r line <$DIR/done\n"); });
  }

  void TearDown() override {
    EXPECT_EQ(::write(done_.get(), "\n", 1), 1);
    cluster_.join();
    EXPECT_EQ(ended_.status, 0) << ended_.err;
    LocalCluster::TearDown();
  }

  // Of the cluster, once it is up; empty if it does not come.
  std::string url() {
    pollfd ready{up_.get(), POLLIN, 0};
    if (::poll(&ready, 1, kPatienceMs) != 1) return "";
    char text[1000];
    const ssize_t size = ::read(up_.get(), text, sizeof text);
    return size < 2 ? "" : std::string(text, static_cast<size_t>(size) - 1);
  }

  posix::UniqueFd up_;
  posix::UniqueFd done_;
  std::thread cluster_;
  ScriptResult ended_;
};

learn::Model corner_model() {
  const auto training = learn::Training::prepare(learn::corner_plan(), learn::corner_files());
  return *make_model(*training, training->initial());
}

TEST_F(KernelJobs, KeepTheirFilesWhenAnotherTakesThePlaceOfOneThatIsFull) {
  const auto endpoint = cli::parse_url(url());
  ASSERT_TRUE(endpoint) << endpoint.error().message;
  cli::Console console(STDOUT_FILENO, STDERR_FILENO);
  cli::Reconnect reconnect(console, kPatienceMs);
  cli::Api api(*endpoint, reconnect);
  const learn::Model model = corner_model();
  std::vector<std::string> calls, expected;
  for (const std::vector<float>& rows : {std::vector<float>{1, 2, 3, 4}, {5, 6}, {7, 8, 9, 10, 11, 12}}) {
    calls.push_back(learn::encode_call(learn::AnswerCall{rows}));
    expected.push_back(learn::encode_floats(*learn::Inference::of(model)->answer(rows)));
  }
  for (const cli::KernelJobLimits limits : {cli::KernelJobLimits{1, 1000}, cli::KernelJobLimits{1 << 20, 2}}) {
    cli::TaskOptions task;
    task.argv = {"mlp"};
    cli::KernelJob kernels([&] { return cli::Api(*endpoint, reconnect); }, console, task, limits);
    ASSERT_TRUE(kernels.add_file({learn::kModelFile, encode_model(model)}));
    JobId before = 0;
    for (int question = 1; question <= 3; ++question) {
      const auto answers = kernels.ask(calls, {}, 2);
      ASSERT_TRUE(answers) << "question " << question << ": " << answers.error().message;
      EXPECT_EQ(*answers, expected);
      EXPECT_NE(kernels.job(), before);
      EXPECT_FALSE(api.get("/api/v1/jobs/" + std::to_string(before))) << "it is forgotten";
      before = kernels.job();
      EXPECT_EQ((*api.get("/api/v1/jobs/" + std::to_string(before)))["tasks"]["total"], 2) << "of three calls";
    }
    EXPECT_THAT(kernels.ask({calls[0], "no call", calls[2]}, {}, 1).error().message,
                testing::HasSubstr("makes no sense"));
    EXPECT_TRUE(kernels.close());
  }
}

TEST_F(KernelJobs, TellWhatAKernelWroteToStandardErrorWhereItBroke) {
  const auto endpoint = cli::parse_url(url());
  ASSERT_TRUE(endpoint) << endpoint.error().message;
  const std::string told = dir + "/told";
  const posix::UniqueFd err(::open(told.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  cli::Console console(STDOUT_FILENO, err.get());
  cli::Reconnect reconnect(console, kPatienceMs);
  cli::TaskOptions task;
  task.argv = {std::string(kBinaryDir) + "/tests/support/odd_kernel"};
  cli::KernelJob kernels([&] { return cli::Api(*endpoint, reconnect); }, console, task);
  EXPECT_THAT(kernels.ask({"say I am well\n", "refuse this"}, {}, 1).error().message, testing::HasSubstr("this"));
  EXPECT_EQ(posix::read_file(told, 1000).value_or("?"), "") << "the kernel went on";
  EXPECT_THAT(kernels.ask({"say the GPU is gone\n", "exit 3"}, {}, 1).error().message,
              testing::HasSubstr("the kernel ended with status 3 and gave no answer"));
  EXPECT_EQ(posix::read_file(told, 1000).value_or("?"),
            "bramble: the standard error of task 1/1 ends so:\nthe GPU is gone\n");
  EXPECT_TRUE(kernels.close());
}

}  // namespace
}  // namespace bramble::test
