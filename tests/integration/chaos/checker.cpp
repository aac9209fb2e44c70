#include "checker.hpp"

#include <algorithm>
#include <iomanip>
#include <map>
#include <set>
#include <sstream>

#include "causes.hpp"

namespace bramble::test::chaos {
namespace {

using TaskName = std::pair<uint64_t, uint64_t>;

constexpr int64_t kAlways = INT64_MAX;

bool is_final(const std::string& state) { return state == "succeeded" || state == "failed" || state == "cancelled"; }

std::string name_of(const TaskSeen& task) { return std::to_string(task.job) + "/" + std::to_string(task.task); }

std::string words_of(const Run& run) {
  const int64_t ms = (run.last_ns - run.start_ns) / kNsPerMs;
  return to_string(run.name) + " on " + run.node + " (pid " + std::to_string(run.pid) + ", from " +
         std::to_string(run.start_ns / kNsPerMs) + " ms for at least " + std::to_string(ms) + " ms, " +
         (run.exit_code ? "exit " + std::to_string(*run.exit_code) : "no end") + ")";
}

bool ended_badly(const Run& run) { return run.exit_code && *run.exit_code != 0; }

class Judge {
 public:
  explicit Judge(const History& history) : history_(history), causes_(history.faults, history.lease_ms) {
    for (const Run& run : history.runs) runs_[{run.name.job, run.name.task}].push_back(&run);
    for (auto& [task, runs] : runs_) {
      std::sort(runs.begin(), runs.end(), [](const Run* a, const Run* b) { return a->start_ns < b->start_ns; });
    }
    for (const JobSeen& job : history.at_end) at_end_[job.job] = &job;
  }

  Verdict judge() {
    verdict_.runs = history_.runs.size();
    for (const Submitted& job : history_.jobs) judge_job(job);
    judge_changes();
    count_faults();
    return std::move(verdict_);
  }

 private:
  void found(Violation violation, const std::string& text) { verdict_.findings.push_back({violation, text}); }

  const std::vector<const Run*>& runs_of(uint64_t job, uint64_t task) { return runs_[{job, task}]; }

  void judge_job(const Submitted& job) {
    verdict_.tasks += job.tasks;
    for (uint64_t task = 1; task <= job.tasks; ++task) judge_runs(job, runs_of(job.job, task));
    const auto known = at_end_.find(job.job);
    if (known == at_end_.end()) {
      return found(Violation::run_lost, "job " + std::to_string(job.job) + " is not there any more");
    }
    if (!is_final(known->second->state)) {
      found(Violation::never_ended, "job " + std::to_string(job.job) + " is still " + known->second->state);
    }
    judge_states(job, *known->second);
  }

  // --- what the aggregator says, against the diaries ---

  void judge_states(const Submitted& job, const JobSeen& said) {
    std::set<uint64_t> touched;
    for (const TaskSeen& task : said.tasks) {
      touched.insert(task.task);
      judge_task(job, task);
    }
    if (said.state == "cancelled") return;  // then the rest need not have been touched
    for (uint64_t task = 1; task <= job.tasks; ++task) {
      const std::string name = std::to_string(job.job) + "/" + std::to_string(task);
      if (!touched.contains(task)) found(Violation::run_lost, "task " + name + " never ran, and its job " + said.state);
    }
  }

  void judge_task(const Submitted& job, const TaskSeen& task) {
    for (const auto& [end, number] : task.tries) verdict_.tries[end] += number;
    if (task.state == "succeeded") return judge_success(task);
    if (task.state == "failed") return judge_failure(job, task);
    if (task.state == "cancelled") {
      if (!job.cancel_asked) found(Violation::ended_without_cause, name_of(task) + " was cancelled, nobody asked");
      return;
    }
    found(Violation::never_ended, "task " + name_of(task) + " is still " + task.state);
  }

  void judge_success(const TaskSeen& task) {
    ++verdict_.succeeded;
    const auto& runs = runs_of(task.job, task.task);
    const bool ended_well = std::any_of(runs.begin(), runs.end(), [&](const Run* run) {
      return run->name.attempt == task.committed_attempt && run->exit_code == 0;
    });
    if (!ended_well) {
      found(Violation::run_lost, "task " + name_of(task) + " is called succeeded by attempt " +
                                     std::to_string(task.committed_attempt) + ", which never ended well");
    }
    if (!task.output) found(Violation::run_lost, "task " + name_of(task) + " succeeded and has no output");
  }

