// The memory limit, by asking four times a second: cgroups for memory are missing on many Pis. Where they are,
// this is not needed. Told again while it lasts: a batch of calls may have more than one that takes too much.
#include "agent/warden/process_table.hpp"
#include "agent/warden/warden.hpp"

namespace bramble::warden {
namespace {

constexpr int64_t kMemoryPollMs = 250;

}  // namespace

// Only while a task with a limit runs.
void Warden::watch_memory() {
  if (memory_watched_) return;
  memory_watched_ = true;
  loop_.call_after(kMemoryPollMs, [this] { check_memory(); });
}

void Warden::check_memory() {
  memory_watched_ = false;
  std::optional<ProcessTable> processes;
  for (const auto& slot : slots_) {
    const bool limited = slot->running && slot->channel && slot->running->started.memory_bytes > 0;
    if (!limited) continue;
    watch_memory();
    if (!processes) processes = ProcessTable::read();
    const uint64_t used = rss_bytes(processes->descendants(slot->keeper));
    if (used <= slot->running->started.memory_bytes) continue;
    const wire::WardenKill kill{slot->running->started.task, wire::Outcome::memory};
    static_cast<void>(slot->channel->queue(encode(wire::WardenRequest(kill))));
    flush_soon();
  }
}

}  // namespace bramble::warden
