// One life of a cluster: a bad time with faults and submissions, then quiet, and at the end the reckoning.
#include <memory>

#include "faults.hpp"
#include "sim_head.hpp"
#include "sim_node.hpp"

namespace bramble::sim {
namespace {

constexpr size_t kMaxViolations = 20;
constexpr int kMaxSettles = 20;
constexpr uint32_t kMaxAttempts = 100;  // of one task: more is work that is done over and over again

class Cluster {
 public:
  explicit Cluster(const Options& options)
      : options_(options),
        random_(options.seed),
        broker_(timeline_, random_, options_.faults),
        head_(timeline_, broker_, random_, options.bug, [this](const std::string& what) { violated(what); }) {
    head_.store().has_succeeded = [this](const AttemptKey& key) { return truth_.succeeded.contains(key); };
    truth_.on_start = [this](const AttemptKey& key) { check_start(key); };
    for (uint32_t i = 1; i <= options.nodes; ++i) {
      nodes_.push_back(std::make_unique<SimNode>("n" + std::to_string(i), timeline_, broker_, random_, truth_,
                                                 options.bug, [this](const std::string& what) { violated(what); }));
    }
  }

  Report run() {
    head_.start();
    for (auto& node : nodes_) node->start_agent();
    submit_now_and_then();
    break_now_and_then();
    timeline_.after(options_.bad_ms, [this] { broker_.calm = true; });
    pass(options_.bad_ms);
    settle();
    reckon();
    return report_;
  }

 private:
  void pass(int64_t ms) {
    const int64_t end_ms = timeline_.now_ms() + ms;
    while (report_.violations.size() < kMaxViolations && timeline_.step(end_ms)) ++report_.steps;
  }

  // Goes on as long as there is work, and something moves.
  void settle() {
    uint64_t moved = 0;
    for (int i = 0; i < kMaxSettles && open_jobs() > 0 && report_.violations.size() < kMaxViolations; ++i) {
      pass(options_.settle_ms);
      const uint64_t moves = report_.attempts_run + head_.store().commits();
      if (moves == moved) return;
      moved = moves;
    }
  }

  size_t open_jobs() {
    size_t open = 0;
    for (const auto& [id, job] : head_.store().jobs()) open += is_final(job.progress.state) ? 0 : 1;
    return open;
  }

  bool is_bad_time() const { return timeline_.now_ms() < 1000 + options_.bad_ms; }

  void violated(const std::string& what) {
    if (report_.violations.size() < kMaxViolations) {
      report_.violations.push_back("at " + std::to_string(timeline_.now_ms()) + " ms: " + what);
    }
  }

  // An attempt runs once in all its life, and of a `fence` task only one at a time, anywhere.
  void check_start(const AttemptKey& key) {
    ++report_.attempts_run;
    for (const auto& [task, count] : truth_.starts) {
      if (task.id == key && count > 1) violated(to_string(key) + " was started " + std::to_string(count) + " times");
    }
    if (key.attempt > kMaxAttempts) violated(to_string(key) + ": a task is tried without an end");
    const auto job = head_.store().jobs().find(key.job);
    if (job == head_.store().jobs().end()) return violated(to_string(key) + " runs and its job is not stored");
    const auto& live = truth_.live[key.task_key()];
    if (job->second.spec.on_node_loss == aggregator::NodeLossPolicy::fence && live.size() > 1) {
      violated("two live attempts of the fence task " + to_string(key.task_key()));
    }
  }

  void submit_now_and_then() {
    if (!is_bad_time()) return;
    aggregator::SubmitRequest request;
    auto& spec = request.spec;
    const bool slow = random_.chance(0.2);
    const std::string duration = std::to_string(slow ? random_.between(2000, 15'000) : random_.between(5, 500));
    const std::string code = random_.chance(0.1) ? "3" : "0";
    const std::string output = random_.chance(0.2) ? std::to_string(random_.between(20'000, 300'000)) : "0";
    spec.task.argv = {"sim", duration, code, output};
    spec.task.cpus = random_.chance(0.2) ? 2 : 1;
    spec.retries = static_cast<uint32_t>(random_.below(3));
    spec.priority = static_cast<int32_t>(random_.below(3));
    spec.max_running = random_.chance(0.2) ? 2 : 0;
    if (random_.chance(0.3)) {
      spec.on_node_loss = random_.chance(0.6) ? aggregator::NodeLossPolicy::fence : aggregator::NodeLossPolicy::fail;
    }
    request.range = {1, static_cast<TaskIndex>(random_.between(1, 12)), 1};
    head_.ask(request);
    if (random_.chance(0.1)) cancel_something();
    timeline_.after(random_.between(500, 4000), [this] { submit_now_and_then(); });
  }

  void cancel_something() {
    const auto& jobs = head_.store().jobs();
    if (jobs.empty()) return;
    head_.ask(aggregator::CancelRequest{{1 + random_.below(jobs.rbegin()->first)}});
  }

  void break_now_and_then() {
    if (!is_bad_time()) return;
    if (random_.chance(options_.faults.broken_step)) break_something();
    timeline_.after(500, [this] { break_now_and_then(); });
  }

  void break_something() {
    ++report_.faults;
    SimNode& node = *nodes_[random_.below(nodes_.size())];
    switch (random_.below(8)) {
      case 0:
        return node.crash_agent();
      case 1:
        return node.crash_warden(random_.between(10, 3000));
      case 2:
        return node.lose_power(random_.between(2000, 20'000));
      case 3:
        return node.cut_cable(random_.between(100, 15'000));
      case 4:
        return head_.crash(random_.between(100, 6000));
      case 5:
        return head_.slow_commits(random_.between(100, 3000), random_.between(1000, 5000));
      case 6:
        return broker_.restart(random_.between(50, 4000), random_.chance(0.5));
      case 7:
        return node.crash_agent();
    }
  }

  void reckon() {
    for (const auto& [id, job] : head_.store().jobs()) {
      ++report_.jobs;
      const auto& progress = job.progress;
      if (is_final(progress.state)) continue;
      violated("job " + std::to_string(id) + " never ended: " + std::to_string(progress.counts.ended()) + " of " +
               std::to_string(progress.counts.total) + " tasks" + head_.describe(id));
    }
    if (!report_.violations.empty()) {
      for (const auto& node : nodes_) report_.violations.push_back(node->describe());
    }
    report_.tasks_committed = head_.store().commits();
    report_.simulated_ms = timeline_.now_ms();
  }

  const Options options_;
  Random random_;
  Timeline timeline_;
  Truth truth_;
  Broker broker_;
  SimHead head_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  Report report_;
};

}  // namespace

Report run(const Options& options) { return Cluster(options).run(); }

}  // namespace bramble::sim
