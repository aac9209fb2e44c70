#include "support/mosquitto.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace bramble::test {
namespace {

bool alive(pid_t pid) { return ::kill(pid, 0) == 0; }

TEST(MosquittoFixture, RestartsOnTheSamePortAndLeavesNoProcess) {
  pid_t first = 0, second = 0;
  {
    Mosquitto broker;
    const int port = broker.port();
    first = broker.pid();
    ASSERT_TRUE(alive(first));
    broker.stop();
    EXPECT_FALSE(alive(first));
    broker.start();
    second = broker.pid();
    EXPECT_TRUE(alive(second));
    EXPECT_EQ(broker.port(), port);
  }
  EXPECT_FALSE(alive(second));
}

TEST(MosquittoFixture, TwoRunSideBySide) {
  Mosquitto one, two({.defaults = true, .max_packet_size = 1000, .extra_lines = {"retain_available false"}});
  EXPECT_NE(one.port(), two.port());
}

TEST(MosquittoFixture, TellsTheBrokersOwnWordsWhenItDoesNotStart) {
  try {
    Mosquitto broker({.extra_lines = {"no_such_option 1"}});
    FAIL() << "started with a configuration that is wrong";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("no_such_option"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace bramble::test
