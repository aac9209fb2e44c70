// The warden's rules without processes: slots, exit records that outlive agents, tasks that die with it.
//
// A task's command says how it goes: {"sim", DURATION_MS, EXIT_CODE, OUTPUT_BYTES}.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "common/wire/warden_messages.hpp"
#include "timeline.hpp"

namespace bramble::sim {

// What really happened, over all nodes: the truth against which the aggregator's books are checked.
struct Truth {
  std::map<wire::WardenTask, int> starts;
  std::set<AttemptKey> succeeded;
  std::map<TaskKey, std::set<AttemptKey>> live;
  std::function<void(const AttemptKey&)> on_start;  // after it was counted as live
};

class SimWarden {
 public:
  SimWarden(Timeline& timeline, Truth& truth, uint32_t slots) : timeline_(timeline), truth_(truth), slots_(slots) {}

  std::function<void(wire::WardenReport)> report;  // to the agent, if it is there

  void request(const wire::WardenRequest& request) {
    std::visit([this](const auto& what) { handle(what); }, request);
  }

  // SIGKILL: the keepers kill every task; the restarted warden says which.
  void crash() {
    ++life_;
    for (const auto& [task, running] : running_) {
      end(task, ended_as(wire::Outcome::warden_lost));
    }
    running_.clear();
  }

  // The node loses its power, and what was not on its card is gone.
  void power_loss() {
    crash();
    exited_.clear();
  }

  std::string read(const wire::WardenTask& task, uint64_t offset, uint64_t max_bytes) const {
    const auto found = exited_.find(task);
    if (found == exited_.end() || offset >= found->second.out.kept_bytes) return {};
    return std::string(std::min(max_bytes, found->second.out.kept_bytes - offset), 'x');
  }

  void hello() { handle(wire::WardenHello{}); }

 private:
  struct Running {
    wire::TaskSpec spec;
    int64_t started_ms = 0;
  };

  void handle(const wire::WardenHello&) {
    wire::WardenState state;
    state.pid = 1;
    state.slots = slots_;
    state.directory = "/sim";
    for (const auto& [task, running] : running_) {
      state.running.push_back({task, 1, running.started_ms, running.spec.cpus, running.spec.memory_bytes, {}});
    }
    for (const auto& [task, result] : exited_) state.exited.push_back({task, result});
    report(state);
  }

  void handle(const wire::WardenStart& start) {
    if (running_.contains(start.task) || exited_.contains(start.task)) {
      return report(wire::WardenRefused{start.task, "there is such an attempt already"});
    }
    if (running_.size() >= slots_) return report(wire::WardenRefused{start.task, "no free slot"});
    running_[start.task] = {start.spec, timeline_.now_ms()};
    ++truth_.starts[start.task];
    truth_.live[start.task.id.task_key()].insert(start.task.id);
    truth_.on_start(start.task.id);
    report(wire::WardenStarted{start.task, 1, timeline_.now_ms(), start.spec.cpus, start.spec.memory_bytes, {}});
    timeline_.after(std::stoll(start.spec.argv.at(1)), [this, task = start.task, life = life_] {
      if (life == life_) exit_by_itself(task);
    });
  }

  void handle(const wire::WardenKill& kill) {
    timeline_.after(20, [this, kill, life = life_] {
      if (life != life_ || running_.erase(kill.task) == 0) return;
      end(kill.task, ended_as(kill.outcome));
      report(wire::WardenExited{kill.task, exited_.at(kill.task)});
    });
  }

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
    if (result.code == 0) truth_.succeeded.insert(task.id);
    running_.erase(found);
    end(task, result);
    report(wire::WardenExited{task, result});
  }

  static wire::Finished ended_as(wire::Outcome outcome) {
    wire::Finished result;
    result.outcome = outcome;
    return result;
  }

  void end(const wire::WardenTask& task, const wire::Finished& result) {
    truth_.live[task.id.task_key()].erase(task.id);
    exited_[task] = result;
  }

  Timeline& timeline_;
  Truth& truth_;
  const uint32_t slots_;
  uint64_t life_ = 0;
  std::map<wire::WardenTask, Running> running_;
  std::map<wire::WardenTask, wire::Finished> exited_;
};

}  // namespace bramble::sim
