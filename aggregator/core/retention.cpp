// How long jobs are remembered, and how full the room for their inputs and outputs is.
#include "aggregator/core/internal.hpp"
#include "aggregator/core/reactor.hpp"

namespace bramble::aggregator {
namespace {

constexpr int64_t kLookEveryMs = 60'000;

}  // namespace

void expire_jobs(State& state, Effects& effects, Now now) {
  const Config& config = state.config;
  if (config.keep_jobs_ms == 0 && config.keep_jobs == 0) return;
  if (state.expired_asked || !state.forgetting.empty() || now.mono < state.expire_at) return;
  state.expired_asked = true;
  state.expire_at = now.mono + kLookEveryMs;
  std::optional<WallTime> before;
  if (config.keep_jobs_ms > 0) before = WallTime{now.wall.ms - config.keep_jobs_ms};
  effects.files.push_back(FindExpired{before, config.keep_jobs});
}

void on_expired_jobs(State& state, Effects& effects, Now now, const std::vector<JobId>& jobs) {
  state.expired_asked = false;
  std::vector<JobId> ended;
  for (const JobId id : jobs) {
    if (find_job(state, id) == nullptr) ended.push_back(id);  // else it was tried again meanwhile
  }
  if (ended.empty()) return;
  forget_jobs(state, effects, ended);
  state.expire_at = now.mono;  // there may be more
  effects.info("forgot " + std::to_string(ended.size()) + " old jobs, from job " + std::to_string(ended.front()) +
               " on (keep_jobs_days, keep_jobs)");
}

void on_storage(State& state, Effects& effects, const StorageUse& storage) {
  if (storage.full && !state.storage.full) {
    effects.warn(
        "the room for inputs and outputs is used up (the disk, or blob_quota_bytes): nothing is lost, and outputs wait "
        "on "
        "their nodes; bramble job forget makes room");
  } else if (!storage.full && state.storage.full) {
    effects.info("there is room for inputs and outputs again");
  }
  state.storage = storage;
}

void on_dropped(State& state, Effects& effects, uint64_t messages) {
  if (messages > 0 && state.dropped_messages == 0) {
    effects.warn(
        "more comes in than can be worked off: messages are dropped, and counted in the health JSON; what "
        "matters is said again by those who sent it, readings are lost");
  }
  state.dropped_messages = messages;
}

}  // namespace bramble::aggregator
