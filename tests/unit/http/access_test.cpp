#include "aggregator/http/access.hpp"

#include <gtest/gtest.h>

#include "aggregator/http/doors.hpp"

namespace bramble::aggregator::http {
namespace {

const AccessPolicy kPolicy{{"Head.local"}};

AccessHeaders headers(std::string host, std::optional<std::string> origin = {}) {
  return {std::move(host), std::move(origin), {}};
}

int status_of(const AccessHeaders& given) {
  const auto refusal = check_site(kPolicy, given, "192.168.1.5");
  return refusal ? refusal->http_status : 200;
}

TEST(HostNameOf, DropsPortAndBracketsAndCase) {
  EXPECT_EQ(host_name_of("Pi.local:8737"), "pi.local");
  EXPECT_EQ(host_name_of("127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(host_name_of("[::1]:80"), "::1");
  EXPECT_EQ(host_name_of("[::1]"), "::1");
}

TEST(HostNameOf, IsEmptyForWhatIsNoHost) {
  for (const char* bad : {"", "[::1", "[::1]x", "host:80x", "a:b:c"}) EXPECT_EQ(host_name_of(bad), "") << bad;
}

TEST(Access, TakesTheNamesAndAddressesThatWeListenOn) {
  EXPECT_EQ(status_of(headers("localhost:8737")), 200);
  EXPECT_EQ(status_of(headers("192.168.1.5:8737")), 200);
  EXPECT_EQ(status_of(headers("HEAD.local:8737")), 200);
}

TEST(Access, RefusesForeignAndMissingHosts) {
  EXPECT_EQ(status_of(headers("evil.example")), 421);
  EXPECT_EQ(status_of(headers("192.168.1.6:8737")), 421);
  EXPECT_EQ(status_of(headers("")), 421);
  EXPECT_EQ(status_of({std::nullopt, std::nullopt, std::nullopt}), 421);
}

TEST(Access, TakesOnlyTheOriginThatIsTheHostItself) {
  EXPECT_EQ(status_of(headers("localhost:8737", "http://localhost:8737")), 200);
  EXPECT_EQ(status_of(headers("head.local", "https://HEAD.local")), 200);
  EXPECT_EQ(status_of(headers("localhost:8737", "http://localhost:3000")), 403);
  EXPECT_EQ(status_of(headers("localhost:8737", "http://evil.example")), 403);
  EXPECT_EQ(status_of(headers("localhost:8737", "null")), 403);
  EXPECT_EQ(status_of(headers("localhost:8737", "")), 403);
}

TEST(BearerToken, IsWhatStandsBehindTheScheme) {
  EXPECT_EQ(bearer_token("Bearer sesame"), "sesame");
  EXPECT_EQ(bearer_token("bearer  sesame"), "sesame");
  EXPECT_EQ(bearer_token("Bearer "), "");
  EXPECT_EQ(bearer_token("Basic sesame"), std::nullopt);
  EXPECT_EQ(bearer_token("Bearer"), std::nullopt);
  EXPECT_EQ(bearer_token(std::nullopt), std::nullopt);
}

TEST(SplitAddress, TakesHostAndPort) {
  EXPECT_EQ(*split_address("127.0.0.1:8737"), (std::pair<std::string, std::string>{"127.0.0.1", "8737"}));
  EXPECT_EQ(*split_address("[::1]:0"), (std::pair<std::string, std::string>{"::1", "0"}));
}

TEST(SplitAddress, SaysHowToWriteIt) {
  for (const char* bad : {"", "8737", "host", "host:", ":80", "host:http", "host:70000", "::1:80", "[]:80"}) {
    const auto split = split_address(bad);
    ASSERT_FALSE(split) << bad;
    EXPECT_NE(split.error().message.find("HOST:PORT"), std::string::npos) << bad;
  }
}

}  // namespace
}  // namespace bramble::aggregator::http
