// What must be true between batches.
#include "agent/core/internal.hpp"

namespace bramble::agent {
namespace {

struct Recount {
  Usage used;
  size_t queued = 0;
  size_t fetching = 0;
  size_t leased = 0;
  uint64_t spool_bytes = 0;
  size_t spool_attempts = 0;
};

void count_room(Usage& used, const wire::TaskSpec& spec) {
  used.cpus += spec.cpus == 0 ? 1 : spec.cpus;
  used.memory_bytes += spec.memory_bytes;
  ++used.attempts;
  for (const auto& [name, amount] : spec.resources) used.resources[name] += amount;
}

Recount recount(const State& state) {
  Recount counted;
  for (const auto& [id, attempt] : state.tasks.held) {
    if (has_lease(attempt)) ++counted.leased;
    if (attempt.phase == Phase::queued) ++counted.queued;
    if (attempt.phase == Phase::fetching) ++counted.fetching;
    if (attempt.phase == Phase::starting || attempt.phase == Phase::running) count_room(counted.used, *attempt.spec);
    if (attempt.phase != Phase::finished) continue;
    ++counted.spool_attempts;
    counted.spool_bytes += attempt.result->out.kept_bytes + attempt.result->err.kept_bytes;
  }
  std::erase_if(counted.used.resources, [](const auto& entry) { return entry.second == 0; });
  return counted;
}

Status check_counts(const State& state) {
  const Recount counted = recount(state);
  const Tasks& tasks = state.tasks;
  if (counted.used != tasks.used) return fail("the room in use is miscounted");
  if (counted.leased != state.lease.attempts) return fail("the attempts that have a lease are miscounted");
  if (counted.queued != tasks.ready.size()) return fail("the queue and the queued attempts differ");
  if (counted.fetching != tasks.fetching) return fail("the attempts that wait for input are miscounted");
  if (counted.spool_bytes != tasks.spool_bytes || counted.spool_attempts != tasks.spool_attempts) {
    return fail("the spool is miscounted");
  }
  return {};
}

Status check_events(const State& state) {
  size_t in_flight_bytes = 0;
  for (const auto& [number, event] : state.outbox.events) {
    if (event.phase != Outgoing::Phase::ready) in_flight_bytes += event.bytes;
    if (!state.tasks.held.contains(event.id)) return fail("an event of an attempt that is not held");
  }
  if (in_flight_bytes != state.outbox.in_flight_bytes) return fail("the window of events is miscounted");
  for (const auto& [id, attempt] : state.tasks.held) {
    const bool has_event = state.outbox.events.contains(attempt.event);
    if (attempt.phase == Phase::finished && !has_event) return fail("a result that is not on its way");
    if (attempt.event != 0 && !has_event) return fail("an attempt names an event that is not there");
  }
  return {};
}

Status check_blobs(const State& state) {
  uint64_t bytes = 0;
  uint64_t idle_bytes = 0;
  for (const auto& [sha256, blob] : state.blobs.known) {
    const bool is_idle = blob.idle != 0;
    if (blob.holders.empty() != is_idle)
      return fail("a blob that nobody names is not in the cache, or one that is needed");
    if (is_idle && !state.blobs.idle.contains(blob.idle)) return fail("a cached blob has no place among the others");
    if (is_idle && blob.phase != Blob::Phase::ready) return fail("a blob is cached that is not whole");
    if (is_idle) idle_bytes += blob.size_bytes;
    if (!is_idle && blob.phase != Blob::Phase::waiting) bytes += blob.size_bytes;
    if (blob.shared && (blob.phase != Blob::Phase::pulling || state.bulk.phase != Link::Phase::up)) {
      return fail("the topic of several nodes is read for a blob that is not being pulled");
    }
    for (const AttemptKey& id : blob.holders) {
      if (!state.tasks.held.contains(id)) return fail("a blob is kept for an attempt that is not held");
    }
  }
  if (idle_bytes != state.blobs.idle_bytes) return fail("the bytes of cached blobs are miscounted");
  if (idle_bytes > state.config.max_cache_bytes) return fail("the cache is larger than it may be");
  return bytes == state.blobs.bytes ? Status{} : fail("the bytes of blobs are miscounted");
}

// What waits for input names a blob that is not there, and nothing else does.
Status check_inputs(const State& state) {
  std::map<AttemptKey, size_t> missing;
  for (const auto& [sha256, blob] : state.blobs.known) {
    if (blob.phase == Blob::Phase::ready) continue;
    for (const AttemptKey& id : blob.holders) ++missing[id];
  }
  for (const auto& [id, attempt] : state.tasks.held) {
    const auto found = missing.find(id);
    const size_t count = found == missing.end() ? 0 : found->second;
    if (count != attempt.blobs_missing) return fail("the blobs that an attempt waits for are miscounted");
    if ((attempt.phase == Phase::fetching) != (count > 0)) return fail("an attempt goes on without all of its inputs");
  }
  return {};
}

}  // namespace

Status check_invariants(const State& state) {
  if (state.session.id == 0 && !state.outbox.batch.empty()) return fail("events are kept for nobody");
  if (Status counts = check_counts(state); !counts) return counts;
  if (Status events = check_events(state); !events) return events;
  if (Status blobs = check_blobs(state); !blobs) return blobs;
  return check_inputs(state);
}

}  // namespace bramble::agent
