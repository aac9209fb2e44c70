// One life of a cluster: a bad time with faults and submissions, then quiet, and at the end the reckoning.
#include <memory>
#include <set>

#include "common/base/duration.hpp"
#include "faults.hpp"
#include "sim_head.hpp"
#include "sim_node.hpp"
#include "sim_power.hpp"

namespace bramble::sim {
namespace {

constexpr size_t kMaxViolations = 20;
constexpr int kMaxSettles = 20;
constexpr uint32_t kMaxAttempts = 100;  // of one task: more is work that is done over and over again

// After its cause is over a node connects, is welcomed and tells what it holds: what is given out again later than this
// had no cause.
constexpr int64_t kMaxReturnMs = 12'000;
constexpr int64_t kForGoodMs = 1'000'000'000;  // beyond every life
constexpr int64_t kMaxAftermathMs = 30'000;    // of a restored backup; and until what is stopped or away is back

class Cluster {
 public:
  explicit Cluster(const Options& options)
      : options_(options),
        random_(options.seed),
        unrest_(random_.chance(0.5) ? 0.15 : 1),
        broker_(timeline_, random_, options_.faults),
        head_(timeline_, broker_, random_, options.bug, [this](const std::string& what) { violated(what); }) {
    head_.store().has_succeeded = [this](const wire::WardenTask& task) { return truth_.succeeded.contains(task); };
    head_.store().on_given_out = [this](const AttemptKey& key) {
      // Of an earlier life that a backup has undone it may have been begun by one whom nobody can ask any more.
      truth_.starts.erase({head_.store().disk().store, key});
      check_given_out(key);
    };
    truth_.on_start = [this](const wire::WardenTask& task) { check_start(task); };
    truth_.violation = [this](const std::string& what) { violated(what); };
    for (uint32_t i = 1; i <= options.nodes; ++i) {
      nodes_.push_back(std::make_unique<SimNode>(i, timeline_, broker_, random_, truth_, options.bug,
                                                 [this](const std::string& what) { violated(what); }));
    }
    head_.trace = options.trace;
    head_.damaged_chunk = options.faults.damaged_chunk;
    if (!options.power) return;
    std::vector<SimNode*> machines;
    for (auto& node : nodes_) machines.push_back(node.get());
    power_ = std::make_unique<SimPower>(timeline_, options.seed, head_, machines, options.bug,
                                        [this](const std::string& what) { violated(what); });
  }

