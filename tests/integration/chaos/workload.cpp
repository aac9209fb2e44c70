#include "workload.hpp"

#include <algorithm>
#include <chrono>
#include <sstream>
#include <thread>

#include "support/bramble_process.hpp"

namespace bramble::test::chaos {
namespace {

constexpr int64_t kMaxTasks = 8;
constexpr int kRerunChance = 50;  // the others share the rest
constexpr int kFailChance = 25;
constexpr int kCancelChance = 4;
constexpr int kBigOutputChance = 20;
constexpr int kSomeOutputsChance = 30;
constexpr int64_t kPauseMs = 400;
constexpr int64_t kNeverGood = 1'000'000;
constexpr size_t kAskedAtOnce = 500;
constexpr int kPatienceTries = 100;
constexpr int64_t kPatiencePauseMs = 100;

void pause_ms(int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

bool is_final(const std::string& state) { return state == "succeeded" || state == "failed" || state == "cancelled"; }

bool always() { return true; }

}  // namespace

Workload::Workload(uint64_t seed, std::string url, std::string diaries, WorkloadLimits limits, FixedJobs fixed)
    : random_(seed ^ 0x9e3779b97f4a7c15),
      url_(std::move(url)),
      diaries_(std::move(diaries)),
      limits_(limits),
      fixed_(fixed),
      reader_(url_) {}

void Workload::run_until(const std::stop_token& stop) {
  for (size_t i = 0; i < fixed_.jobs; ++i) {
    hand_in({0, fixed_.tasks, fixed_.policy, 0, false},
            {std::to_string(fixed_.first_ms), std::to_string(fixed_.again_ms), "500", "0"});
  }
  while (!stop.stop_requested()) {
    if (fixed_.jobs == 0 && open_jobs().size() < limits_.open_jobs) submit_any();
    if (fixed_.jobs == 0 && !limits_.once_only && random_.chance(kCancelChance)) cancel_one();
    look_at_one();
    look_for_ends();
    forget_old_ones();
    const bool is_hungry = fixed_.jobs == 0 && open_jobs().size() < limits_.open_jobs / 2;
    if (!is_hungry) pause_ms(random_.between(0, kPauseMs));
  }
}

void Workload::submit_any() {
  Submitted job;
  job.tasks = static_cast<uint64_t>(random_.between(1, kMaxTasks));
  const auto any_policy = random_.chance(kRerunChance) ? Policy::rerun : static_cast<Policy>(random_.between(1, 2));
  job.policy = limits_.policy.value_or(any_policy);
  job.retries = limits_.once_only ? 0 : static_cast<uint64_t>(random_.between(0, 2));
  const bool is_long = random_.chance(limits_.long_percent);
  const std::string sleep_ms = std::to_string(is_long ? random_.between(limits_.usual_ms, limits_.longest_ms)
                                                      : random_.between(0, limits_.usual_ms));
  const bool good = limits_.once_only || is_long || !random_.chance(kFailChance);
  const int64_t fail_below = good ? 0 : random_.chance(30) ? kNeverGood : 2;
  const int64_t bytes = random_.chance(kBigOutputChance) ? random_.between(17'000, 400'000) : random_.between(0, 900);
  hand_in(job, {sleep_ms, sleep_ms, std::to_string(bytes), std::to_string(fail_below)});
}

void Workload::hand_in(Submitted job, const std::vector<std::string>& task) {
  std::vector<std::string> command{"submit",
                                   "--array",
                                   "1-" + std::to_string(job.tasks),
                                   "--retries",
                                   std::to_string(job.retries),
                                   "--on-node-loss",
                                   to_string(job.policy),
                                   "--",
                                   CHAOS_TASK,
                                   diaries_};
  command.insert(command.end(), task.begin(), task.end());
  std::istringstream number(run_bramble(url_, command).out);
  if (number >> job.job) {
    jobs_.push_back(job);
    ++handed_in_;
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

// An open one, or one that ended and must not have changed since.
void Workload::look_at_one() {
  std::vector<uint64_t> all = open_jobs();
  all.insert(all.end(), kept_.begin(), kept_.end());
  if (all.empty()) return;
  const auto any = static_cast<size_t>(random_.between(0, static_cast<int64_t>(all.size()) - 1));
  auto job = reader_.job(all[any], [&] { return random_.chance(kSomeOutputsChance); });
  if (job) seen_.push_back(std::move(*job));
}

void Workload::look_for_ends() {
  const auto states = reader_.states(open_jobs());
  if (!states) return;
  for (const auto& [job, state] : *states) {
    if (!is_final(state)) continue;
    seen_.push_back({job, state, {}});
    over_.insert(job);
    kept_.push_back(job);
    ++ended_;
  }
}

// So a long run needs no larger disk than a short one. Nothing is asked again but what got no answer.
void Workload::forget_old_ones() {
  while (kept_.size() > limits_.keep_jobs) {
    const uint64_t job = kept_.front();
    if (forgotten_.empty() || forgotten_.back().job != job) {
      auto seen = reader_.job(job, always);
      if (!seen) return;
      forgotten_.push_back(std::move(*seen));
    }
    if (!reader_.forget(job)) return;
    kept_.pop_front();
  }
}

size_t Workload::forgotten_and_still_there() {
  size_t there = 0;
  std::vector<uint64_t> some;
  for (size_t i = 0; i < forgotten_.size(); ++i) {
    const bool answered = kept_.empty() || forgotten_[i].job != kept_.front();
    if (answered) some.push_back(forgotten_[i].job);
    if (some.size() < kAskedAtOnce && i + 1 < forgotten_.size()) continue;
    const auto states = reader_.states(some);
    there += states ? states->size() : 0;
    some.clear();
  }
  return there;
}

bool Workload::wait_for_all(int64_t limit_ms) {
  const int64_t give_up_ns = boot_ns() + limit_ms * kNsPerMs;
  while (boot_ns() < give_up_ns) {
    look_for_ends();
    if (open_jobs().empty()) return true;
    pause_ms(kPatiencePauseMs);
  }
  return false;
}

std::vector<uint64_t> Workload::open_jobs() const {
  std::vector<uint64_t> open;
  for (const Submitted& job : jobs_) {
    if (!over_.contains(job.job)) open.push_back(job.job);
  }
  return open;
}

std::vector<JobSeen> Workload::look_at_all() {
  std::set<uint64_t> gone;
  for (const JobSeen& job : forgotten_) gone.insert(job.job);
  std::vector<JobSeen> all;
  for (const Submitted& job : jobs_) {
    if (gone.contains(job.job)) continue;
    if (auto seen = look_patiently(job.job)) all.push_back(std::move(*seen));
  }
  return all;
}

// "Come again" and no answer at all are no word on the job.
std::optional<JobSeen> Workload::look_patiently(uint64_t job) {
  for (int i = 0; i < kPatienceTries; ++i) {
    auto seen = reader_.job(job, always);
    if (seen) return std::move(*seen);
    if (seen.error().code == ErrorCode::not_found) return std::nullopt;
    pause_ms(kPatiencePauseMs);
  }
  return std::nullopt;
}

}  // namespace bramble::test::chaos
