// The warden's rules without processes: slots, leases, exit records that outlive agents, tasks that die with it.
//
// A task's command says how it goes: {"sim", DURATION_MS, EXIT_CODE, OUTPUT_BYTES}.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "common/base/lease.hpp"
#include "common/wire/warden_messages.hpp"
#include "timeline.hpp"

namespace bramble::sim {

// What really happened, over all nodes: the truth against which the aggregator's books are checked.
struct Truth {
  using StoreTask = std::pair<StoreId, TaskKey>;

  std::map<wire::WardenTask, int> starts;
  std::set<wire::WardenTask> succeeded;
  std::map<StoreTask, std::map<AttemptKey, std::string>> live;  // with the node
  uint64_t leases_ended = 0;
  std::function<void(const wire::WardenTask&)> on_start;  // after it was counted as live
  std::function<void(const std::string&)> violation;
};

class SimWarden {
 public:
  SimWarden(std::string node, Timeline& timeline, const MachineClock& clock, Truth& truth, uint32_t slots)
      : node_(std::move(node)), timeline_(timeline), clock_(clock), truth_(truth), slots_(slots) {}

  std::function<void(wire::WardenReport)> report;    // to the agent, if it is there
  std::function<bool(const std::string&)> is_there;  // whether the agent keeps these bytes, whole

  void request(const wire::WardenRequest& request) {
    if (hung_) return waiting_.push_back(request);
    std::visit([this](const auto& what) { handle(what); }, request);
  }

  // SIGKILL: the keepers kill every task; the restarted warden says which.
  void crash() {
    ++life_;
    hung_ = false;
    waiting_.clear();
    said_.clear();
    for (const auto& [task, running] : running_) end(task, ended_as(wire::Outcome::warden_lost));
    running_.clear();
  }

  // The node loses its power. What it had written may be on its card, or not yet.
  void power_loss(bool records_stay) {
    crash();
    if (!records_stay) exited_.clear();
  }

  // SIGSTOP of the warden; its keepers go on.
  void hang(int64_t for_ms) {
    if (hung_) return;
    hung_ = true;
    timeline_.after(for_ms, [this, life = life_] {
      if (life != life_) return;
      hung_ = false;
      for (const auto& what : std::exchange(said_, {})) report(what);
      late_ = true;
      for (const auto& what : std::exchange(waiting_, {})) request(what);
      late_ = false;
    });
  }

  std::string read(const wire::WardenTask& task, uint64_t offset, uint64_t max_bytes) const {
    const auto found = exited_.find(task);
    if (found == exited_.end() || offset >= found->second.out.kept_bytes) return {};
    return std::string(std::min(max_bytes, found->second.out.kept_bytes - offset), 'x');
  }

  size_t records() const { return exited_.size(); }
  size_t running() const { return running_.size(); }

 private:
  struct Running {
    wire::TaskSpec spec;
    int64_t started_ms = 0;
    MonoTime heard;
  };

  void say(wire::WardenReport what) {
    if (hung_) return said_.push_back(std::move(what));
    report(std::move(what));
  }

  void handle(const wire::WardenHello&) {
    wire::WardenState state;
    state.pid = 1;
    state.slots = slots_;
    state.directory = "/sim";
    state.containment.files = true;
    for (const auto& [task, running] : running_) state.running.push_back(started(task, running));
    for (const auto& [task, result] : exited_) state.exited.push_back({task, result});
    say(state);
  }

  static wire::WardenStarted started(const wire::WardenTask& task, const Running& running) {
    return {task, 1, running.started_ms, running.spec.cpus, running.spec.memory_bytes, {}, running.spec.lease_ms};
  }

  void handle(const wire::WardenStart& start) {
    if (running_.contains(start.task) || exited_.contains(start.task)) {
      return say(wire::WardenRefused{start.task, "there is such an attempt already"});
    }
    if (running_.size() >= slots_) return say(wire::WardenRefused{start.task, "no free slot"});
    const Running running{start.spec, timeline_.now_ms(), {start.heard_ms}};
    if (is_over(running)) {
      exited_[start.task] = ended_as(wire::Outcome::lease_ended);
      return say(wire::WardenExited{start.task, exited_.at(start.task)});
    }
    if (!has_inputs(start)) {
      exited_[start.task] = ended_as(wire::Outcome::start_failed);
      return say(wire::WardenExited{start.task, exited_.at(start.task)});
    }
    begin(start.task, running);
  }

