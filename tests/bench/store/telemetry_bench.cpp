// telemetry.db under its full load: D days of N nodes at 1 Hz, 25 metrics, written at full speed as the writer
// does (a commit for each 10 s, rollups each minute); its size, what was written, and how long questions take. Prints
// figures; judges nothing.
//   bench_telemetry [--days D] [--nodes N] [--dir DIRECTORY] [--keep 1]     (30 days of 16 nodes: 5 GB, some minutes)
//   bench_telemetry --days D --use DIRECTORY     asks a store that was kept
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "aggregator/store/job_store.hpp"
#include "aggregator/store/metric_query.hpp"
#include "aggregator/store/telemetry_table.hpp"

namespace bramble::aggregator {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kBeginUs = 1'800'000'000 * kSecondUs / kHourUs * kHourUs;
constexpr int64_t kSecondsPerCommit = 10;
constexpr double kMetrics = 25;

struct Options {
  double days = 30;
  int64_t nodes = 16;
  std::string dir = "/tmp";
  std::string use;  // a directory with a store that an earlier run of as many days has left (--keep 1)
  bool keep = false;
};

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "bench_telemetry: %s\n", why.c_str());
  std::exit(1);
}

void require(const Status& status) {
  if (!status) give_up(status.error().message);
}

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

// Bytes that this process handed to write().
double written_bytes() {
  std::ifstream io("/proc/self/io");
  double bytes = 0;
  for (std::string word; io >> word;) {
    if (word == "wchar:") io >> bytes;
  }
  return bytes;
}

// A Pi without a meter: 25 values of the size that they have after twenty days up.
class FakePi {
 public:
  FakePi(int64_t index, uint64_t seed) : name_("pi" + std::to_string(10 + index)), random_(seed) {
    for (int64_t* counter : {&read_kib_, &written_kib_, &received_kib_, &sent_kib_}) *counter = below(40 << 20);
    energy_mj_ = 6'000'000'000 + below(1'000'000'000);
    unattributed_mj_ = energy_mj_ / 2;
  }

  ScaledRow read(int64_t ts_us, int64_t second) {
    busy_ = std::clamp<int64_t>(busy_ + below(801) - 400, 50, 9999);
    heat_ = std::clamp<int64_t>(heat_ + (below(4) - 1) % 2 * 49, 3500, 8400);
    const int64_t power_mw = 2700 + busy_ / 3;
    energy_mj_ += power_mw;
    unattributed_mj_ += 2700;
    read_kib_ += below(10) == 0 ? 4 : 0;
    written_kib_ += below(3) == 0 ? 16 : 0;
    received_kib_ += below(5);
    sent_kib_ += below(4);
    stalled_cpu_ += below(20);
    stalled_io_ += below(3);
    ScaledRow row;
    row.node = name_;
    row.ts_us = ts_us;
    row.run = 99;
    row.number = static_cast<uint64_t>(second + 1);
    const auto set = [&](std::string_view metric, int64_t value) { row.values.set(*column_of(metric), value); };
    set("cpu_busy_ratio", busy_);
    set("cpu_user_ratio", busy_ * 7 / 10);
    set("cpu_system_ratio", busy_ / 5);
    set("cpu_iowait_ratio", busy_ / 30);
    set("load1", busy_ / 25);
    set("load5", 217 + busy_ / 100);
    set("load15", 193);
    set("memory_total_bytes", 3803);
    set("memory_available_bytes", 2760 + busy_ / 100);
    set("swap_used_bytes", 0);
    set("pressure_cpu_s", 401'234 + stalled_cpu_ / 10);
    set("pressure_memory_s", 512);
    set("pressure_io_s", 90'123 + stalled_io_ / 10);
    set("temperature_celsius", heat_);
    set("cpu_frequency_hz", 1500);
    set("disk_read_bytes", read_kib_);
    set("disk_written_bytes", written_kib_);
    set("disk_free_bytes", 23'210 - second / 10'000);
    set("net_receive_bytes", received_kib_);
    set("net_transmit_bytes", sent_kib_);
    set("uptime_s", 1'728'000 + second);
    set("under_voltage", 0);
    set("power_w", power_mw);
    set("energy_j", energy_mj_);
    set("energy_unattributed_j", unattributed_mj_);
    return row;
  }

 private:
  int64_t below(int64_t limit) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(limit)); }

  std::string name_;
  std::minstd_rand random_;
  int64_t busy_ = 2000;
  int64_t heat_ = 5000;
  int64_t energy_mj_ = 0;
  int64_t unattributed_mj_ = 0;
  int64_t read_kib_ = 0;
  int64_t written_kib_ = 0;
  int64_t received_kib_ = 0;
  int64_t sent_kib_ = 0;
  int64_t stalled_cpu_ = 0;
  int64_t stalled_io_ = 0;
};