  void judge_failure(const Submitted& job, const TaskSeen& task) {
    const auto& runs = runs_of(task.job, task.task);
    const auto bad = std::count_if(runs.begin(), runs.end(), [](const Run* run) { return ended_badly(*run); });
    if (bad > static_cast<std::ptrdiff_t>(job.retries)) return;
    const auto crashed = std::count_if(runs.begin(), runs.end(), [&](const Run* run) { return met_power_cut(*run); });
    if (crashed >= static_cast<std::ptrdiff_t>(kCrashLimit)) return;
    const auto lost = [&](const std::string& node) { return causes_.lost_between(node, 0, kAlways); };
    if (job.policy == Policy::fail && std::any_of(task.nodes.begin(), task.nodes.end(), lost)) return;
    found(Violation::ended_without_cause, "task " + name_of(task) + " failed after " + std::to_string(bad) +
                                              " bad ends, with " + std::to_string(job.retries) + " retries");
  }

  // Before its end was told, or might have been.
  bool met_power_cut(const Run& run) const {
    return causes_.power_lost_between(run.node, run.start_ns, run.last_ns + kUnreportedMs * kNsPerMs);
  }

  // --- the diaries among themselves ---

  void judge_runs(const Submitted& job, const std::vector<const Run*>& runs) {
    int64_t last_ns = 0;
    for (size_t i = 1; i < runs.size(); ++i) {
      last_ns = std::max(last_ns, runs[i - 1]->last_ns);
      judge_pair(job, *runs[i - 1], *runs[i], last_ns);
    }
    std::set<uint64_t> attempts;
    for (const Run* run : runs) {
      if (!attempts.insert(run->name.attempt).second) {
        found(Violation::attempt_doubled, "the attempt started twice: " + words_of(*run));
      }
      if (job.policy == Policy::fence) judge_overlap(*run, runs);
    }
  }

  // last_ns: the last word of all runs before the second.
  void judge_pair(const Submitted& job, const Run& first, const Run& second, int64_t last_ns) {
    const Run& older = first.name.attempt <= second.name.attempt ? first : second;
    const std::string both = words_of(first) + ", then " + words_of(second) + ", policy " + to_string(job.policy);
    if (ended_badly(first) && first.last_ns <= second.start_ns && job.retries > 0) {
      ++verdict_.retried;
    } else if (job.policy == Policy::fail) {
      found(Violation::fail_ran_again, both);
    } else if (has_cause(job, older, first.start_ns, second.start_ns)) {
      ++verdict_.doubled_with_cause;
      const auto why = [&] { return causes_.words_between(older.node, first.last_ns, second.start_ns); };
      if (job.policy == Policy::fence) verdict_.handovers.push_back({why(), second.start_ns - last_ns});
    } else {
      found(Violation::run_doubled, both);
    }
  }

  bool has_cause(const Submitted& job, const Run& older, int64_t begin_ns, int64_t end_ns) const {
    return causes_.lost_between(older.node, begin_ns, end_ns) ||
           (job.policy == Policy::fence && causes_.lease_ended_between(older.node, begin_ns, end_ns));
  }

  void judge_overlap(const Run& run, const std::vector<const Run*>& runs) {
    for (const Run* other : runs) {
      const bool later = other->start_ns > run.start_ns || (other->start_ns == run.start_ns && other > &run);
      if (later && other->start_ns < run.last_ns) {
        found(Violation::fence_overlap, words_of(run) + " while " + words_of(*other));
      }
    }
  }

  void count_faults() {
    for (const Fault& fault : history_.faults) {
      ++verdict_.faults[fault.kind];
      verdict_.met[fault.kind] +=
          static_cast<size_t>(std::count_if(history_.runs.begin(), history_.runs.end(), [&](const Run& run) {
            const bool concerned = fault.node.empty() || fault.node == run.node;
            return concerned && run.start_ns <= fault.end_ns && run.last_ns + kAliveMs * kNsPerMs >= fault.begin_ns;
          }));
    }
  }

  // --- what was said at several times ---

  void judge_changes() {
    std::map<TaskName, const TaskSeen*> first;
    std::map<TaskName, const TaskSeen*> first_output;
    std::map<uint64_t, std::string> ended;
    for (const auto* times : {&history_.seen, &history_.at_end}) {
      for (const JobSeen& job : *times) {
        judge_job_change(job, ended);
        for (const TaskSeen& task : job.tasks) {
          judge_output(task);
          judge_change(task, first, first_output);
        }
      }
    }
  }

  void judge_job_change(const JobSeen& job, std::map<uint64_t, std::string>& ended) {
    const auto known = ended.find(job.job);
    if (known != ended.end() && known->second != job.state) {
      found(Violation::commit_doubled,
            "job " + std::to_string(job.job) + " was " + known->second + ", then " + job.state);
    }
    if (is_final(job.state)) ended.emplace(job.job, job.state);
  }

