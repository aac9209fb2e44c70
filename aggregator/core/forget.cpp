// Jobs that are forgotten: marked at once, removed in steps that are small enough to hold up nobody.
//
// A step asks for rows (they are not in memory), and what comes back is deleted with the next commit; files go after
// it. A crash in between leaves the mark, and the next start goes on; a file whose row is gone already is found by the
// sweep over output files, an input by the sweep over blobs.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "aggregator/core/internal.hpp"
#include "aggregator/core/reactor.hpp"

namespace bramble::aggregator {
namespace {

constexpr size_t kMaxForgottenAtOnce = 10'000;
constexpr size_t kMaxJobsInStep = 100;
constexpr size_t kMaxRemovedRemembered = 10'000;

void remember_removed(State& state, JobId job) {
  state.removed_jobs.insert(job);
  if (state.removed_jobs.size() > kMaxRemovedRemembered) state.removed_jobs.erase(state.removed_jobs.begin());
}

void remove_rows(State& state, Effects& effects, Now now, const ForgottenRows& rows) {
  if (rows.through) effects.writes.push_back(RemoveTasks{rows.job, *rows.through});
  for (const auto& key : rows.output_files) effects.files.push_back(RemoveOutput{key});
  for (const auto& blob : rows.inputs) drop_blob(state, effects, now, blob);
  if (!rows.whole) return;
  effects.writes.push_back(RemoveJob{rows.job});
  state.forgetting.pop_front();
  remember_removed(state, rows.job);
}

}  // namespace

ApiReply forget_jobs(State& state, Effects& effects, const std::vector<JobId>& jobs) {
  if (jobs.size() > kMaxForgottenAtOnce) {
    return refuse(400, "these are " + std::to_string(jobs.size()) + " jobs: forget at most " +
                           std::to_string(kMaxForgottenAtOnce) + " at once");
  }
  for (const JobId id : jobs) {
    if (find_job(state, id) == nullptr) continue;
    const std::string number = std::to_string(id);
    return refuse(409, "job " + number + " has not ended: cancel it first (bramble job cancel " + number + ")");
  }
  nlohmann::json forgotten = nlohmann::json::array();
  const std::set<JobId> known(state.forgetting.begin(), state.forgetting.end());
  for (const JobId id : jobs) {
    if (known.contains(id) || state.removed_jobs.contains(id)) continue;
    effects.writes.push_back(ForgetJob{id});
    state.forgetting.push_back(id);
    if (const auto job = take_final(state, id)) state.submissions.erase(job->submit_id);
    forgotten.push_back(id);
  }
  return {200, nlohmann::json{{"forgotten", forgotten}}.dump(), {}};
}

void remove_forgotten(State& state, Effects& effects) {
  if (state.forgotten_rows_asked || state.forgetting.empty()) return;
  state.forgotten_rows_asked = true;
  const auto count = static_cast<ptrdiff_t>(std::min(kMaxJobsInStep, state.forgetting.size()));
  effects.files.push_back(ReadForgotten{{state.forgetting.begin(), state.forgetting.begin() + count}});
}

void on_forgotten_rows(State& state, Effects& effects, Now now, const std::vector<ForgottenRows>& rows) {
  state.forgotten_rows_asked = false;
  for (const auto& each : rows) {
    if (state.forgetting.empty() || state.forgetting.front() != each.job) return;
    remove_rows(state, effects, now, each);
  }
}

}  // namespace bramble::aggregator
