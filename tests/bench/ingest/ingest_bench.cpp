// Plays N nodes at R messages a second each over a real Mosquitto to a real aggregator, and prints what came in, what
// was stored, and what it cost. Prints figures; judges nothing.
//   bench_ingest [--nodes N] [--hz R] [--seconds S] [--connections C] [--commit-s S] [--beats]
#include <fcntl.h>
#include <httplib.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>
#include <vector>

#include "bench/ingest/lean_client.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/topics.hpp"
#include "support/daemon_process.hpp"
#include "support/mosquitto.hpp"
#include "support/temp_dir.hpp"

namespace bramble::bench {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

constexpr const char* kCluster = "bench";
constexpr size_t kVariants = 64;  // texts of readings, made before the clock runs
constexpr size_t kMetrics = 25;

struct Options {
  size_t nodes = 1000;
  double hz = 20;
  int seconds = 20;
  size_t connections = 8;
  int commit_s = 10;
  bool beats = false;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto value = [&] {
      if (i + 1 >= argc) throw std::runtime_error(word + " needs a value");
      return std::stod(argv[++i]);
    };
    if (word == "--nodes") {
      options.nodes = static_cast<size_t>(value());
    } else if (word == "--hz") {
      options.hz = value();
    } else if (word == "--seconds") {
      options.seconds = static_cast<int>(value());
    } else if (word == "--connections") {
      options.connections = static_cast<size_t>(value());
    } else if (word == "--commit-s") {
      options.commit_s = static_cast<int>(value());
    } else if (word == "--beats") {
      options.beats = true;
    } else {
      throw std::runtime_error("there is no option " + word);
    }
  }
  return options;
}

std::string node_name(size_t node) { return "pi" + std::to_string(1000 + node); }

