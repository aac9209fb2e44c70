#include "workload.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "support/bramble_process.hpp"
#include "task_text.hpp"

namespace bramble::test::chaos {
namespace {

using nlohmann::json;

constexpr int64_t kMaxTasks = 8;
constexpr int kRerunChance = 50;  // the others share the rest
constexpr int kFailChance = 25;
constexpr int kCancelChance = 4;
constexpr int kBigOutputChance = 20;
constexpr int64_t kPauseMs = 400;
constexpr int64_t kUsualTaskMs = 5'000;
constexpr int64_t kNeverGood = 1'000'000;

void pause_ms(int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

bool is_final(const std::string& state) { return state == "succeeded" || state == "failed" || state == "cancelled"; }

uint64_t number_of(const json& object, const char* field) {
  const auto known = object.find(field);
  return known != object.end() && known->is_number_unsigned() ? known->get<uint64_t>() : 0;
}

TaskSeen task_of(uint64_t job, const json& task) {
  TaskSeen seen{job, number_of(task, "task"), task.value("state", ""), number_of(task, "committed_attempt"), {}, {}};
  for (const json& one : task.value("tries", json::array())) seen.nodes.push_back(one.value("node", ""));
  return seen;
}

}  // namespace

std::optional<Output> parse_output(const std::string& text) {
  std::istringstream words(text);
  std::string chaos;
  Output output;
  uint64_t bytes = 0;
  if (!(words >> chaos >> output.name.job >> output.name.task >> output.name.attempt >> output.nonce >> bytes)) {
    return std::nullopt;
  }
  const std::string name = std::to_string(output.name.job) + " " + std::to_string(output.name.task) + " " +
                           std::to_string(output.name.attempt);
  output.whole =
      bytes < text.size() && text == task_text_head(name, output.nonce, bytes) + task_text_tail(output.nonce);
  return output;
}

Workload::Workload(uint64_t seed, std::string url, std::string diaries, WorkloadLimits limits)
    : random_(seed ^ 0x9e3779b97f4a7c15), url_(std::move(url)), diaries_(std::move(diaries)), limits_(limits) {}

void Workload::run_until(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (open_jobs() < limits_.open_jobs) submit();
    if (random_.chance(kCancelChance)) cancel_one();
    look_at_one();
    look_at_states();
    pause_ms(random_.between(0, kPauseMs));
  }
}

void Workload::submit() {
  Submitted job;
  job.tasks = static_cast<uint64_t>(random_.between(1, kMaxTasks));
  const auto any_policy = random_.chance(kRerunChance) ? Policy::rerun : static_cast<Policy>(random_.between(1, 2));
  job.policy = limits_.policy.value_or(any_policy);
  job.retries = static_cast<uint64_t>(random_.between(0, 2));
  const int64_t fail_below = !random_.chance(kFailChance) ? 0 : random_.chance(30) ? kNeverGood : 2;
  const int64_t sleep_ms = random_.chance(limits_.long_percent) ? random_.between(kUsualTaskMs, limits_.longest_ms)
                                                                : random_.between(0, kUsualTaskMs);
  const int64_t bytes = random_.chance(kBigOutputChance) ? random_.between(17'000, 400'000) : random_.between(0, 900);
  const Ran ran =
      run_bramble(url_, {"submit", "--array", "1-" + std::to_string(job.tasks), "--retries",
                         std::to_string(job.retries), "--on-node-loss", to_string(job.policy), "--", CHAOS_TASK,
                         diaries_, std::to_string(sleep_ms), std::to_string(bytes), std::to_string(fail_below)});
  std::istringstream number(ran.out);
  if (number >> job.job) {
    jobs_.push_back(job);
  } else {
    ++unanswered_;
  }
}

void Workload::cancel_one() {
  const auto open = std::find_if(jobs_.rbegin(), jobs_.rend(), [&](const Submitted& job) {
    return !over_.contains(job.job) && !job.cancel_asked && random_.chance(50);
  });
  if (open == jobs_.rend()) return;
  open->cancel_asked = true;
  run_bramble(url_, {"job", "cancel", std::to_string(open->job)});
}

void Workload::look_at_one() {
  if (jobs_.empty()) return;
  const auto any = static_cast<size_t>(random_.between(0, static_cast<int64_t>(jobs_.size()) - 1));
  if (auto job = look(jobs_[any].job, 30)) seen_.push_back(std::move(*job));
}

// Every job's state, by one command.
void Workload::look_at_states() {
  const Ran ran = run_bramble(url_, {"job", "list", "--json"});
  const json jobs = json::parse(ran.out, nullptr, false);
  for (const json& job : jobs.is_array() ? jobs : json::array()) {
    const JobSeen seen{number_of(job, "job"), job.value("state", ""), {}};
    if (is_final(seen.state) && over_.insert(seen.job).second) seen_.push_back(seen);
  }
}

bool Workload::wait_for_all(int64_t limit_ms) {
  const int64_t give_up_ns = boot_ns() + limit_ms * kNsPerMs;
  while (boot_ns() < give_up_ns) {
    look_at_states();
    if (open_jobs() == 0) return true;
    pause_ms(100);
  }
  return false;
}

size_t Workload::open_jobs() const {
  const auto open = [&](const Submitted& job) { return !over_.contains(job.job); };
  return static_cast<size_t>(std::count_if(jobs_.begin(), jobs_.end(), open));
}

std::vector<JobSeen> Workload::look_at_all() {
  std::vector<JobSeen> all;
  for (const Submitted& job : jobs_) {
    if (auto seen = look(job.job, 100)) all.push_back(std::move(*seen));
  }
  return all;
}

// outputs_percent: of the tasks that have succeeded.
std::optional<JobSeen> Workload::look(uint64_t number, int outputs_percent) {
  const Ran ran = run_bramble(url_, {"job", "info", std::to_string(number), "--json"});
  const json jobs = json::parse(ran.out, nullptr, false);
  if (ran.status != 0 || !jobs.is_array() || jobs.size() != 1) return std::nullopt;
  JobSeen seen{number, jobs[0].value("state", ""), {}};
  for (const json& task : jobs[0].value("task_list", json::array())) {
    seen.tasks.push_back(task_of(number, task));
    TaskSeen& last = seen.tasks.back();
    if (last.state == "succeeded" && random_.chance(outputs_percent)) last.output = output_of(number, last.task);
  }
  return seen;
}

std::optional<Output> Workload::output_of(uint64_t job, uint64_t task) const {
  const Ran ran = run_bramble(url_, {"job", "cat", std::to_string(job), "--task", std::to_string(task)});
  return ran.status == 0 ? parse_output(ran.out) : std::nullopt;
}

}  // namespace bramble::test::chaos
