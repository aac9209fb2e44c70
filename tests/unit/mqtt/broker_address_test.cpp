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

TEST(BrokerAddress, OfTlsIsReadFromAUrl) {
  EXPECT_EQ(parse_broker_url("ssl://head.local"), (BrokerAddress{"head.local", 8883, true}));
  EXPECT_EQ(parse_broker_url("mqtts://10.0.0.1:1"), (BrokerAddress{"10.0.0.1", 1, true}));
}

TEST(BrokerAddress, SeveralWaysAreReadInTheirOrder) {
  const auto ways = parse_broker_urls("ssl://head.local,ssl://[::1]:9000");
  ASSERT_TRUE(ways);
  EXPECT_EQ(*ways, (std::vector<BrokerAddress>{{"head.local", 8883, true}, {"::1", 9000, true}}));
  for (const char* urls : {"", ",", "ssl://a,", "ssl://a,b"}) EXPECT_FALSE(parse_broker_urls(urls)) << urls;
  std::string many = "ssl://a";
  for (size_t i = 0; i < kMaxBrokerUrls; ++i) many += ",ssl://a";
  EXPECT_EQ(parse_broker_urls(many).error().code, ErrorCode::limit);
}

TEST(ReasonText, OfTlsSaysWhatToDo) {
  EXPECT_EQ(tls_reason(""), "");
  EXPECT_EQ(tls_reason("error:0A00010B:SSL routines::wrong version number\n"), "it does not speak TLS on that port");
  EXPECT_EQ(tls_reason("something new\n"), "something new");
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
