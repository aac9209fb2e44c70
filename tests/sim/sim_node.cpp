#include "sim_node.hpp"

#include "common/wire/codec.hpp"
#include "planted.hpp"

namespace bramble::sim {
namespace {

constexpr int64_t kMaxDriftPpm = 4000;  // so that two machines differ by less than the lease's bound of 1 %
constexpr int64_t kKeepAliveMs = 6000;  // until both ends notice a dead link

}  // namespace

SimNode::SimNode(uint32_t number, Timeline& timeline, Broker& broker, Random& random, Truth& truth, Bug bug,
                 std::function<void(std::string)> violation)
    : name_("n" + std::to_string(number)),
      timeline_(timeline),
      broker_(broker),
      random_(random),
      bug_(bug),
      violation_(std::move(violation)),
      clock_(timeline, random.between(-kMaxDriftPpm, kMaxDriftPpm), random.between(1, 1'000'000'000)),
      warden_(name_, timeline, clock_, truth, 2) {
  disk_.agent_id = "00000000-0000-4000-8000-" + std::to_string(100'000'000'000 + number);
  disk_.machine_id = "machine-" + name_;
  connect_clients();
  warden_.is_there = [this](const std::string& path) { return blobs_.is_there(path); };
  warden_.report = [this](wire::WardenReport report) { on_warden_says(std::move(report)); };
}

void SimNode::connect_clients() {
  for (Client* client : {&control_, &bulk_}) {
    const bool is_bulk = client == &bulk_;
    client->node = name_;
    client->wants = [this, is_bulk](const std::string& topic) { return is_mine(topic, is_bulk); };
    client->receive = [this](const std::string& topic, const std::string& payload) { hear(topic, payload); };
    broker_.add(client);
  }
  control_.on_connected = [this] { step([this](auto& effects, Now now) { on_connected(*state_, effects, now); }); };
  control_.on_disconnected = [this] {
    step([this](auto& effects, Now now) { on_disconnected(*state_, effects, now, "gone"); });
  };
  bulk_.on_connected = [this] { step([this](auto& effects, Now now) { on_bulk_connected(*state_, effects, now); }); };
  bulk_.on_disconnected = [this] {
    step([this](auto& effects, Now now) { on_bulk_disconnected(*state_, effects, now, "gone"); });
  };
}

void SimNode::hear(const std::string& topic, std::string payload) {
  const bool is_tasks = topic.ends_with("/tasks");
  if (bug_ == Bug::ack_up_to && is_tasks && state_) payload = planted::ack_up_to(payload, *state_);
  step([this, topic, payload, is_tasks](agent::Effects& effects, Now now) {
    const bool forged = bug_ == Bug::lease_by_late_echo && is_tasks;
    on_message(*state_, effects, now, topic, forged ? planted::lease_by_late_echo(payload, now) : payload);
  });
}

agent::Config SimNode::config() const {
  agent::Config config;
  config.cluster = "sim";
  config.node = name_;
  config.machine_id = "machine-" + name_;
  config.boot_id = "boot-" + std::to_string(boot_);
  config.version = "sim";
  config.arch = "sim";
  config.blob_dir = "/sim";
  config.max_cache_bytes = 700'000;  // some of the blobs
  config.slots = 2;
  config.memory_bytes = uint64_t{1} << 30;
  return config;
}

std::optional<std::string> SimNode::leftover() const {
  if (!state_) return {};
  if (!state_->tasks.held.empty()) {
    return name_ + " still holds " + to_string(state_->tasks.held.begin()->first) + ": it was never acknowledged";
  }
  if (warden_.records() > 0)
    return "the warden of " + name_ + " still keeps " + std::to_string(warden_.records()) + " records";
  return {};
}

void SimNode::note_trouble(int64_t until_in_ms) {
  trouble_ms_ = std::max(trouble_ms_, timeline_.now_ms() + until_in_ms);
}

std::string SimNode::describe() const {
  if (!state_) return name_ + ": no agent";
  const auto& state = *state_;
  std::string text = name_ + ": link " + std::to_string(static_cast<int>(state.link.phase)) + " bulk " +
                     std::to_string(static_cast<int>(state.bulk.phase)) + " session " +
                     std::to_string(state.session.id) + (warden_linked_ ? " warden linked" : " no warden") +
                     (state.warden.synced ? " synced" : "") + ", events " + std::to_string(state.outbox.events.size());
  for (const auto& [id, attempt] : state.tasks.held) {
    text += "; " + to_string(id) + " phase " + std::to_string(static_cast<int>(attempt.phase));
  }
  return text;
}

void SimNode::start_agent() {
  if (!powered_ || state_) return;
  ++agent_life_;
  blobs_.clear();
  state_.emplace(config(), disk_, random_.next());
  tick_at_ = {-1};
  step([this](agent::Effects&, Now now) { start(*state_, now); });
  if (warden_up_) link_warden(random_.between(1, 20));
}

void SimNode::drop_links() {
  state_.reset();
  stopped_ = false;
  waiting_.clear();
  ++agent_life_;
  ++tick_;
  warden_linked_ = false;
  broker_.disconnect(control_, false);
  broker_.disconnect(bulk_, false);
}

void SimNode::crash_agent() {
  if (!state_) return;
  const int64_t away_ms = random_.between(50, 3000);
  note_trouble(away_ms);
  drop_links();
  timeline_.after(away_ms, [this] { start_agent(); });
}

void SimNode::join_anew() {
  disk_.store.clear();
  disk_.term = 0;
  crash_agent();
}

void SimNode::stop_agent(int64_t for_ms) {
  if (!state_ || stopped_) return;
  note_trouble(for_ms);
  stopped_ = true;
  timeline_.after(std::min(for_ms, 3 * kKeepAliveMs), [this, life = agent_life_] {
    if (life != agent_life_ || !stopped_) return;
    for (Client* client : {&control_, &bulk_}) {
      if (!client->connected) continue;
      broker_.disconnect(*client, false);
      client->on_disconnected();
    }
  });
  timeline_.after(for_ms, [this, life = agent_life_] {
    if (life != agent_life_) return;
    stopped_ = false;
    for (auto& event : std::exchange(waiting_, {})) step(event);
  });
}

void SimNode::crash_warden(int64_t away_ms) {
  if (!warden_up_ || !powered_) return;
  note_trouble(away_ms);
  warden_up_ = false;
  unlink_warden();
  warden_.crash();
  timeline_.after(away_ms, [this] {
    if (!powered_ || warden_up_) return;
    warden_up_ = true;
    if (state_) link_warden(1);
  });
}

void SimNode::hang_warden(int64_t for_ms) {
  if (!warden_up_ || !powered_) return;
  note_trouble(for_ms);
  warden_.hang(for_ms);
}

void SimNode::lose_power(int64_t away_ms) {
  if (!powered_) return;
  note_trouble(away_ms);
  die();
  timeline_.after(away_ms, [this] {
    if (supplied_ && !powered_) boot();
  });
}

void SimNode::die() {
  powered_ = false;
  warden_up_ = false;
  ++power_life_;
  drop_links();
  warden_.power_loss(random_.chance(0.5));
}

void SimNode::boot() {
  powered_ = true;
  warden_up_ = true;
  ++boot_;
  start_agent();
}

void SimNode::freeze() {
  constexpr int64_t kForeverMs = 1'000'000'000;
  if (!powered_) return;
  stop_agent(kForeverMs);
  warden_.hang(kForeverMs);
}

void SimNode::shut_down(int64_t in_ms) {
  if (!powered_) return;
  note_trouble(in_ms + 30'000);
  step([this](auto& effects, Now now) { stop(*state_, effects, now); });
  timeline_.after(in_ms, [this, life = power_life_] {
    if (life == power_life_ && powered_) die();
  });
}

void SimNode::lose_supply() {
  supplied_ = false;
  note_trouble(30'000);
  if (powered_) die();
  ++power_life_;
}

void SimNode::get_supply(int64_t boot_ms) {
  supplied_ = true;
  ++power_life_;
  if (boot_ms < 0) return;
  note_trouble(boot_ms);
  timeline_.after(boot_ms, [this, life = power_life_] {
    if (life == power_life_ && !powered_) boot();
  });
}

void SimNode::cut_cable(int64_t for_ms) {
  if (control_.cut) return;
  note_trouble(for_ms);
  control_.cut = bulk_.cut = true;
  timeline_.after(for_ms, [this] { control_.cut = bulk_.cut = false; });
  // Both ends notice only when their keep-alive is over, if the cable is out for so long.
  timeline_.after(std::min<int64_t>(for_ms, kKeepAliveMs), [this] {
    if (!control_.cut) return;
    for (Client* client : {&control_, &bulk_}) {
      if (!client->connected) continue;
      broker_.disconnect(*client, false);
      client->on_disconnected();
    }
  });
}

void SimNode::stall_link(int64_t mute_ms, int64_t deaf_ms) {
  if (control_.mute) return;
  constexpr int64_t kMuteAfterMs = 1500;  // so that answers to its last words are among what waits
  note_trouble(std::max(mute_ms + kMuteAfterMs, deaf_ms));
  control_.deaf_until_ms = bulk_.deaf_until_ms = timeline_.now_ms() + deaf_ms;
  timeline_.after(kMuteAfterMs, [this, mute_ms] {
    control_.mute = bulk_.mute = true;
    timeline_.after(mute_ms, [this] { control_.mute = bulk_.mute = false; });
  });
}

void SimNode::jump_wall_clock(int64_t by_ms) { clock_.jump_wall(by_ms); }

bool SimNode::is_mine(const std::string& topic, bool bulk) const {
  const std::string prefix = "bramble/sim/node/" + name_ + "/";
  if (bulk) return topic.starts_with(prefix + "blob/down/");
  return topic == prefix + "tasks" || topic == prefix + "blob/want" || topic == prefix + "control" ||
         topic == topics_.aggregator_status();
}

void SimNode::link_warden(int64_t delay_ms) {
  timeline_.after(delay_ms, [this, life = agent_life_] {
    if (life != agent_life_ || !warden_up_ || !state_) return;
    warden_linked_ = true;
    step([this](auto& effects, Now now) { on_warden_connected(*state_, effects, now); });
  });
}

void SimNode::unlink_warden() {
  if (!warden_linked_) return;
  warden_linked_ = false;
  if (state_) step([this](auto& effects, Now now) { on_warden_lost(*state_, effects, now, "killed"); });
}

void SimNode::on_warden_says(wire::WardenReport report) {
  if (!warden_linked_) return;
  timeline_.after(1, [this, life = agent_life_, report = std::move(report)] {
    if (life != agent_life_ || !warden_linked_) return;
    step([this, report](auto& effects, Now now) { on_warden_report(*state_, effects, now, report); });
  });
}

void SimNode::step(Event event) {
  if (!state_) return;
  if (stopped_) return waiting_.push_back(std::move(event));
  agent::Effects effects;
  event(effects, clock_.now());
  flush(*state_, effects, clock_.now());
  carry_out(std::move(effects));
  if (!state_) return;
  if (const auto good = check_invariants(*state_); !good) violation_("agent of " + name_ + ": " + good.error().message);
}

void SimNode::keep_blobs(const std::vector<agent::BlobEffect>& effects) {
  for (const auto& effect : effects) {
    if (const auto* write = std::get_if<agent::BlobWrite>(&effect))
      blobs_.write(write->sha256, write->offset, write->data);
    if (const auto* drop = std::get_if<agent::BlobDrop>(&effect)) blobs_.drop(drop->sha256);
    if (const auto* check = std::get_if<agent::BlobCheck>(&effect)) check_blob(check->sha256);
  }
}

// Now and then the card has spoilt it.
void SimNode::check_blob(const std::string& sha256) {
  timeline_.after(random_.between(0, 5), [this, sha256, life = agent_life_] {
    if (life != agent_life_) return;
    const bool good = !random_.chance(0.03) && blobs_.check(sha256);
    step([sha256, good, this](auto& effects, Now now) {
      if (good) return on_blob_ready(*state_, effects, now, sha256);
      const auto failure = random_.chance(0.5) ? agent::BlobFailure::damaged : agent::BlobFailure::disk;
      on_blob_failed(*state_, effects, now, sha256, failure, "spoilt");
    });
  });
}

void SimNode::carry_out(agent::Effects effects) {
  if (effects.save) disk_ = *effects.save;
  keep_blobs(effects.blobs);
  for (const auto& request : effects.warden) {
    if (!warden_linked_) continue;
    timeline_.after(1, [this, request, life = agent_life_] {
      if (life == agent_life_ && warden_linked_) warden_.request(request);
    });
  }
  if (effects.halt && on_shutdown) {
    timeline_.after(1, [this] { on_shutdown(); });
  }
  for (const auto& change : effects.subscriptions) broker_.subscribe(bulk_, change.filter, change.on);
  for (const auto& publish : effects.publish) send(publish);
  for (const auto& read : effects.reads) {
    timeline_.after(0, [this, read, life = agent_life_] {
      if (life != agent_life_) return;
      const std::string data = warden_.read(read.task, read.offset, read.max_bytes);
      step([this, read, data](auto& again, Now now) { on_output_read(*state_, again, now, read, data); });
    });
  }
  if (effects.disconnect) {
    broker_.disconnect(control_, true);
    broker_.disconnect(bulk_, true);
  }
  if (effects.connect) {
    control_.will = Client::Will{effects.connect->will_topic, effects.connect->will_payload};
    broker_.connect(control_);
  }
  if (effects.connect_bulk) broker_.connect(bulk_);
  if (effects.read_sensors) {
    step([this](auto& again, Now now) { on_reading(*state_, again, now, {now.mono, {}, {}, {}, {}, 0}); });
  }
  plan_tick(effects.wake_at);
}

void SimNode::send(const agent::Publish& publish) {
  broker_.publish_from(publish.bulk ? bulk_ : control_, publish.topic, publish.payload, publish.retained);
  if (bug_ == Bug::done_when_sent) forge_done(publish);
}

// The planted bug: the agent behaves as if every result had been acknowledged the moment it was sent.
void SimNode::forge_done(const agent::Publish& publish) {
  if (publish.topic != topics_.node(name_, wire::NodeTopic::events)) return;
  const auto message = wire::decode<wire::EventsMessage>(publish.payload);
  wire::TasksMessage forged;
  forged.store = message->store;
  forged.term = state_->saved.term;
  forged.session = message->session;
  for (const auto& event : message->events) {
    if (event.type == wire::EventType::finished) forged.done.push_back(event.id);
  }
  if (forged.done.empty()) return;
  timeline_.after(0, [this, forged, life = agent_life_] {
    if (life != agent_life_) return;
    step([this, forged](auto& effects, Now now) {
      on_message(*state_, effects, now, topics_.node(name_, wire::NodeTopic::tasks), wire::encode(forged));
    });
  });
}

void SimNode::plan_tick(MonoTime at) {
  if (!state_ || at == tick_at_) return;
  tick_at_ = at;
  const uint64_t tick = ++tick_;
  timeline_.after(clock_.until(at), [this, tick] {
    if (tick != tick_ || !state_) return;
    tick_at_ = {-1};
    step([this](auto& effects, Now now) { on_tick(*state_, effects, now); });
  });
}

}  // namespace bramble::sim