// A Pi without a meter that has been up for twenty days; 25 values, the digits as agents send them.
std::map<std::string, double> values_of(size_t node, size_t variant) {
  const double busy = static_cast<double>((variant * 37 + node * 11) % 1000) / 1000;
  const auto seconds = static_cast<double>(variant);
  const double scale = 1 + static_cast<double>(node % 7) / 10;
  return {{"cpu_busy_ratio", busy},
          {"cpu_user_ratio", busy * 0.7},
          {"cpu_system_ratio", busy * 0.2},
          {"cpu_iowait_ratio", busy * 0.03},
          {"load1", 4 * busy},
          {"load5", 2.17 + busy},
          {"load15", 1.93},
          {"memory_total_bytes", 3'987'570'688},
          {"memory_available_bytes", 2.9e9 + busy * 1e8},
          {"swap_used_bytes", 0},
          {"pressure_cpu_s", 40'123.45 * scale + seconds / 10},
          {"pressure_memory_s", 51.2 * scale},
          {"pressure_io_s", 9'012.34 * scale},
          {"temperature_celsius", 48.3 + 20 * busy},
          {"cpu_frequency_hz", 1'500'000'000},
          {"disk_read_bytes", 6.1e9 * scale},
          {"disk_written_bytes", 41.7e9 * scale + seconds * 16'384},
          {"disk_free_bytes", 24.3e9},
          {"net_receive_bytes", 19.9e9 * scale + seconds * 2'311},
          {"net_transmit_bytes", 8.8e9 * scale + seconds * 1'733},
          {"uptime_s", 1'728'000 + seconds},
          {"under_voltage", 0},
          {"power_w", 2.7 + 3.3 * busy},
          {"energy_j", 6.05e6 * scale + seconds * 4.1},
          {"energy_unattributed_j", 5.1e6 * scale + seconds * 2.7}};
}

// Everything behind the number of a message.
std::string tail_of_reading(size_t node, size_t variant) {
  json values = values_of(node, variant);
  if (values.size() != kMetrics) throw std::runtime_error("these are not 25 metrics");
  return json{{"wall_ms", 1'800'000'000'000},
              {"run", 0x1234'5678'0000 + node},
              {"power_measured", false},
              {"values", std::move(values)}}
      .dump()
      .substr(1);
}

struct Process {
  double cpu_s = 0;
  uint64_t written_bytes = 0;  // handed to write(): the databases, the checkpoints included
};

Process measure(pid_t pid) {
  const std::string base = "/proc/" + std::to_string(pid);
  std::ifstream stat(base + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::vector<std::string> words;
  for (std::string word; fields >> word;) words.push_back(word);
  Process process;
  process.cpu_s = (std::stod(words.at(11)) + std::stod(words.at(12))) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  std::ifstream io(base + "/io");
  for (std::string word; io >> word;) {
    if (word == "wchar:") io >> process.written_bytes;
  }
  return process;
}

class Bench {
 public:
  explicit Bench(const Options& options)
      : options_(options),
        topics_(kCluster),
        aggregator_(BENCH_AGGREGATOR, dir_ / "aggregator", config()),
        api_(dir_ / "api.sock") {
    api_.set_address_family(AF_UNIX);
    api_.set_read_timeout(60, 0);
  }

  void run() {
    aggregator_.start();
    aggregator_.wait_logged("the aggregator is up");
    for (size_t i = 0; i < options_.connections; ++i) {
      clients_.push_back(std::make_unique<LeanClient>(broker_.port(), "bench-" + std::to_string(i)));
    }
    introduce_nodes();
    make_texts();
    const json before = health();
    const Process begun = measure(aggregator_.pid());
    const Process broker_begun = measure(broker_.pid());
    const auto begin = Clock::now();
    send();
    const double sent_s = seconds_since(begin);
    wait_until_quiet();
    const double wall_s = seconds_since(begin);
    print(before, begun, broker_begun, sent_s, wall_s);
  }

 private:
  std::string config() {
    std::ostringstream text;
    text << "cluster = \"" << kCluster << "\"\nbroker_url = \"" << broker_.url() << "\"\nstate_dir = \""
         << dir_ / "state"
         << "\"\napi_socket = \"" << dir_ / "api.sock"
         << "\"\ntelemetry_node_hz = 1000000\ntelemetry_commit_s = " << options_.commit_s << "\n";
    return text.str();
  }

  static double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }

  json get(const std::string& path) {
    const auto reply = api_.Get(path);
    if (!reply) throw std::runtime_error("no answer to " + path + ": " + httplib::to_string(reply.error()));
    return json::parse(reply->body);
  }
  json health() { return get("/api/v1/health"); }

  LeanClient& client_of(size_t node) { return *clients_[node % clients_.size()]; }

  // Births are said again until all are known: the aggregator may not have subscribed yet.
  void introduce_nodes() {
    while (get("/api/v1/nodes").size() < options_.nodes) {
      for (size_t node = 0; node < options_.nodes; ++node) introduce(node);
      for (auto& client : clients_) client->flush();
      std::this_thread::sleep_for(std::chrono::milliseconds(1000));
    }
    for (const json& node : get("/api/v1/nodes")) sessions_[node["node"]] = node["session"];
  }

  void introduce(size_t node) {
    wire::NodeStatus status;
    status.online = true;
    status.node = node_name(node);
    char id[40];
    std::snprintf(id, sizeof id, "00000000-0000-4000-8000-%012zu", node);
    status.agent_id = id;
    status.machine_id = "machine" + std::to_string(node);
    status.boot_id = "boot";
    status.counter = 1;
    status.cores = 4;
    client_of(node).publish(topics_.node(status.node, wire::NodeTopic::status), wire::encode(status), 1);
  }

  void make_texts() {
    for (size_t node = 0; node < options_.nodes; ++node) {
      const std::string name = node_name(node);
      topic_texts_.push_back(topics_.node(name, options_.beats ? wire::NodeTopic::beat : wire::NodeTopic::telemetry));
      auto& tails = tails_.emplace_back();
      if (options_.beats) {
        tails.push_back("\"session\":" + std::to_string(sessions_[name]) +
                        ",\"sent_ms\":12345678,\"running\":0,\"queued\":0}");
        continue;
      }
      // Few texts are enough where there are many nodes.
      const size_t variants = std::max<size_t>(4, std::min(kVariants, size_t{20'000} / options_.nodes));
      for (size_t variant = 0; variant < variants; ++variant) tails.push_back(tail_of_reading(node, variant));
    }
  }

  // A thread for each two connections; the nodes of a connection take turns, evenly over the second.
  void send() {
    std::vector<std::thread> threads;
    const size_t count = std::min<size_t>(2, clients_.size());
    for (size_t thread = 0; thread < count; ++thread) {
      threads.emplace_back([this, thread, count] {
        std::vector<size_t> mine;
        for (size_t node = 0; node < options_.nodes; ++node) {
          if (node % clients_.size() % count == thread) mine.push_back(node);
        }
        send_for(mine);
      });
    }
    for (auto& thread : threads) thread.join();
  }

  void send_for(const std::vector<size_t>& nodes) {
    const auto begin = Clock::now();
    const double rate = static_cast<double>(nodes.size()) * options_.hz;
    const auto total = static_cast<uint64_t>(rate * options_.seconds);
    std::string payload;
    for (uint64_t sent = 0; sent < total;) {
      const auto due = std::min(total, static_cast<uint64_t>(seconds_since(begin) * rate) + 1);
      for (; sent < due; ++sent) {
        const size_t node = nodes[sent % nodes.size()];
        const uint64_t number = sent / nodes.size() + 1;
        const auto& tails = tails_[node];
        payload = "{\"number\":" + std::to_string(number) + "," + tails[number % tails.size()];
        client_of(node).publish(topic_texts_[node], payload, options_.beats ? 1 : 0);
      }
      for (size_t i = 0; i < clients_.size() && i < nodes.size(); ++i) client_of(nodes[i]).flush();
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    sent_ += total;
  }

  uint64_t taken_in(const json& health) const {
    if (options_.beats) return health.value("beats", uint64_t{0});
    const json& telemetry = health["telemetry"];
    uint64_t sum = 0;
    for (const char* name : {"stored", "waiting", "shed", "refused", "duplicates"})
      sum += telemetry[name].get<uint64_t>();
    return sum;
  }

  void wait_until_quiet() {
    uint64_t before = 0;
    for (int same = 0; same < 3;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      const uint64_t now = taken_in(health());
      same = now == before ? same + 1 : 0;
      before = now;
    }
  }

  // A question has all that waits committed; the health tells of it a moment later.
  void wait_until_stored() {
    (void)api_.Post("/api/v1/query", R"({"sql":"SELECT 1"})", "application/json");
    while (health()["telemetry"]["waiting"] != 0) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }

  void print(const json& before, const Process& begun, const Process& broker_begun, double sent_s, double wall_s) {
    if (!options_.beats) wait_until_stored();
    const json after = health();
    const Process ended = measure(aggregator_.pid());
    const Process broker = measure(broker_.pid());
    const auto sent = static_cast<double>(sent_.load());
    const auto taken = static_cast<double>(taken_in(after) - taken_in(before));
    const double cpu_s = ended.cpu_s - begun.cpu_s;
    std::printf("sent      %.0f %s in %.1f s: %.0f a second, %zu nodes\n", sent, options_.beats ? "beats" : "messages",
                sent_s, sent / sent_s, options_.nodes);
    std::printf("taken in  %.0f (%.2f %%) in %.1f s: %.0f a second\n", taken, 100 * taken / sent, wall_s,
                taken / wall_s);
    std::printf("CPU       aggregator %.1f us a message, %.0f %% of a core; broker %.1f us a message\n",
                cpu_s / taken * 1e6, 100 * cpu_s / wall_s, (broker.cpu_s - broker_begun.cpu_s) / sent * 1e6);
    if (options_.beats) return;
    const json& telemetry = after["telemetry"];
    const auto stored = telemetry["stored"].get<double>();
    std::printf("stored    %.0f; shed %llu, refused %llu, duplicates %llu\n", stored,
                static_cast<unsigned long long>(telemetry["shed"].get<uint64_t>()),
                static_cast<unsigned long long>(telemetry["refused"].get<uint64_t>()),
                static_cast<unsigned long long>(telemetry["duplicates"].get<uint64_t>()));
    const uint64_t written_bytes = ended.written_bytes - begun.written_bytes;
    aggregator_.stop();
    const auto bytes = std::filesystem::file_size(dir_ / "state/telemetry.db");
    const double samples = stored * static_cast<double>(kMetrics);
    std::printf(
        "storage   %.2f bytes a sample, %.1f bytes written a sample (write() of the aggregator, checkpoints and "
        "logs included)\n",
        static_cast<double>(bytes) / samples, static_cast<double>(written_bytes) / samples);
  }

  const Options options_;
  test::TempDir dir_;
  test::Mosquitto broker_{{.extra_lines = {"max_queued_messages 0"}}};
  wire::Topics topics_;
  test::DaemonProcess aggregator_;
  httplib::Client api_;
  std::vector<std::unique_ptr<LeanClient>> clients_;
  std::map<std::string, uint64_t> sessions_;
  std::vector<std::string> topic_texts_;
  std::vector<std::vector<std::string>> tails_;
  std::atomic<uint64_t> sent_ = 0;
};

}  // namespace
}  // namespace bramble::bench

int main(int argc, char** argv) try {
  bramble::bench::Bench(bramble::bench::parse(argc, argv)).run();
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "bench_ingest: %s\n", error.what());
  return 1;
}
