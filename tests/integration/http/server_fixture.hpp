// A server on a Unix socket and on a free TCP port of loopback, fakes behind it, and clients.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "aggregator/http/server.hpp"
#include "integration/http/fakes.hpp"
#include "integration/http/raw_socket.hpp"
#include "support/temp_dir.hpp"

namespace bramble::aggregator::http {

// Sizes of bodies.
inline constexpr size_t kMiB = 1 << 20;

using Headers = std::multimap<std::string, std::string>;

struct Response {
  int status = 0;  // 0: none came
  std::string body;
  Headers headers;

  std::string header(const std::string& name) const;  // empty: not there
  std::string error() const;                          // what the body says
};

class ServerTest : public testing::Test {
 protected:
  ServerTest();

  void start();  // after changes to `options`; called by the first request else
  void stop() { server_.reset(); }

  // Over the Unix socket.
  Response get(const std::string& path);
  Response post(const std::string& path, const std::string& body, const Headers& headers = {});
  Response send(const std::string& method, const std::string& path);

  // Over TCP; with the token and a fitting Host unless the headers say otherwise.
  Response tcp_get(const std::string& path, const Headers& headers);
  Response tcp_post(const std::string& path, const std::string& body, const Headers& headers);
  Headers with_token() const { return {{"Authorization", "Bearer sesame"}}; }

  test::RawSocket raw() { return test::RawSocket::to_path(options.unix_path); }
  test::RawSocket raw_tcp() { return test::RawSocket::to_port(server_->tcp_port()); }
  void poll_in_background(test::RawSocket& socket, const std::string& path);

  std::vector<Refused> refused();  // told so far

  test::TempDir dir_;
  FakePort port_;
  FakeJobs jobs_;
  FakeSql sql_;
  FakeTelemetry telemetry_;
  FakeFiles files_;
  ServerOptions options;
  std::mutex refused_mutex_;
  std::vector<Refused> refused_;
  std::unique_ptr<Server> server_;  // last: ends before what it uses
};

}  // namespace bramble::aggregator::http
