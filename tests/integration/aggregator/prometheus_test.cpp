// /metrics as Debian's Prometheus sees it.
#include <httplib.h>

#include <fstream>

#include "fixture.hpp"

namespace bramble::test {
namespace {

using testing::HasSubstr;

class PrometheusTest : public AggregatorTest {
 protected:
  void SetUp() override {
    aggregator_.emplace(dir_.path(), config(dir_ / "state", broker_.url(), "tcp_listen = \"127.0.0.1:0\"\n"));
    aggregator_->start();
    aggregator_->wait_logged("reached over TCP");
    token_ = bramble({"token", "add", "prometheus", "--role", "viewer"}).out;
    std::ofstream(dir_ / "token") << token_;
    while (token_.ends_with('\n')) token_.pop_back();
    const std::string log = aggregator_->log();
    const std::string mark = "tcp=127.0.0.1:";
    port_ = std::stoi(log.substr(log.find(mark) + mark.size()));
    node_.emplace(dir_ / "node", "pi01", broker_.url());
    wait_for_node("pi01", "on");
  }

  std::string metrics() const {
    httplib::Client client("127.0.0.1", port_);
    const auto response = client.Get("/metrics", {{"Authorization", std::string("Bearer ") + token_}});
    if (!response) throw std::runtime_error("no answer");
    EXPECT_EQ(response->get_header_value("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    return response->body;
  }

  void wait_for_metric(const std::string& name) const {
    for (int i = 0; i < 600; ++i) {
      if (metrics().find("\n" + name) != std::string::npos) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));  // no long poll: Prometheus asks for itself
    }
    FAIL() << "there is no " << name << " in " << metrics();
  }

  // What the command prints on both streams; adds a line if it does not end well.
  std::string output_of(const std::string& shell_command) const {
    const std::string out = dir_ / "output";
    auto process = posix::Process::spawn(
        {.argv = {"/bin/sh", "-c", shell_command + " >" + out + " 2>&1"}, .env = {}, .directory = {}});
    if (!process) return process.error().message;
    const auto status = process->wait(30'000);
    return posix::read_file(out, 1 << 20).value_or("") + (status && status->success() ? "" : "it failed\n");
  }

  std::string start_prometheus() {
    const int port = free_port();
    std::ofstream(dir_ / "prometheus.yml")
        << "global: {scrape_interval: 500ms, scrape_timeout: 500ms}\n"
        << "scrape_configs:\n- job_name: bramble\n  authorization: {credentials_file: " << dir_ / "token"
        << "}\n"
        << "  static_configs: [{targets: ['127.0.0.1:" << port_ << "']}]\n";
    posix::SpawnOptions options;
    options.argv = {"prometheus", "--config.file=" + dir_ / "prometheus.yml", "--storage.tsdb.path=" + dir_ / "tsdb",
                    "--web.listen-address=127.0.0.1:" + std::to_string(port), "--log.level=error"};
    options.die_with_parent = true;
    auto process = posix::Process::spawn(options);
    if (!process) throw std::runtime_error(process.error().message);
    prometheus_ = std::move(*process);
    return "http://127.0.0.1:" + std::to_string(port);
  }
  void TearDown() override {
    if (prometheus_) prometheus_->kill_and_wait();
  }

  Mosquitto broker_{{.defaults = true}};
  std::optional<AggregatorProcess> aggregator_;
  std::optional<NodeProcesses> node_;
  std::optional<posix::Process> prometheus_;
  int port_ = 0;
  std::string token_;  // a viewer's
};

TEST_F(PrometheusTest, ItsCheckOfTheMetricsIsSilent) {
  bramble({"run", "--", "true"});
  bramble({"submit", "--name", "odd \"name\"", "--", "sleep", "60"});
  wait_for_metric("bramble_node_power_watts");
  std::ofstream(dir_ / "metrics") << metrics();
  EXPECT_EQ(output_of("promtool check metrics <" + dir_ / "metrics"), "");
}

TEST_F(PrometheusTest, ItScrapesThemAndTellsThePowerFromTheCounterOfEnergy) {
  wait_for_metric("bramble_node_energy_joules_total");
  const std::string server = start_prometheus();
  std::string answer;
  for (int i = 0; i < 100 && answer.find("node=\"pi01\"") == std::string::npos; ++i) {
    answer = output_of("promtool query instant " + server + " 'rate(bramble_node_energy_joules_total[1m])'");
    std::this_thread::sleep_for(std::chrono::milliseconds(200));  // it scrapes at its own pace
  }
  EXPECT_THAT(answer, HasSubstr("node=\"pi01\""));
  EXPECT_THAT(answer, HasSubstr(" => "));
}

TEST_F(PrometheusTest, WithoutTheTokenItGetsNothing) {
  httplib::Client client("127.0.0.1", port_);
  const auto response = client.Get("/metrics");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 401);
}

}  // namespace
}  // namespace bramble::test
