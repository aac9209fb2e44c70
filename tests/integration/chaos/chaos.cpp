#include "chaos.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <stop_token>
#include <thread>

#include "cluster.hpp"

namespace bramble::test::chaos {
namespace {

constexpr int64_t kStallMs = 2'000;  // the one stall in the middle of a slow disk's time
constexpr auto kTick = std::chrono::milliseconds(10);

std::string make_directory() {
  std::string path = (std::filesystem::temp_directory_path() / "bramble-chaos-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("cannot make a directory like " + path);
  std::filesystem::permissions(path, std::filesystem::perms::others_exec, std::filesystem::perm_options::add);
  return path;
}

// Notices when nobody ran: then what was late was not lost.
class StallWatch {
 public:
  StallWatch() : thread_([this](const std::stop_token& stop) { watch(stop); }) {}
  std::vector<Fault> stop() {
    thread_.request_stop();
    thread_.join();
    return std::move(stalls_);
  }

 private:
  static constexpr int64_t kStepMs = 50;
  static constexpr int64_t kLateMs = 300;

  void watch(const std::stop_token& stop) {
    int64_t last_ns = boot_ns();
    while (!stop.stop_requested()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(kStepMs));
      const int64_t now_ns = boot_ns();
      if (now_ns - last_ns > kLateMs * kNsPerMs) stalls_.push_back({FaultKind::machine_stalled, "", last_ns, now_ns});
      last_ns = now_ns;
    }
  }

  std::vector<Fault> stalls_;
  std::jthread thread_;
};

// Breaks and mends the cluster as planned; the main thread's.
class Breaker {
 public:
  Breaker(Cluster& cluster, std::vector<PlannedFault> plan, std::ostream& log)
      : cluster_(cluster), plan_(std::move(plan)), log_(log), start_ns_(boot_ns()) {
    for (size_t i = 0; i < plan_.size(); ++i) {
      steps_.push_back({plan_[i].begin_ms, i, Step::begin});
      steps_.push_back({plan_[i].end_ms, i, Step::end});
      const bool slow = plan_[i].kind == FaultKind::disk_slow;
      if (slow) steps_.push_back({(plan_[i].begin_ms + plan_[i].end_ms - kStallMs) / 2, i, Step::stall});
    }
    std::stable_sort(steps_.begin(), steps_.end(), [](const Step& a, const Step& b) { return a.at_ms < b.at_ms; });
    begun_ns_.resize(plan_.size());
  }

  void run_until(int64_t end_ms) {
    size_t next = 0;
    while (next < steps_.size() || now_ms() < end_ms) {
      if (next < steps_.size() && steps_[next].at_ms <= now_ms()) {
        perform(steps_[next++]);
      } else {
        cluster_.look_after();
        std::this_thread::sleep_for(kTick);
      }
    }
  }

  std::vector<Fault> take_faults() { return std::move(faults_); }

 private:
  struct Step {
    enum Kind { begin, stall, end };
    int64_t at_ms;
    size_t fault;
    Kind kind;
  };

  int64_t now_ms() const { return (boot_ns() - start_ns_) / kNsPerMs; }

  void perform(const Step& step) {
    const PlannedFault& fault = plan_[step.fault];
    if (step.kind == Step::begin) {
      begun_ns_[step.fault] = boot_ns();
      log_ << boot_ns() / kNsPerMs << " begin " << to_string(fault) << std::endl;
      return cluster_.begin(fault.kind, fault.node);
    }
    if (step.kind == Step::stall) return cluster_.stall_disk(kStallMs);
    cluster_.end(fault.kind, fault.node);
    log_ << boot_ns() / kNsPerMs << " end " << to_string(fault) << std::endl;
    const std::string node = is_of_a_node(fault.kind) ? cluster_.nodes()[fault.node] : "";
    faults_.push_back({fault.kind, node, begun_ns_[step.fault], boot_ns()});
  }

