#include "aggregator/cli/endpoint.hpp"

#include <gtest/gtest.h>

namespace bramble::cli {
namespace {

TEST(Endpoint, TakesAUnixSocket) {
  const auto endpoint = parse_url("unix:/run/x.sock");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->socket_path, "/run/x.sock");
}

TEST(Endpoint, TakesAHostWithAndWithoutPort) {
  const auto plain = parse_url("http://head");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->host, "head");
  EXPECT_EQ(plain->port, kDefaultPort);
  const auto with_port = parse_url("http://10.0.0.1:99/");
  ASSERT_TRUE(with_port);
  EXPECT_EQ(with_port->host, "10.0.0.1");
  EXPECT_EQ(with_port->port, 99);
}

TEST(Endpoint, TakesTls) {
  const auto endpoint = parse_url("https://[::1]:99");
  ASSERT_TRUE(endpoint);
  EXPECT_TRUE(endpoint->tls);
  EXPECT_EQ(endpoint->host, "::1");
  EXPECT_EQ(endpoint->port, 99);
  EXPECT_FALSE(parse_url("http://head")->tls);
}

TEST(Endpoint, NamesTheFileOfAuthoritiesThatIsMissing) {
  const auto endpoint = find_endpoint({"https://head", "/nonexistent/ca", ""});
  ASSERT_FALSE(endpoint);
  EXPECT_NE(endpoint.error().message.find("/nonexistent/ca"), std::string::npos);
}

TEST(Endpoint, TakesAnIPv6AddressInBrackets) {
  const auto endpoint = parse_url("http://[fe80::1]:8000");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->host, "fe80::1");
  EXPECT_EQ(endpoint->port, 8000);
}

TEST(Endpoint, RefusesWhatIsNoAddressAndSaysWhatIs) {
  for (const char* url :
       {"", "head:8737", "http://", "http://head:0", "http://head:x", "unix:", "http://a/b", "http://[::1"}) {
    const auto endpoint = parse_url(url);
    ASSERT_FALSE(endpoint) << url;
    EXPECT_NE(endpoint.error().message.find("unix:PATH"), std::string::npos) << url;
  }
}

TEST(Endpoint, RefusesASocketPathThatIsTooLongForTheKernel) {
  EXPECT_TRUE(parse_url("unix:" + std::string(107, 'x')));
  EXPECT_FALSE(parse_url("unix:" + std::string(108, 'x')));
}

TEST(Endpoint, NamesTheTokenFileThatIsMissing) {
  const auto endpoint = find_endpoint({"http://head", "", "/nonexistent/token"});
  ASSERT_FALSE(endpoint);
  EXPECT_NE(endpoint.error().message.find("/nonexistent/token"), std::string::npos);
}

}  // namespace
}  // namespace bramble::cli
