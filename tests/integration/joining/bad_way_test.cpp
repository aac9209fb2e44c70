// A configuration by which no node could come in, or not safely, is refused with what to write.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/daemon_process.hpp"
#include "support/mosquitto.hpp"
#include "support/temp_dir.hpp"

namespace bramble::test {
namespace {

using testing::HasSubstr;

class BadWay : public testing::Test {
 protected:
  std::string complaint(const std::string& lines) {
    DaemonProcess aggregator(
        BRAMBLE_AGGREGATOR, dir_ / "head",
        "state_dir = \"" + dir_ / "state" + "\"\napi_socket = \"" + dir_ / "api.sock" + "\"\n" + lines);
    aggregator.start();
    EXPECT_FALSE(aggregator.wait_for_end().success());
    return aggregator.log();
  }

  TempDir dir_;
};

TEST_F(BadWay, AnAddressThatIsNone) {
  for (const char* const listen : {"8883", ":8883", "0.0.0.0", "0.0.0.0:0", "0.0.0.0:99999", "a b:8883"}) {
    EXPECT_THAT(complaint("node_listen = \"" + std::string(listen) + "\"\n"), HasSubstr("ADDRESS:PORT")) << listen;
  }
}

TEST_F(BadWay, AListenerAtABrokerThatIsNotOurs) {
  EXPECT_THAT(complaint("node_listen = \"0.0.0.0:8883\"\nbroker_url = \"tcp://127.0.0.1:1\"\n"),
              HasSubstr("node_broker_url"));
}

TEST_F(BadWay, NodesWithoutTls) {
  EXPECT_THAT(complaint("node_broker_url = \"tcp://head:1883\"\n"), HasSubstr("must begin with ssl://"));
}

TEST_F(BadWay, APortThatAnotherProgramHas) {
  const Mosquitto other;
  EXPECT_THAT(complaint("node_listen = \"127.0.0.1:" + std::to_string(other.port()) + "\"\n"),
              HasSubstr("Address already in use"));
}

TEST_F(BadWay, AKeyThatIsMisspelt) {
  EXPECT_THAT(complaint("node_listn = \"0.0.0.0:8883\"\n"), HasSubstr("node_listen"));
}

}  // namespace
}  // namespace bramble::test
