// The aggregator's own Mosquitto: started, adopted, restarted and ended as a real process.
#include "aggregator/broker/own_broker.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "common/posix/files.hpp"
#include "common/posix/process.hpp"

namespace bramble::aggregator {
namespace {

using testing::HasSubstr;

class OwnBrokerTest : public testing::Test {
 protected:
  // Orphans become children of this process, so that an ended broker does not linger as a zombie.
  static void SetUpTestSuite() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

  OwnBrokerTest() {
    std::string name = testing::TempDir() + "own-broker-XXXXXX";
    dir_ = ::mkdtemp(name.data());
  }
  ~OwnBrokerTest() override {
    if (auto left = OwnBroker::start_or_adopt(dir_)) left->stop();
    std::filesystem::remove_all(dir_);
  }

  OwnBroker start() {
    auto broker = OwnBroker::start_or_adopt(dir_);
    if (!broker) throw std::runtime_error(broker.error().message);
    return std::move(*broker);
  }

  std::string file(const std::string& name) const {
    return posix::read_file(dir_ + "/broker/" + name, 1 << 20).value_or("");
  }

  std::string dir_;
};

bool exists(pid_t pid) { return ::kill(pid, 0) == 0; }

int publish(const OwnBroker& broker, const std::string& password) {
  auto process =
      posix::Process::spawn({.argv = {"mosquitto_pub", "-h", "127.0.0.1", "-p", std::to_string(broker.port()), "-u",
                                      broker.username(), "-P", password, "-t", "t", "-m", "m", "-q", "1"},
                             .env = {},
                             .directory = {}});
  return process ? process->wait(10'000).value_or(posix::ExitStatus{-1, 0}).code : -1;
}

// Listens on a port until destroyed.
class PortHolder {
 public:
  explicit PortHolder(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    held_ = ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && ::listen(fd_, 1) == 0;
  }
  ~PortHolder() { ::close(fd_); }
  PortHolder(const PortHolder&) = delete;
  PortHolder& operator=(const PortHolder&) = delete;
  bool held() const { return held_; }

 private:
  int fd_;
  bool held_;
};

void kill_and_wait(const OwnBroker& broker) {
  ::kill(broker.pid(), SIGKILL);
  while (broker.alive()) ::usleep(1000);  // ctest's time limit bounds it
}

TEST_F(OwnBrokerTest, StartsAndTakesMessagesOnlyWithItsPassword) {
  const OwnBroker broker = start();
  EXPECT_TRUE(broker.alive());
  EXPECT_FALSE(broker.adopted());
  EXPECT_EQ(broker.url(), "tcp://127.0.0.1:" + std::to_string(broker.port()));
  EXPECT_EQ(publish(broker, broker.password()), 0);
  EXPECT_NE(publish(broker, "guess"), 0);
}

TEST_F(OwnBrokerTest, RunsInASessionOfItsOwn) {
  const OwnBroker broker = start();
  EXPECT_EQ(::getsid(broker.pid()), broker.pid());
}

TEST_F(OwnBrokerTest, KeepsItsPasswordFromOtherUsers) {
  const OwnBroker broker = start();
  EXPECT_EQ(broker.password().size(), 64U);
  EXPECT_EQ(file("password"), broker.password() + "\n");
  EXPECT_THAT(file("password_hashes"), testing::Not(HasSubstr(broker.password())));
  for (const char* name : {"password", "password_hashes"}) {
    struct stat status {};
    ASSERT_EQ(::stat((dir_ + "/broker/" + name).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0077, 0U) << name;
  }
}

TEST_F(OwnBrokerTest, IsAdoptedWhenTheAggregatorWasKilled) {
  ASSERT_EQ(::fflush(nullptr), 0);
  const pid_t aggregator = ::fork();
  if (aggregator == 0) {
    const auto broker = OwnBroker::start_or_adopt(dir_);
    if (!broker) ::_exit(1);
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(aggregator, &status, 0), aggregator);
  ASSERT_TRUE(WIFSIGNALED(status)) << "the broker did not start";
  OwnBroker broker = start();
  EXPECT_TRUE(broker.adopted());
  EXPECT_EQ(publish(broker, broker.password()), 0);
  const pid_t pid = broker.pid();
  broker.stop();
  EXPECT_FALSE(exists(pid));
}

TEST_F(OwnBrokerTest, IsNotAdoptedWhenItsPidIsAnotherProcess) {
  OwnBroker first = start();
  const int port = first.port();
  auto state = nlohmann::json::parse(file("state.json"));
  kill_and_wait(first);
  state.at("pid") = ::getpid();
  state.at("start_ticks") = 1;  // this test may have begun in the very tick in which the broker did
  std::ofstream(dir_ + "/broker/state.json") << state;
  const OwnBroker second = start();
  EXPECT_FALSE(second.adopted());
  EXPECT_NE(second.pid(), ::getpid());
  EXPECT_EQ(second.port(), port) << "clients know the port";
}

TEST_F(OwnBrokerTest, StartsAnewWhenItsFilesAreDamaged) {
  std::filesystem::create_directories(dir_ + "/broker");
  std::ofstream(dir_ + "/broker/state.json") << "{\"pid\": \"";
  EXPECT_FALSE(start().adopted());
}

TEST_F(OwnBrokerTest, ReplacesABrokerThatIsSetUpDifferently) {
  const OwnBroker old = start();
  auto fresh = OwnBroker::start_or_adopt(dir_, {.mosquitto = "", .max_message_bytes = 2 << 20});
  ASSERT_TRUE(fresh) << fresh.error().message;
  EXPECT_FALSE(fresh->adopted());
  EXPECT_FALSE(old.alive());
  EXPECT_EQ(fresh->port(), old.port());
  fresh->stop();
}

TEST_F(OwnBrokerTest, RestartsOnItsPortAfterItWasKilled) {
  OwnBroker broker = start();
  const int port = broker.port();
  const pid_t pid = broker.pid();
  kill_and_wait(broker);
  ASSERT_TRUE(broker.restart());
  EXPECT_TRUE(broker.alive());
  EXPECT_NE(broker.pid(), pid);
  EXPECT_EQ(broker.port(), port);
  EXPECT_EQ(publish(broker, broker.password()), 0);
}

TEST_F(OwnBrokerTest, RestartLeavesABrokerThatIsAliveAlone) {
  OwnBroker broker = start();
  const pid_t pid = broker.pid();
  ASSERT_TRUE(broker.restart());
  EXPECT_EQ(broker.pid(), pid);
}

TEST_F(OwnBrokerTest, TakesAnotherPortWhenItsOwnIsTaken) {
  OwnBroker broker = start();
  const int port = broker.port();
  kill_and_wait(broker);
  const PortHolder holder(port);
  ASSERT_TRUE(holder.held());
  ASSERT_TRUE(broker.restart());
  EXPECT_NE(broker.port(), port);
  EXPECT_EQ(publish(broker, broker.password()), 0);
}

TEST_F(OwnBrokerTest, SaysThatMosquittoIsMissing) {
  const auto broker = OwnBroker::start_or_adopt(dir_, {.mosquitto = "/no/such/mosquitto"});
  ASSERT_FALSE(broker);
  EXPECT_EQ(broker.error().code, ErrorCode::not_found);
  EXPECT_THAT(broker.error().message, HasSubstr("apt install mosquitto"));
}

TEST_F(OwnBrokerTest, RepeatsTheLastWordsOfABrokerThatEndsAtOnce) {
  const std::string script = dir_ + "/mosquitto";
  std::ofstream(script) << "#!/bin/sh\necho no such luck >&2\nexit 3\n";
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  const auto broker = OwnBroker::start_or_adopt(dir_, {.mosquitto = script});
  ASSERT_FALSE(broker);
  EXPECT_THAT(broker.error().message, HasSubstr("no such luck"));
}

TEST_F(OwnBrokerTest, StopLeavesNoProcess) {
  OwnBroker broker = start();
  const pid_t pid = broker.pid();
  broker.stop();
  EXPECT_FALSE(broker.alive());
  EXPECT_FALSE(exists(pid));
}

TEST_F(OwnBrokerTest, ComesBackOnItsPortAfterAStop) {
  OwnBroker broker = start();
  broker.stop();
  OwnBroker next = start();
  EXPECT_FALSE(next.adopted());
  EXPECT_EQ(next.port(), broker.port());
  next.stop();
}

TEST_F(OwnBrokerTest, StopEndsABrokerThatDoesNotAnswer) {
  OwnBroker broker = start();
  ::kill(broker.pid(), SIGSTOP);
  broker.stop(50);
  EXPECT_FALSE(broker.alive());
}

}  // namespace
}  // namespace bramble::aggregator