  // Of what it takes up late the agent may have started anew meanwhile, and have begun with nothing.
  bool has_inputs(const wire::WardenStart& start) {
    for (const auto& file : start.files) {
      if (file.path.empty() || is_there(file.path)) continue;
      if (!late_)
        truth_.violation("node " + node_ + " is to start " + to_string(start.task.id) + " without " + file.name);
      return false;
    }
    return true;
  }

  void begin(const wire::WardenTask& task, const Running& running) {
    running_[task] = running;
    ++truth_.starts[task];
    truth_.live[{task.store, task.id.task_key()}][task.id] = node_;
    truth_.on_start(task);
    check_room(task.store);
    say(started(task, running));
    timeline_.after(std::stoll(running.spec.argv.at(1)), [this, task, life = life_] {
      if (life == life_) exit_by_itself(task);
    });
    watch_lease(task);
  }

  // What a store left behind that the node does not belong to any more is being killed.
  void check_room(const StoreId& store) const {
    uint32_t cpus = 0;
    for (const auto& [task, running] : running_) cpus += task.store == store ? running.spec.cpus : 0;
    if (cpus > slots_) truth_.violation("node " + node_ + " runs " + std::to_string(cpus) + " cpus' worth of tasks");
  }

  bool is_over(const Running& running) const {
    return running.spec.lease_ms > 0 && clock_.now().mono >= lease_end(running.heard, running.spec.lease_ms);
  }

  void watch_lease(const wire::WardenTask& task) {
    const auto found = running_.find(task);
    if (found == running_.end() || found->second.spec.lease_ms == 0) return;
    if (is_over(found->second)) return kill_for_lease(task);
    const MonoTime end = lease_end(found->second.heard, found->second.spec.lease_ms);
    timeline_.after(std::max<int64_t>(1, clock_.until(end)), [this, task, life = life_] {
      if (life == life_) watch_lease(task);
    });
  }

  void kill_for_lease(const wire::WardenTask& task) {
    ++truth_.leases_ended;
    running_.erase(task);
    end(task, ended_as(wire::Outcome::lease_ended));
    say(wire::WardenExited{task, exited_.at(task)});
  }

  void handle(const wire::WardenLease& lease) {
    std::set<wire::WardenTask> over;
    for (auto& [task, running] : running_) {
      if (is_over(running)) over.insert(task);
      running.heard = std::max(running.heard, MonoTime{lease.heard_ms});
    }
    for (const auto& task : over) kill_for_lease(task);
  }

  void handle(const wire::WardenKill& kill) {
    timeline_.after(20, [this, kill, life = life_] {
      if (life != life_ || running_.erase(kill.task) == 0) return;
      end(kill.task, ended_as(kill.outcome));
      say(wire::WardenExited{kill.task, exited_.at(kill.task)});
    });
  }

  // Half of each task's time is work.
  void handle(const wire::WardenAskUsage&) {
    for (const auto& [task, running] : running_) {
      say(wire::WardenUsage{task, static_cast<uint64_t>(timeline_.now_ms() - running.started_ms) * 500});
    }
  }

  void handle(const wire::WardenPing&) { say(wire::WardenPong{}); }

  void handle(const wire::WardenForget& forget) {
    for (const auto& task : forget.tasks) exited_.erase(task);
  }

  void exit_by_itself(const wire::WardenTask& task) {
    const auto found = running_.find(task);
    if (found == running_.end()) return;
    const auto& argv = found->second.spec.argv;
    wire::Finished result;
    result.outcome = wire::Outcome::exited;
    result.code = std::stoi(argv.at(2));
    result.started_wall_ms = found->second.started_ms;
    result.duration_ms = timeline_.now_ms() - found->second.started_ms;
    result.out.kept_bytes = std::stoull(argv.at(3));
    if (result.code == 0) truth_.succeeded.insert(task);
    running_.erase(found);
    end(task, result);
    say(wire::WardenExited{task, result});
  }

  static wire::Finished ended_as(wire::Outcome outcome) {
    wire::Finished result;
    result.outcome = outcome;
    return result;
  }

  void end(const wire::WardenTask& task, const wire::Finished& result) {
    truth_.live[{task.store, task.id.task_key()}].erase(task.id);
    exited_[task] = result;
  }

  const std::string node_;
  Timeline& timeline_;
  const MachineClock& clock_;
  Truth& truth_;
  const uint32_t slots_;
  uint64_t life_ = 0;
  bool hung_ = false;
  bool late_ = false;  // works off what came while it hung
  std::vector<wire::WardenRequest> waiting_;
  std::vector<wire::WardenReport> said_;
  std::map<wire::WardenTask, Running> running_;
  std::map<wire::WardenTask, wire::Finished> exited_;
};

}  // namespace bramble::sim
