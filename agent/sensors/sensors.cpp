#include "agent/sensors/sensors.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "common/posix/system_clock.hpp"

namespace bramble::sensors {
namespace {

constexpr int kMaxComplaints =
    6;  // of one source, its recoveries included: one that comes and goes is only counted then
constexpr std::chrono::milliseconds kLastLook{200};  // an end of the agent waits so long for the look under way

// One source and what is known of it. While `busy` its thread alone touches `source` and `kept`, if need be for ever.
struct Slot {
  std::unique_ptr<Source> source;
  KeptFiles kept;
  bool busy = false;
  std::string trouble;  // as it was last said; empty: none
  int complaints = 0;
};

void merge(agent::Reading& whole, agent::Reading part) {
  whole.values.merge(part.values);
  if (part.power_w) whole.power_w = part.power_w;
  if (part.frequency_ratio) whole.frequency_ratio = part.frequency_ratio;
  if (part.findings) whole.findings = std::move(part.findings);
  whole.busy_cpu_s += part.busy_cpu_s;
}

}  // namespace

// All members but the first two under the mutex.
struct Sensors::Shared {
  const Roots roots;
  const Deliver deliver;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Slot> slots;
  uint64_t generation = 0;  // of the thread that reads; those of earlier ones have been left behind
  bool requested = false;
  bool working = false;
  MonoTime look_began;
  bool stopping = false;
  Complaints complaints;

  Shared(Roots roots_in, Deliver deliver_in) : roots(std::move(roots_in)), deliver(std::move(deliver_in)) {}

  void note(Slot& slot, const std::string& trouble) {
    if (slot.trouble == trouble) return;
    slot.trouble = trouble;
    if (++slot.complaints > kMaxComplaints) return;
    complaints.push_back("sensor " + slot.source->name() + (trouble.empty() ? " works again" : ": " + trouble));
  }

  // One look, with the lock given back meanwhile. False: it took so long that another thread reads the others by now.
  bool look(std::unique_lock<std::mutex>& lock, Slot& slot, uint64_t mine, agent::Reading& reading) {
    slot.busy = true;
    look_began = posix::mono_now();
    lock.unlock();
    agent::Reading part;
    Probe probe(roots, posix::mono_now(), part, &slot.kept);
    slot.source->read(probe);
    lock.lock();
    slot.busy = false;
    if (mine != generation) return false;
    note(slot, probe.complaint());
    merge(reading, std::move(part));
    return true;
  }

  // False as for look().
  bool look_at_all(std::unique_lock<std::mutex>& lock, uint64_t mine, agent::Reading& reading) {
    for (Slot& slot : slots) {
      if (stopping) return true;
      if (!slot.busy && !look(lock, slot, mine, reading)) return false;
    }
    tell_troubles(reading);
    return true;
  }

  void tell_troubles(agent::Reading& reading) const {
    size_t failed = 0;
    for (const Slot& slot : slots) {
      if (slot.trouble.empty()) continue;
      reading.trouble += (failed++ == 0 ? "" : "; ") + slot.source->name() + ": " + slot.trouble;
    }
    if (failed > 0) reading.values["sensors_failed"] = static_cast<double>(failed);
  }
};

Sensors::Sensors(Roots roots, std::vector<std::unique_ptr<Source>> sources, Deliver deliver)
    : shared_(std::make_shared<Shared>(std::move(roots), std::move(deliver))) {
  for (auto& source : sources) shared_->slots.push_back({std::move(source), {}, false, {}, 0});
}

Sensors::~Sensors() {
  std::unique_lock lock(shared_->mutex);
  shared_->stopping = true;
  shared_->changed.notify_all();
  shared_->changed.wait_for(lock, kLastLook, [this] { return !shared_->working; });
}

void Sensors::start_thread() {
  started_ = true;
  std::thread(work, shared_, shared_->generation).detach();
}

void Sensors::work(std::shared_ptr<Shared> shared, uint64_t mine) {
  std::unique_lock lock(shared->mutex);
  while (true) {
    shared->changed.wait(lock, [&] { return shared->requested || shared->stopping; });
    if (shared->stopping || mine != shared->generation) return;
    shared->requested = false;
    shared->working = true;
    agent::Reading reading;
    reading.taken = posix::mono_now();  // the CPUs come first: energy is reckoned from their look to the next
    if (!shared->look_at_all(lock, mine, reading)) return;
    shared->working = false;
    shared->changed.notify_all();
    // Under the lock: the destructor must not overtake it.
    if (!shared->stopping) shared->deliver(std::move(reading), std::exchange(shared->complaints, {}));
  }
}

void Sensors::request(MonoTime now) {
  std::unique_lock lock(shared_->mutex);
  if (shared_->working) {
    if (now - shared_->look_began < kHangMs) return;
    ++shared_->generation;
    shared_->look_began = now;
    for (Slot& slot : shared_->slots) {
      if (slot.busy) shared_->note(slot, "it has not answered for " + std::to_string(kHangMs / 1000) + " s");
    }
    start_thread();
  } else if (!started_) {
    start_thread();
  }
  shared_->requested = true;
  lock.unlock();  // first: whom it wakes would only wait for it
  shared_->changed.notify_all();
}

}  // namespace bramble::sensors