  Report run() {
    head_.start();
    for (auto& node : nodes_) node->start_agent();
    submit_now_and_then();
    break_now_and_then();
    look_after_it();
    if (power_) switch_now_and_then();
    timeline_.after(options_.bad_ms, [this] { broker_.calm = true; });
    pass(options_.bad_ms);
    settle();
    pass(2 * kMaxAftermathMs);  // what is still stopped or away comes back
    settle();                   // what was handed in at the last moment was not stored yet
    pass(kMaxReturnMs);
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
  void check_start(const wire::WardenTask& task) {
    const AttemptKey& key = task.id;
    ++report_.attempts_run;
    if (truth_.starts.at(task) > 1 && !was_just_restored()) violated(to_string(key) + " was started twice");
    if (key.attempt > kMaxAttempts) violated(to_string(key) + ": a task is tried without an end");
    if (task.store != head_.store().disk().store) return;  // of a life that was given up
    const auto job = head_.store().jobs().find(key.job);
    if (job == head_.store().jobs().end()) {
      const bool is_forgotten = key.job <= head_.store().disk().last_job;  // cancelled, and the node was not told yet
      if (!is_forgotten && !was_just_restored()) violated(to_string(key) + " runs and its job is not stored");
      return;
    }
    const auto& live = truth_.live[{task.store, key.task_key()}];
    if (live.size() < 2) return;
    if (job->second.spec.on_node_loss == aggregator::NodeLossPolicy::fence) {
      violated("two live attempts of the fence task " + to_string(key.task_key()));
    }
  }

  // A task is given out again while an attempt of it lives only if something befell that one's node.
  void check_given_out(const AttemptKey& key) {
    if (was_just_restored()) return;
    for (const auto& [other, name] : truth_.live[{head_.store().disk().store, key.task_key()}]) {
      if (other != key && !had_cause(name)) {
        violated(to_string(key) + " is given out while " + to_string(other) + " runs on " + name + ", without a cause");
      }
    }
  }

  // What the life before the restored backup had sent out is still about.
  bool was_just_restored() const { return restored_ms_ + kMaxAftermathMs >= timeline_.now_ms(); }

  bool had_cause(const std::string& name) const {
    for (const auto& node : nodes_) {
      if (node->name() == name) return node->last_trouble_ms() + kMaxReturnMs >= timeline_.now_ms();
    }
    return false;
  }

  // A restored database may use names again that it does not know of; what had them before must not be taken for it.
  void forget_what_came_after() {
    const auto came_after = [this](const wire::WardenTask& task) {
      return task.store == head_.store().disk().store && !head_.store().was_given_out(task.id);
    };
    std::erase_if(truth_.succeeded, came_after);
    std::erase_if(truth_.starts, [&](const auto& entry) { return came_after(entry.first); });
  }

  // The person who reads what the aggregator says.
  void look_after_it() {
    if (head_.has_gone_back()) {
      ++report_.restores;
      restored_ms_ = timeline_.now_ms() + 1000;
      head_.renew_store();
      for (auto& node : nodes_) node->join_anew();
    }
    timeline_.after(5000, [this] { look_after_it(); });
  }

  void submit_now_and_then() {
    if (!is_bad_time()) return;
    aggregator::SubmitRequest request;
    auto& spec = request.spec;
    if (random_.chance(0.3)) {
      spec.on_node_loss = random_.chance(0.7) ? aggregator::NodeLossPolicy::fence : aggregator::NodeLossPolicy::fail;
    }
    const bool fenced = spec.on_node_loss == aggregator::NodeLossPolicy::fence;
    const bool slow = random_.chance(fenced ? 0.7 : 0.2);
    const int64_t longest_ms = fenced ? 60'000 : 15'000;  // long enough to see the end of a lease
    const std::string duration = std::to_string(slow ? random_.between(2000, longest_ms) : random_.between(5, 500));
    const std::string code = random_.chance(0.1) ? "3" : "0";
    const std::string output = random_.chance(0.2) ? std::to_string(random_.between(20'000, 300'000)) : "0";
    spec.task.argv = {"sim", duration, code, output};
    spec.task.cpus = random_.chance(0.2) ? 2 : 1;
    spec.retries = static_cast<uint32_t>(random_.below(3));
    spec.priority = static_cast<int32_t>(random_.below(3));
    spec.max_running = random_.chance(0.2) ? 2 : 0;
    if (spec.priority == 2) spec.where = anywhere_but(*nodes_[++submitted_ % nodes_.size()]);
    if (options_.files > 0 && random_.chance(options_.files)) add_files(spec);
    request.range = {1, static_cast<TaskIndex>(random_.between(1, fenced ? 3 : 12)), 1};
    head_.ask(request);
    if (random_.chance(0.1)) cancel_something();
    if (random_.chance(0.1)) retry_something();
    if (random_.chance(0.1)) forget_something();
    timeline_.after(random_.between(500, options_.longest_pause_ms), [this] { submit_now_and_then(); });
  }

  void add_files(aggregator::JobSpec& spec) {
    for (uint64_t count = random_.between(1, 3); count > 0; --count) {
      const wire::BlobRef blob = sim_blob(random_.below(kSimBlobs));
      head_.upload(blob);
      spec.task.files.push_back({"file" + std::to_string(count), blob});
    }
  }

  // Some nodes never come back, but never all of these.
  aggregator::Constraints anywhere_but(const SimNode& avoided) const {
    std::string on;
    for (const auto& node : nodes_) {
      if (node.get() != &avoided) on += (on.empty() ? "" : ",") + node->name();
    }
    return aggregator::parse_constraints(on, "").value();
  }

  void cancel_something() {
    const auto& jobs = head_.store().jobs();
    if (jobs.empty()) return;
    head_.ask(aggregator::CancelRequest{{1 + random_.below(jobs.rbegin()->first)}});
  }

  // What was read is a little old when it is asked for, as it is with a person's request.
  void retry_something() {
    const auto& jobs = head_.store().jobs();
    if (jobs.empty()) return;
    auto plan = head_.store().retry_plan(1 + random_.below(jobs.rbegin()->first));
    if (!plan) return;
    timeline_.after(random_.between(0, 200), [this, plan] { head_.ask(aggregator::RetryRequest{{*plan}}); });
  }

  void forget_something() {
    const auto& jobs = head_.store().jobs();
    if (jobs.empty()) return;
    auto job = jobs.lower_bound(1 + random_.below(jobs.rbegin()->first));
    head_.ask(aggregator::ForgetRequest{{job->first}});
  }

  void switch_now_and_then() {
    if (is_bad_time()) {
      power_->ask_something();
      if (random_.chance(0.25)) power_->break_something();
    } else {
      power_->look_after_it();
    }
    timeline_.after(random_.between(2000, 8000), [this] { switch_now_and_then(); });
  }

  void break_now_and_then() {
    if (!is_bad_time()) return;
    if (random_.chance(options_.faults.broken_step * unrest_)) break_something();
    timeline_.after(500, [this] { break_now_and_then(); });
  }

  void break_something() {
    ++report_.faults;
    SimNode& node = *nodes_[random_.below(nodes_.size())];
    switch (random_.below(16)) {
      case 0:
      case 1:
        return node.crash_agent();
      case 2:
        return node.stop_agent(random_.between(500, 40'000));
      case 3:
        return node.crash_warden(random_.between(10, 3000));
      case 4:
        return node.hang_warden(random_.between(500, 40'000));
      case 5:
        return node.lose_power(is_away_for_good(node) ? kForGoodMs : random_.between(2000, 20'000));
      case 6:
      case 7:
        return node.cut_cable(random_.chance(0.3) ? random_.between(15'000, 60'000) : random_.between(100, 15'000));
      case 8:
        return node.stall_link(random_.between(1000, 60'000), random_.between(1000, 20'000));
      default:
        return break_the_head();
    }
  }

  // Some never come back, but never the last two.
  bool is_away_for_good(const SimNode& node) {
    if (power_ || gone_.size() + 2 >= nodes_.size() || !random_.chance(0.2)) return false;
    gone_.insert(node.name());
    return true;
  }

  void break_the_head() {
    switch (random_.below(9)) {
      case 0:
      case 1:
        return head_.crash(random_.between(100, 6000));
      case 2:
        return head_.stall(random_.between(500, 15'000));
      case 3:
        return head_.slow_commits(random_.between(100, 3000), random_.between(1000, 5000));
      case 4:
        return head_.fill_disk(random_.between(500, 8000));
      case 5:
        return broker_.restart(random_.between(50, 4000));
      case 6:
        nodes_[random_.below(nodes_.size())]->jump_wall_clock(random_.between(-kDayMs, kDayMs));
        return head_.jump_wall_clock(random_.between(-kDayMs, kDayMs));
      case 7:
        return head_.back_up();
      case 8:
        if (!power_ && random_.chance(0.3) && head_.restore_backup(random_.between(100, 30'000))) {
          restored_ms_ = timeline_.now_ms() + kMaxAftermathMs;
          forget_what_came_after();
        }
        return;
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
    for (const auto& node : nodes_) {
      if (power_ && had_cause(node->name())) continue;  // it has booted only now
      if (const auto leftover = node->leftover()) violated(*leftover);
    }
    report_.leases_ended = truth_.leases_ended;
    report_.jobs_forgotten = head_.store().removed_jobs();
    report_.input_chunks = head_.input_chunks();
    if (!head_.store().disk().forgotten.empty()) violated("a forgotten job is not removed");
    if (!report_.violations.empty()) {
      for (const auto& node : nodes_) report_.violations.push_back(node->describe());
      if (power_) report_.violations.push_back("power" + power_->describe());
    }
    report_.tasks_committed = head_.store().commits();
    report_.simulated_ms = timeline_.now_ms();
    if (power_) count_power();
  }

  void count_power() {
    const PowerCounts& counts = power_->counts();
    report_.power_starts = counts.starts;
    report_.power_cuts = counts.cuts;
    report_.power_presses = counts.presses;
    report_.power_fenced = counts.fenced;
    report_.power_faults = counts.faults;
    report_.power_restarts = counts.restarts;
  }

  const Options options_;
  Random random_;
  const double unrest_;  // in a quiet life each fault has its whole effect before the next
  Timeline timeline_;
  Truth truth_;
  Broker broker_;
  SimHead head_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  std::unique_ptr<SimPower> power_;
  std::set<std::string> gone_;  // nodes that do not come back
  int64_t restored_ms_ = -1'000'000;
  uint64_t submitted_ = 0;
  Report report_;
};

}  // namespace

Report run(const Options& options) { return Cluster(options).run(); }

}  // namespace bramble::sim
