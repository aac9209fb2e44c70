// The API over TCP: commands run only for who has the token, and never for another web site.
#include <httplib.h>

#include <filesystem>
#include <fstream>

#include "common/posix/files.hpp"
#include "common/posix/machine.hpp"
#include "fixture.hpp"

namespace bramble::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class AggregatorOverTcp : public AggregatorTest {
 protected:
  void SetUp() override {
    std::ofstream(dir_ / "token") << kToken << "\n";
    aggregator_.emplace(dir_.path(),
                        config(dir_ / "state", "tcp://127.0.0.1:1",
                               "tcp_listen = \"127.0.0.1:0\"\nhost_names = [\"head.example\"]\ntoken_file = \"" +
                                   (dir_ / "token") + "\"\n"));
    aggregator_->start();
    aggregator_->wait_logged("reached over TCP");
    port_ = port_now();
  }

  int port_now() const {
    const std::string log = aggregator_->log();
    const std::string mark = "tcp=127.0.0.1:";
    return std::stoi(log.substr(log.rfind(mark) + mark.size()));
  }

  int status(httplib::Headers headers) const {
    httplib::Client client("127.0.0.1", port_);
    const auto response = client.Post("/api/v1/jobs", headers, R"({"argv":["true"]})", "application/json");
    return response ? response->status : -1;
  }
  httplib::Headers with_token(const std::string& name = {}, const std::string& value = {}) const {
    httplib::Headers headers{{"Authorization", std::string("Bearer ") + kToken}};
    if (!name.empty()) headers.emplace(name, value);
    return headers;
  }
  std::string jobs() const { return bramble({"job", "list", "--json"}).out; }

  static constexpr const char* kToken = "0123456789abcdef0123456789abcdef";
  std::optional<AggregatorProcess> aggregator_;
  int port_ = 0;
};

TEST_F(AggregatorOverTcp, TakesWorkWithTheTokenOnly) {
  EXPECT_EQ(status({}), 401);
  EXPECT_EQ(status({{"Authorization", "Bearer wrong"}}), 401);
  EXPECT_EQ(jobs(), "[]\n") << "nothing was taken";
  EXPECT_EQ(status(with_token()), 201);
}

TEST_F(AggregatorOverTcp, RefusesForeignHostsAndOrigins) {
  EXPECT_EQ(status(with_token("Host", "evil.example")), 421);
  EXPECT_EQ(status(with_token("Origin", "http://evil.example")), 403);
  EXPECT_EQ(jobs(), "[]\n");
  EXPECT_EQ(status(with_token("Host", "head.example")), 201);
  EXPECT_EQ(status(with_token("Host", posix::host_name() + ".local")), 201);
}

TEST_F(AggregatorOverTcp, TheCommandReadsItsTokenFromAFile) {
  const std::string address = "http://127.0.0.1:" + std::to_string(port_);
  const Ran refused = run_bramble(address, {"job", "list"});
  EXPECT_NE(refused.status, 0);
  EXPECT_THAT(refused.err, HasSubstr("token"));
  const Ran listed = run_bramble(address, {"--token-file", dir_ / "token", "job", "list", "--json"});
  EXPECT_EQ(listed.out, "[]\n") << listed.err;
}

TEST_F(AggregatorOverTcp, ATokenThatWasGivenOutOpensAsFarAsItsRoleUntilItIsRemoved) {
  const Ran added = bramble({"token", "add", "looks", "--role", "viewer", "--owner", "ada"});
  ASSERT_EQ(added.status, 0) << added.err;
  const httplib::Headers headers{{"Authorization", "Bearer " + added.out.substr(0, added.out.size() - 1)}};
  httplib::Client client("127.0.0.1", port_);
  const auto listed = [&] {
    const auto response = client.Get("/api/v1/jobs", headers);
    return response ? response->status : -1;
  };
  EXPECT_EQ(listed(), 200);
  EXPECT_EQ(status(headers), 403) << "a viewer submits nothing";
  aggregator_->stop();
  aggregator_->start();
  aggregator_->wait_logged("reached over TCP", 2);
  EXPECT_THAT(bramble({"token", "list"}).out, HasSubstr("looks"));
  EXPECT_EQ(bramble({"token", "remove", "looks"}).status, 0);
  EXPECT_EQ(bramble({"token", "list", "--json"}).out, "[]\n");
  EXPECT_THAT(bramble({"audit"}).out, AllOf(HasSubstr("token looks added"), HasSubstr("token looks removed")));
  std::ofstream(dir_ / "removed") << added.out;
  EXPECT_NE(
      run_bramble("http://127.0.0.1:" + std::to_string(port_now()), {"--token-file", dir_ / "removed", "job", "list"})
          .status,
      0);
}

TEST_F(AggregatorOverTcp, TheAuditLogTellsOfWhatWasRefused) {
  EXPECT_EQ(status({}), 401);
  EXPECT_EQ(status(with_token("Origin", "http://evil.example")), 403);
  std::string log;
  for (int i = 0; i < 300 && log.find("other web sites") == std::string::npos; ++i) {
    log = bramble({"audit"}).out;  // the reactor writes it when the reply is long out
  }
  EXPECT_THAT(log, AllOf(HasSubstr("a stranger"), HasSubstr("refused: POST /api/v1/jobs"),
                         HasSubstr("a token is needed"), HasSubstr("from 127.0.0.1")));
}

TEST_F(AggregatorOverTcp, NoFileHoldsAToken) {
  const Ran added = bramble({"token", "add", "ci", "--role", "operator", "--json"});
  ASSERT_EQ(added.status, 0) << added.err;
  const std::string token = nlohmann::json::parse(added.out)["token"];
  ASSERT_EQ(token.size(), 72U);
  for (const auto& file : std::filesystem::recursive_directory_iterator(dir_ / "state")) {
    if (!file.is_regular_file()) continue;
    const std::string text = posix::read_file(file.path(), size_t{64} << 20).value_or("");
    EXPECT_EQ(text.find(token), std::string::npos) << file.path();
  }
}

}  // namespace
}  // namespace bramble::test
