#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "common/posix/unix_socket.hpp"
#include "integration/http/server_fixture.hpp"
#include "support/certificates.hpp"

namespace bramble::aggregator::http {
namespace {

class StartStopTest : public ServerTest {
 protected:
  Error start_error(const ServerOptions& given) {
    const auto server = Server::start(given, {port_.port(), jobs_, sql_, telemetry_, files_});
    if (!server) return server.error();
    ADD_FAILURE() << "it started";
    return {};
  }
};

TEST_F(StartStopTest, TellsThePortThatItGot) {
  start();
  EXPECT_NE(server_->tcp_port(), 0);
}

TEST_F(StartStopTest, RunsWithoutTcp) {
  options.tcp_listen.clear();
  options.token.clear();
  start();
  EXPECT_EQ(server_->tcp_port(), 0);
  EXPECT_EQ(get("/").status, 404);
}

TEST_F(StartStopTest, ANewCertificateMeetsWhoComesAndWhoWaitsIsToldToComeAgain) {
  start();
  port_.expect_and_hold<WatchJobRequest>();
  const test::RawSocket waiting = raw_tcp();
  waiting.send(
      "GET /api/v1/jobs/1/watch?since=4&wait_s=30 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
      "sesame\r\n\r\n");
  ASSERT_EQ(port_.wait_for_held(1), 1U);
  const uint16_t port = server_->tcp_port();

  const auto pair = test::TestAuthority().issue("DNS:localhost");
  ASSERT_TRUE(server_->set_tls({pair.certificate_pem, pair.key_pem}));
  EXPECT_TRUE(waiting.read_all().starts_with("HTTP/1.1 503"));  // and closed
  EXPECT_EQ(tcp_get("/", with_token()).status, 0);              // it speaks TLS now
  EXPECT_EQ(server_->tcp_port(), port);
  port_.reply_held({200, "{}", {}});  // comes too late, and harms nobody
  EXPECT_EQ(get("/").status, 404);    // the socket's callers were not disturbed
}

TEST_F(StartStopTest, ACertificateThatCannotServeLeavesTheOldOne) {
  start();
  EXPECT_FALSE(server_->set_tls({"no certificate", "no key"}));
  EXPECT_EQ(tcp_get("/", with_token()).status, 404);
}

TEST_F(StartStopTest, APortInUseIsAClearError) {
  start();
  ServerOptions second;
  second.tcp_listen = "127.0.0.1:" + std::to_string(server_->tcp_port());
  second.token = "sesame";
  const Error error = start_error(second);
  EXPECT_EQ(error.code, ErrorCode::conflict);
  EXPECT_NE(error.message.find(second.tcp_listen + ": the port is in use"), std::string::npos) << error.message;
}

TEST_F(StartStopTest, ASocketThatSomebodyListensOnIsAClearError) {
  start();
  ServerOptions second;
  second.unix_path = options.unix_path;
  const Error error = start_error(second);
  EXPECT_EQ(error.code, ErrorCode::conflict);
  EXPECT_NE(error.message.find("is in use by another process; end that process"), std::string::npos) << error.message;
  EXPECT_EQ(get("/").status, 404);  // the first one goes on
}

TEST_F(StartStopTest, AStaleSocketIsReplaced) {
  { const auto left_behind = posix::listen_unix(options.unix_path); }
  ASSERT_TRUE(std::filesystem::exists(options.unix_path));
  EXPECT_EQ(get("/").status, 404);
}

TEST_F(StartStopTest, AFileInTheSocketsPlaceIsLeftAlone) {
  std::ofstream(options.unix_path) << "precious";
  options.tcp_listen.clear();
  EXPECT_EQ(start_error(options).code, ErrorCode::conflict);
  EXPECT_EQ(std::filesystem::file_size(options.unix_path), 8U);
}

TEST_F(StartStopTest, WithoutATokenNobodyComesInOverTcp) {
  options.token.clear();
  start();
  EXPECT_EQ(tcp_get("/api/v1/nodes", {{"Authorization", "Bearer "}}).status, 401);
}

TEST_F(StartStopTest, ABadAddressIsAClearError) {
  options.tcp_listen = "8737";
  EXPECT_NE(start_error(options).message.find("HOST:PORT"), std::string::npos);
  options.tcp_listen = "192.0.2.1:0";
  EXPECT_NE(start_error(options).message.find("cannot listen on 192.0.2.1:0"), std::string::npos);
}

TEST_F(StartStopTest, TheSocketGoesWithTheServer) {
  start();
  EXPECT_TRUE(std::filesystem::exists(options.unix_path));
  stop();
  EXPECT_FALSE(std::filesystem::exists(options.unix_path));
}

TEST_F(StartStopTest, AnothersSocketStays) {
  start();
  std::filesystem::remove(options.unix_path);
  const auto successor = posix::listen_unix(options.unix_path);
  stop();
  EXPECT_TRUE(std::filesystem::exists(options.unix_path));
}

TEST_F(StartStopTest, StartsAgainAtOnce) {
  for (int i = 0; i < 3; ++i) {
    start();
    options.tcp_listen = "127.0.0.1:" + std::to_string(server_->tcp_port());
    EXPECT_EQ(tcp_get("/", with_token()).status, 404);
    stop();
  }
}

TEST_F(StartStopTest, ServesIpv6) {
  options.tcp_listen = "[::1]:0";
  const auto server = Server::start(options, {port_.port(), jobs_, sql_, telemetry_, files_});
  if (!server) GTEST_SKIP() << server.error().message;
  EXPECT_NE((*server)->tcp_port(), 0);
}

}  // namespace
}  // namespace bramble::aggregator::http
