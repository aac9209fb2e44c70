#include "common/mqtt/broker_address.hpp"

#include <gtest/gtest.h>

#include "common/mqtt/reason_text.hpp"

namespace bramble::mqtt {
namespace {

TEST(BrokerAddress, IsReadFromAUrl) {
  EXPECT_EQ(parse_broker_url("tcp://127.0.0.1:1884"), (BrokerAddress{"127.0.0.1", 1884}));
  EXPECT_EQ(parse_broker_url("mqtt://head.local"), (BrokerAddress{"head.local", 1883}));
  EXPECT_EQ(parse_broker_url("tcp://head/"), (BrokerAddress{"head", 1883}));
  EXPECT_EQ(parse_broker_url("tcp://[::1]:2000"), (BrokerAddress{"::1", 2000}));
  EXPECT_EQ(parse_broker_url("tcp://[fe80::1]"), (BrokerAddress{"fe80::1", 1883}));
}

TEST(BrokerAddress, IsWrittenAsPeopleReadIt) {
  EXPECT_EQ(to_string(BrokerAddress{"127.0.0.1", 1884}), "127.0.0.1:1884");
  EXPECT_EQ(to_string(BrokerAddress{"::1", 2000}), "[::1]:2000");
}

TEST(BrokerAddress, SaysWhatAUrlShouldLookLike) {
  for (const char* url :
       {"", "head", "head:1883", "http://head", "tcp://", "tcp://:1883", "tcp://head:", "tcp://head:0",
        "tcp://head:65536", "tcp://head:18x", "tcp://[::1", "tcp://[::1]1883", "tcp://head/x"}) {
    const auto address = parse_broker_url(url);
    ASSERT_FALSE(address) << url;
    EXPECT_NE(address.error().message.find("tcp://HOST:PORT"), std::string::npos);
  }
}

TEST(ReasonText, HasWordsForWhatItKnowsAndANumberForTheRest) {
  EXPECT_EQ(reason_text(0x86), "bad user name or password");
  EXPECT_EQ(reason_text(0x7A), "reason code 122");
}

}  // namespace
}  // namespace bramble::mqtt
