#include "sim_node.hpp"

#include "common/wire/codec.hpp"

namespace bramble::sim {

SimNode::SimNode(std::string name, Timeline& timeline, Broker& broker, Random& random, Truth& truth, Bug bug,
                 std::function<void(std::string)> violation)
    : name_(std::move(name)),
      timeline_(timeline),
      broker_(broker),
      random_(random),
      bug_(bug),
      violation_(std::move(violation)),
      warden_(timeline, truth, 2) {
  disk_.agent_id = "00000000-0000-4000-8000-0000000000" + std::to_string(10 + name_.back() - '0');
  disk_.machine_id = "machine-" + name_;
  for (Client* client : {&control_, &bulk_}) {
    const bool is_bulk = client == &bulk_;
    client->wants = [this, is_bulk](const std::string& topic) { return is_mine(topic, is_bulk); };
    client->receive = [this](const std::string& topic, const std::string& payload) {
      step([&](agent::Effects& effects, Now now) { on_message(*state_, effects, now, topic, payload); });
    };
    broker_.add(client);
  }
  control_.on_connected = [this] { step([&](auto& effects, Now now) { on_connected(*state_, effects, now); }); };
  control_.on_disconnected = [this] {
    step([&](auto& effects, Now now) { on_disconnected(*state_, effects, now, "gone"); });
  };
  bulk_.on_connected = [this] { step([&](auto& effects, Now now) { on_bulk_connected(*state_, effects, now); }); };
  bulk_.on_disconnected = [this] {
    step([&](auto& effects, Now now) { on_bulk_disconnected(*state_, effects, now, "gone"); });
  };
  warden_.report = [this](wire::WardenReport report) { on_warden_says(std::move(report)); };
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
  config.slots = 2;
  config.memory_bytes = uint64_t{1} << 30;
  return config;
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
  state_.emplace(config(), disk_, random_.next());
  tick_at_ = {-1};
  step([&](agent::Effects&, Now now) { start(*state_, now); });
  if (warden_up_) link_warden(random_.between(1, 20));
}

void SimNode::crash_agent() {
  if (!state_) return;
  state_.reset();
  ++agent_life_;
  ++tick_;
  warden_linked_ = false;
  broker_.disconnect(control_, false);
  broker_.disconnect(bulk_, false);
  timeline_.after(random_.between(50, 3000), [this] { start_agent(); });
}

void SimNode::crash_warden(int64_t away_ms) {
  if (!warden_up_ || !powered_) return;
  warden_up_ = false;
  unlink_warden();
  warden_.crash();
  timeline_.after(away_ms, [this] {
    if (!powered_) return;
    warden_up_ = true;
    if (state_) link_warden(1);
  });
}

void SimNode::lose_power(int64_t away_ms) {
  if (!powered_) return;
  powered_ = false;
  warden_up_ = false;
  warden_linked_ = false;
  warden_.power_loss();
  state_.reset();
  ++agent_life_;
  ++tick_;
  broker_.disconnect(control_, false);
  broker_.disconnect(bulk_, false);
  timeline_.after(away_ms, [this] {
    powered_ = true;
    warden_up_ = true;
    ++boot_;
    start_agent();
  });
}

void SimNode::cut_cable(int64_t for_ms) {
  if (control_.cut) return;
  control_.cut = bulk_.cut = true;
  timeline_.after(for_ms, [this] { control_.cut = bulk_.cut = false; });
  // Both ends notice only when their keep-alive is over, if the cable is out for so long.
  timeline_.after(std::min<int64_t>(for_ms, 6000), [this] {
    if (!control_.cut) return;
    for (Client* client : {&control_, &bulk_}) {
      if (!client->connected) continue;
      broker_.disconnect(*client, false);
      client->on_disconnected();
    }
  });
}

bool SimNode::is_mine(const std::string& topic, bool bulk) const {
  const std::string prefix = "bramble/sim/node/" + name_ + "/";
  if (bulk) return topic.starts_with(prefix + "blob/down/");
  return topic == prefix + "tasks" || topic == prefix + "blob/want" || topic == topics_.aggregator_status();
}

void SimNode::link_warden(int64_t delay_ms) {
  timeline_.after(delay_ms, [this, life = agent_life_] {
    if (life != agent_life_ || !warden_up_ || !state_) return;
    warden_linked_ = true;
    step([&](auto& effects, Now now) { on_warden_connected(*state_, effects, now); });
  });
}

void SimNode::unlink_warden() {
  if (!warden_linked_) return;
  warden_linked_ = false;
  if (state_) step([&](auto& effects, Now now) { on_warden_lost(*state_, effects, now, "killed"); });
}

void SimNode::on_warden_says(wire::WardenReport report) {
  if (!warden_linked_) return;
  timeline_.after(1, [this, life = agent_life_, report = std::move(report)] {
    if (life != agent_life_ || !warden_linked_) return;
    step([&](auto& effects, Now now) { on_warden_report(*state_, effects, now, report); });
  });
}

template <typename Event>
void SimNode::step(Event event) {
  if (!state_) return;
  agent::Effects effects;
  event(effects, timeline_.now());
  flush(*state_, effects, timeline_.now());
  carry_out(std::move(effects));
  if (!state_) return;
  if (const auto good = check_invariants(*state_); !good) violation_("agent of " + name_ + ": " + good.error().message);
}

void SimNode::carry_out(agent::Effects effects) {
  if (effects.save) disk_ = *effects.save;
  for (const auto& request : effects.warden) {
    if (!warden_linked_) continue;
    timeline_.after(1, [this, request, life = agent_life_] {
      if (life == agent_life_ && warden_linked_) warden_.request(request);
    });
  }
  for (const auto& publish : effects.publish) send(publish);
  for (const auto& read : effects.reads) {
    timeline_.after(0, [this, read, life = agent_life_] {
      if (life != agent_life_) return;
      const std::string data = warden_.read(read.task, read.offset, read.max_bytes);
      step([&](auto& again, Now now) { on_output_read(*state_, again, now, read, data); });
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
    step([&](auto& again, Now now) { on_telemetry(*state_, again, now, {}); });
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
    step([&](auto& effects, Now now) {
      on_message(*state_, effects, now, topics_.node(name_, wire::NodeTopic::tasks), wire::encode(forged));
    });
  });
}

void SimNode::plan_tick(MonoTime at) {
  if (!state_ || at == tick_at_) return;
  tick_at_ = at;
  const uint64_t tick = ++tick_;
  timeline_.after(std::max<int64_t>(0, at - timeline_.now().mono), [this, tick] {
    if (tick != tick_ || !state_) return;
    tick_at_ = {-1};
    step([&](auto& effects, Now now) { on_tick(*state_, effects, now); });
  });
}

}  // namespace bramble::sim
