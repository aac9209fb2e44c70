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

#include "breaker.hpp"
#include "stall_watch.hpp"

namespace bramble::test::chaos {
namespace {

std::string make_directory() {
  std::string path = (std::filesystem::temp_directory_path() / "bramble-chaos-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("cannot make a directory like " + path);
  std::filesystem::permissions(path, std::filesystem::perms::others_exec, std::filesystem::perm_options::add);
  return path;
}

// A line every minute for the person who waits.
class Progress {
 public:
  explicit Progress(std::ostream* out) : out_(out), start_ns_(boot_ns()), next_ns_(start_ns_ + kEveryNs) {}

  void tick(const Workload& workload, const Breaker& breaker) {
    if (!out_ || boot_ns() < next_ns_) return;
    next_ns_ += kEveryNs;
    const size_t handed_in = workload.handed_in();
    const size_t ended = workload.ended();
    *out_ << (boot_ns() - start_ns_) / kEveryNs << " min: " << breaker.begun() << " faults, " << breaker.going_on()
          << " going on; " << handed_in << " jobs, " << handed_in - std::min(handed_in, ended) << " open, " << ended
          << " ended" << std::endl;
  }
  void say(const std::string& text) const {
    if (out_) *out_ << text << std::endl;
  }

 private:
  static constexpr int64_t kEveryNs = 60'000 * kNsPerMs;

  std::ostream* const out_;
  const int64_t start_ns_;
  int64_t next_ns_;
};

// Runs `work` in another thread and calls `tick` meanwhile.
template <typename Work, typename Tick>
auto meanwhile(Work work, Tick tick) {
  auto result = std::async(std::launch::async, work);
  while (result.wait_for(kTick) != std::future_status::ready) tick();
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
        Cluster cluster({report_.dir, options_.agents, true, options_.patience, options_.seed});
        break_and_mend(cluster);
      }
      for (const Fault& stall : stalls.stop()) history_.faults.push_back(stall);
    }
    history_.lease_ms = options_.patience.lease_ms;
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
    Workload workload(options_.seed, cluster.url(), cluster.diaries(), options_.work, options_.jobs);
    std::jthread people([&](const std::stop_token& stop) { workload.run_until(stop); });
    Breaker breaker(cluster, plan(cluster), faults_log_);
    Progress progress(options_.progress);
    const auto tick = [&] {
      cluster.look_after();
      progress.tick(workload, breaker);
      return !options_.interrupted || !*options_.interrupted;
    };
    const int64_t begin_ns = boot_ns();
    breaker.run_until(options_.fault_ms, tick);
    const int64_t broken_s = (boot_ns() - begin_ns) / kNsPerMs / 1000;
    if (!tick()) notes_ += "interrupted: nothing more was broken after " + std::to_string(broken_s) + " s\n";
    people.request_stop();
    meanwhile([&] { people.join(); }, tick);
    history_.faults = breaker.take_faults();
    progress.say("all is mended; waiting for " + std::to_string(workload.handed_in() - workload.ended()) + " jobs");
    wait_and_look(cluster, workload, tick);
    note_counts(cluster, workload);
  }

  // All that is asked after the last fault, before and after another restart.
  template <typename Tick>
  void wait_and_look(Cluster& cluster, Workload& workload, Tick tick) {
    const int64_t begin_ns = boot_ns();
    meanwhile([&] { return workload.wait_for_all(options_.end_limit_ms); }, tick);
    const int64_t ended_ns = boot_ns();
    auto before = meanwhile([&] { return workload.look_at_all(); }, tick);
    const int64_t read_ns = boot_ns();
    cluster.restart_aggregator();
    history_.at_end = meanwhile([&] { return workload.look_at_all(); }, tick);
    const size_t back = workload.forgotten_and_still_there();
    if (back > 0) incidents_.push_back(std::to_string(back) + " jobs were forgotten and are there again");
    std::copy(workload.forgotten().begin(), workload.forgotten().end(), std::back_inserter(history_.at_end));
    history_.jobs = workload.jobs();
    history_.seen = workload.seen();
    std::move(before.begin(), before.end(), std::back_inserter(history_.seen));
    notes_ += "all had ended " + std::to_string((ended_ns - begin_ns) / kNsPerMs) + " ms after the last fault; " +
              std::to_string(before.size()) + " jobs read back in " + std::to_string((read_ns - ended_ns) / kNsPerMs) +
              " ms, " + std::to_string(workload.forgotten().size()) + " had been read and forgotten before\n";
  }

  void note_counts(const Cluster& cluster, const Workload& workload) {
    notes_ += std::to_string(history_.faults.size()) + " faults, " + std::to_string(workload.jobs().size()) +
              " jobs, " + std::to_string(workload.unanswered()) + " submissions without an answer\n";
    notes_ += std::to_string(cluster.own_ends()) + " daemons ended by themselves, " +
              std::to_string(cluster.incidents().size()) + " of them for no known reason\n";
    std::copy(cluster.incidents().begin(), cluster.incidents().end(), std::back_inserter(incidents_));
  }

  void judge() {
    report_.verdict = check(history_);
    report_.incidents = incidents_;
    report_.good = report_.verdict.findings.empty() && incidents_.empty();
    std::ostringstream text;
    text << "chaos: seed " << options_.seed << ", " << options_.agents << " agents, " << options_.fault_ms / 1000
         << " s of faults\n"
         << notes_ << report_.verdict.text();
    for (const std::string& incident : incidents_) text << "VIOLATION: " << incident << "\n";
    const bool keep = options_.keep || !report_.good;
    if (keep) text << "kept: " << report_.dir << " (logs, diaries, faults, the head's state)\n";
    report_.text = text.str();
    std::ofstream(report_.dir + "/report") << report_.text;
    std::error_code ignored;
    if (!keep) std::filesystem::remove_all(report_.dir, ignored);
  }

  const Options options_;
  Report report_;
  std::ofstream faults_log_;
  History history_;
  std::string notes_;
  std::vector<std::string> incidents_;
};

}  // namespace

Report run_chaos(const Options& options) { return ChaosRun(options).run(); }

}  // namespace bramble::test::chaos
