// The lease: each keeper ends its own task at the lease's end. Here the word is passed on, and a keeper that did not do
// its part is killed, and its task with it.
#include <algorithm>
#include <csignal>

#include "agent/warden/warden.hpp"
#include "common/base/lease.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::warden {
namespace {

constexpr int64_t kLookMs = 250;
constexpr int64_t kKeeperGraceMs = kLeaseKillGraceMs / 2;  // then the keeper hangs

}  // namespace

void Warden::handle(const wire::WardenLease& lease, const std::string& frame) {
  for (const auto& slot : slots_) {
    if (!slot->running || slot->running->started.lease_ms == 0 || !slot->channel) continue;
    slot->running->heard = std::max(slot->running->heard, MonoTime{lease.heard_ms});
    static_cast<void>(slot->channel->queue(frame));  // not taken: it hangs, and its task ends with the lease
    flush_soon();
  }
}

// Only while a task with a lease runs.
void Warden::watch_leases() {
  if (leases_watched_) return;
  leases_watched_ = true;
  loop_.call_after(kLookMs, [this] { check_leases(); });
}

void Warden::check_leases() {
  leases_watched_ = false;
  for (const auto& slot : slots_) {
    if (!slot->running || slot->running->started.lease_ms == 0) continue;
    watch_leases();
    const MonoTime end = lease_end(slot->running->heard, slot->running->started.lease_ms);
    if (slot->keeper == 0 || posix::mono_now() - end < kKeeperGraceMs) continue;
    posix::log_error("a keeper did not end its task at the lease's end: killing both",
                     {{"slot", std::to_string(slot->number)}});
    ::kill(slot->keeper, SIGKILL);
  }
}

}  // namespace bramble::warden