  Cluster& cluster_;
  const std::vector<PlannedFault> plan_;
  std::ostream& log_;
  const int64_t start_ns_;
  std::vector<Step> steps_;
  std::vector<int64_t> begun_ns_;
  std::vector<Fault> faults_;
};

// Runs `work` in another thread while the cluster's own looks after it.
template <typename Work>
auto meanwhile(Cluster& cluster, Work work) {
  auto result = std::async(std::launch::async, work);
  while (result.wait_for(kTick) != std::future_status::ready) cluster.look_after();
  return result.get();
}

class ChaosRun {
 public:
  explicit ChaosRun(const Options& options) : options_(options) {
    report_.dir = make_directory();
    faults_log_.open(report_.dir + "/faults");
  }

  Report run() {
    {
      StallWatch stalls;
      {
        Cluster cluster({report_.dir, options_.agents, true});
        break_and_mend(cluster);
      }
      for (const Fault& stall : stalls.stop()) history_.faults.push_back(stall);
    }
    history_.runs = read_runs(report_.dir + "/diaries");
    judge();
    return std::move(report_);
  }

 private:
  std::vector<PlannedFault> plan(const Cluster& cluster) const {
    if (!options_.only.empty()) return options_.only;
    const auto agents = static_cast<size_t>(options_.agents);
    return make_plan(options_.seed, {agents, options_.fault_ms, options_.longest_cut_ms, cluster.small_disk()});
  }

  void break_and_mend(Cluster& cluster) {
    if (!cluster.small_disk()) notes_ += "skipped: a full disk (this user may mount no tmpfs)\n";
    Workload workload(options_.seed, cluster.url(), cluster.diaries(), options_.work);
    std::jthread people([&](const std::stop_token& stop) { workload.run_until(stop); });
    Breaker breaker(cluster, plan(cluster), faults_log_);
    breaker.run_until(options_.fault_ms);
    people.request_stop();
    meanwhile(cluster, [&] { people.join(); });
    history_.faults = breaker.take_faults();
    wait_and_look(cluster, workload);
    notes_ += std::to_string(history_.faults.size()) + " faults, " + std::to_string(workload.jobs().size()) +
              " jobs, " + std::to_string(workload.unanswered()) + " submissions without an answer\n";
    notes_ += std::to_string(cluster.own_ends()) + " daemons ended by themselves, " +
              std::to_string(cluster.incidents().size()) + " of them for no known reason\n";
    report_.incidents = cluster.incidents();
  }

  // All that is asked after the last fault, before and after another restart.
  void wait_and_look(Cluster& cluster, Workload& workload) {
    const int64_t begin_ns = boot_ns();
    meanwhile(cluster, [&] { return workload.wait_for_all(options_.end_limit_ms); });
    notes_ += "all had ended " + std::to_string((boot_ns() - begin_ns) / kNsPerMs) + " ms after the last fault\n";
    auto before = meanwhile(cluster, [&] { return workload.look_at_all(); });
    cluster.restart_aggregator();
    history_.at_end = meanwhile(cluster, [&] { return workload.look_at_all(); });
    history_.jobs = workload.jobs();
    history_.seen = workload.seen();
    std::move(before.begin(), before.end(), std::back_inserter(history_.seen));
  }

  void judge() {
    report_.verdict = check(history_);
    report_.good = report_.verdict.findings.empty() && report_.incidents.empty();
    std::ostringstream text;
    text << "chaos: seed " << options_.seed << ", " << options_.agents << " agents, " << options_.fault_ms / 1000
         << " s of faults\n"
         << notes_ << report_.verdict.text();
    for (const std::string& incident : report_.incidents) text << "VIOLATION: " << incident << "\n";
    if (!report_.good) text << "kept: " << report_.dir << " (logs, diaries, faults, the head's state)\n";
    report_.text = text.str();
    std::ofstream(report_.dir + "/report") << report_.text;
    std::error_code ignored;
    if (report_.good) std::filesystem::remove_all(report_.dir, ignored);
  }

  const Options options_;
  Report report_;
  std::ofstream faults_log_;
  History history_;
  std::string notes_;
};

}  // namespace

Report run_chaos(const Options& options) { return ChaosRun(options).run(); }

}  // namespace bramble::test::chaos