void fill(TelemetryTable& table, const Options& options, int64_t seconds) {
  std::vector<FakePi> nodes;
  for (int64_t node = 0; node < options.nodes; ++node) nodes.emplace_back(node, static_cast<uint64_t>(node + 1));
  std::vector<ScaledRow> rows;
  for (int64_t second = 0; second < seconds; ++second) {
    for (int64_t node = 0; node < options.nodes; ++node) {
      rows.push_back(nodes[static_cast<size_t>(node)].read(kBeginUs + second * kSecondUs + node * 31'000, second));
    }
    if (second % kSecondsPerCommit != kSecondsPerCommit - 1) continue;
    require(table.write(rows));
    rows.clear();
    const auto more = table.roll(roll_until(kBeginUs + (second + 1) * kSecondUs), 10);
    if (!more) give_up(more.error().message);
  }
}

double bytes_in(const std::string& path, const std::string& tables) {
  auto connection = sqlite::Connection::open(path, sqlite::OpenMode::read_only, 0);
  if (!connection) give_up(connection.error().message);
  const auto bytes = connection->integer("SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name IN (" + tables + ")");
  if (!bytes) give_up(bytes.error().message);
  return static_cast<double>(*bytes);
}

void print_sizes(const std::string& path, double samples, double written, double wall_s) {
  const double raw = bytes_in(path, "'telemetry_raw'");
  const double rollups = bytes_in(path, "'telemetry_minute_raw', 'telemetry_hour_raw'");
  std::printf("written   %.0f readings in %.0f s: %.0f a second\n", samples / kMetrics, wall_s,
              samples / kMetrics / wall_s);
  std::printf("storage   raw %.2f bytes a sample, rollups %.2f; the file %.2f\n", raw / samples, rollups / samples,
              static_cast<double>(std::filesystem::file_size(path)) / samples);
  std::printf("wear      %.1f bytes written a sample, rollups and checkpoints included\n", written / samples);
}

double cpu_s() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// The median of several, after a first one that warms the page cache.
void time_question(SqliteTelemetryQuery& query, const char* what, const MetricQuestion& question) {
  std::vector<double> times_ms;
  std::vector<double> cpu_ms;
  std::string tier;
  for (int i = 0; i < 12; ++i) {
    const auto begin = Clock::now();
    const double cpu_begin_s = cpu_s();
    const auto answer = query.metrics(question);
    if (!answer) give_up(answer.error().message);
    times_ms.push_back(seconds_since(begin) * 1e3);
    cpu_ms.push_back((cpu_s() - cpu_begin_s) * 1e3);
    tier = answer->tier;
  }
  const double first_ms = times_ms.front();
  std::sort(times_ms.begin(), times_ms.end());
  std::sort(cpu_ms.begin(), cpu_ms.end());
  const size_t middle = times_ms.size() / 2;
  std::printf("query     %-44s %7.2f ms, %.2f ms CPU (the first %.1f), from %s\n", what, times_ms[middle],
              cpu_ms[middle], first_ms, tier.c_str());
}

void ask(const std::string& path, const std::string& jobs_path, int64_t seconds) {
  SqliteTelemetryQuery query(path, jobs_path, [] {});
  const int64_t end_ms = kBeginUs / 1000 + seconds * 1000;
  MetricQuestion question;
  question.metrics = {"power_w"};
  question.until_ms = end_ms;
  question.step_ms = 60'000;
  question.nodes = {"pi13"};
  question.since_ms = end_ms - 86'400'000;
  time_question(query, "one node, 24 h by the minute", question);
  question.metrics = {"energy_j"};
  time_question(query, "the same, rate of its energy", question);
  question.metrics = {"power_w"};
  question.nodes = {};
  question.since_ms = end_ms - 3'600'000;
  time_question(query, "the fleet, its last hour by the minute", question);
  question.aggregate = Aggregate::p95;
  time_question(query, "the same, p95 (from readings)", question);
  question.aggregate = Aggregate::mean;
  question.step_ms = 3'600'000;
  question.since_ms = kBeginUs / 1000;
  time_question(query, "the fleet, all days by the hour", question);
  EnergyQuestion energy;
  energy.since_ms = end_ms - 86'400'000;
  energy.until_ms = end_ms;
  const auto begin = Clock::now();
  const auto answer = query.energy(energy);
  if (!answer) give_up(answer.error().message);
  std::printf("query     %-44s %7.2f ms\n", "energy of each node, 24 h", seconds_since(begin) * 1e3);
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string word = argv[i];
    if (word == "--days") {
      options.days = std::stod(argv[i + 1]);
    } else if (word == "--nodes") {
      options.nodes = std::stoll(argv[i + 1]);
    } else if (word == "--use") {
      options.use = argv[i + 1];
    } else if (word == "--keep") {
      options.keep = argv[i + 1] == std::string("1");
    } else if (word == "--dir") {
      options.dir = argv[i + 1];
    } else {
      give_up("there is no option " + word);
    }
  }
  return options;
}

void run(const Options& options) {
  if (!options.use.empty()) {
    return ask(options.use + "/telemetry.db", options.use + "/jobs.db", static_cast<int64_t>(options.days * 86'400));
  }
  std::string directory = options.dir + "/bramble-bench-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) give_up("cannot make " + directory);
  const std::string path = directory + "/telemetry.db";
  const auto seconds = static_cast<int64_t>(options.days * 86'400);
  const auto jobs = SqliteJobStore::open(directory + "/jobs.db");
  if (!jobs) give_up(jobs.error().message);
  const auto begin = Clock::now();
  const double before = written_bytes();
  {
    const auto table = TelemetryTable::open(path);
    if (!table) give_up(table.error().message);
    fill(**table, options, seconds);
  }
  const double samples = static_cast<double>(seconds * options.nodes) * kMetrics;
  print_sizes(path, samples, written_bytes() - before, seconds_since(begin));
  ask(path, directory + "/jobs.db", seconds);
  if (!options.keep) std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace bramble::aggregator

int main(int argc, char** argv) {
  bramble::aggregator::run(bramble::aggregator::parse(argc, argv));
  return 0;
}