  void judge_output(const TaskSeen& task) {
    if (!task.output) return;
    const Output& output = *task.output;
    const std::string where = "the output of " + name_of(task) + " is that of " + to_string(output.name);
    if (output.name.job != task.job || output.name.task != task.task) return found(Violation::wrong_result, where);
    if (output.name.attempt != task.committed_attempt) {
      found(Violation::commit_doubled, where + ", committed is " + std::to_string(task.committed_attempt));
    }
    const auto& runs = runs_of(task.job, task.task);
    const bool real = std::any_of(runs.begin(), runs.end(), [&](const Run* run) {
      return run->nonce == output.nonce && run->name == output.name;
    });
    if (!real) found(Violation::wrong_result, where + ", which never wrote " + output.nonce);
    if (!output.whole) found(Violation::wrong_result, where + ", and damaged");
  }

  void judge_change(const TaskSeen& task, std::map<TaskName, const TaskSeen*>& first,
                    std::map<TaskName, const TaskSeen*>& first_output) {
    if (!is_final(task.state) && !first.contains({task.job, task.task})) return;
    const TaskSeen& before = *first.emplace(TaskName{task.job, task.task}, &task).first->second;
    if (before.state != task.state || before.committed_attempt != task.committed_attempt) {
      found(Violation::commit_doubled, name_of(task) + " was " + before.state + " by attempt " +
                                           std::to_string(before.committed_attempt) + ", then " + task.state + " by " +
                                           std::to_string(task.committed_attempt));
    }
    if (!task.output) return;
    const TaskSeen& shown = *first_output.emplace(TaskName{task.job, task.task}, &task).first->second;
    if (*shown.output != *task.output) {
      found(Violation::commit_doubled,
            "the output of " + name_of(task) + " was " + shown.output->nonce + ", then " + task.output->nonce);
    }
  }

  const History& history_;
  const Causes causes_;
  std::map<TaskName, std::vector<const Run*>> runs_;
  std::map<uint64_t, const JobSeen*> at_end_;
  Verdict verdict_;
};

}  // namespace

const char* to_string(Violation violation) {
  constexpr std::array<const char*, kViolations> names{"runs lost",
                                                       "jobs or tasks that never ended",
                                                       "commits doubled",
                                                       "results wrong or in the wrong job",
                                                       "runs doubled without cause",
                                                       "attempts started twice",
                                                       "overlapping runs of a fence task",
                                                       "fail tasks run again",
                                                       "failed or cancelled without cause"};
  return names[static_cast<size_t>(violation)];
}

size_t Verdict::count(Violation violation) const {
  return static_cast<size_t>(std::count_if(findings.begin(), findings.end(),
                                           [&](const Finding& finding) { return finding.violation == violation; }));
}

std::string Verdict::fence_text() const {
  std::map<std::string, std::vector<int64_t>> by_cause;
  int64_t least_ns = INT64_MAX;
  for (const Handover& one : handovers) {
    by_cause[one.cause].push_back(one.gap_ns);
    least_ns = std::min(least_ns, one.gap_ns);
  }
  const auto seconds = [](int64_t ns) { return static_cast<double>(ns / kNsPerMs) / 1000; };
  std::ostringstream out;
  out << std::fixed << std::setprecision(2) << handovers.size() << " second runs of fence tasks whose node was lost";
  if (handovers.empty()) return out.str() + "\n";
  out << "; from the last line of the old run to the first of the new at least " << seconds(least_ns) << " s:\n";
  for (const auto& [cause, gaps] : by_cause) {
    out << "  " << cause << ": " << gaps.size() << ", at least " << seconds(*std::min_element(gaps.begin(), gaps.end()))
        << " s\n";
  }
  return out.str();
}

std::string Verdict::text() const {
  std::ostringstream out;
  out << tasks << " tasks, " << succeeded << " succeeded; " << runs << " runs, " << retried << " retries, "
      << doubled_with_cause << " doubled with cause\ntries by how they ended:";
  for (const auto& [end, number] : tries) out << " " << number << " " << end << ";";
  out << "\nfaults, and the runs that met them:";
  for (const auto& [kind, count] : faults) out << " " << to_string(kind) << " " << count << "/" << met.at(kind) << ";";
  out << "\n" << fence_text();
  for (int i = 0; i < kViolations; ++i) {
    out << "  " << count(static_cast<Violation>(i)) << " " << to_string(static_cast<Violation>(i)) << "\n";
  }
  for (const Finding& finding : findings)
    out << "VIOLATION: " << to_string(finding.violation) << ": " << finding.text << "\n";
  return out.str();
}

Verdict check(const History& history) { return Judge(history).judge(); }

}  // namespace bramble::test::chaos
