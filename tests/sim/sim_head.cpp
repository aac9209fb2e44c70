#include "sim_head.hpp"

#include "aggregator/scheduler/scheduler.hpp"

namespace bramble::sim {

SimHead::SimHead(Timeline& timeline, Broker& broker, Random& random, Bug bug,
                 std::function<void(std::string)> violation)
    : timeline_(timeline), broker_(broker), random_(random), bug_(bug), violation_(std::move(violation)) {
  store_.violation = violation_;
  client_.wants = [](const std::string& topic) {
    return topic.starts_with("bramble/sim/node/") && !topic.ends_with("/tasks") && !topic.ends_with("/blob/want") &&
           topic.find("/blob/down/") == std::string::npos;
  };
  client_.receive = [this](const std::string& topic, const std::string& payload) {
    put([this, topic, payload](auto& effects, Now at) { on_message(*state_, effects, at, topic, payload); });
  };
  client_.on_connected = [this] { put([this](auto& effects, Now at) { on_connected(*state_, effects, at); }); };
  client_.on_disconnected = [this] {
    put([this](auto& effects, Now at) { on_disconnected(*state_, effects, at, "gone"); });
  };
  broker_.add(&client_);
}

void SimHead::start() {
  ++life_;
  aggregator::Config config;
  config.cluster = "sim";
  state_.emplace(config, [](const aggregator::Snapshot& snapshot) { return aggregator::place(snapshot); });
  busy_ = false;
  inbox_.clear();
  put([this](auto& effects, Now at) { on_start(*state_, effects, at, store_.load()); });
  tick();
}

void SimHead::crash(int64_t away_ms) {
  if (!state_) return;
  state_.reset();
  ++life_;
  broker_.disconnect(client_, false);
  timeline_.after(away_ms, [this] { start(); });
}

void SimHead::slow_commits(int64_t commit_ms, int64_t for_ms) {
  commit_ms_ = commit_ms;
  timeline_.after(for_ms, [this] { commit_ms_ = 2; });
}

void SimHead::ask(aggregator::ApiCall call) {
  put([this, call = std::move(call)](auto& effects, Now at) {
    on_api(*state_, effects, at, {{"sim", true}, call, [](const aggregator::ApiReply&) {}});
  });
}

std::string SimHead::describe(JobId job) const {
  std::string text;
  if (!state_) return text;
  for (const auto& [key, attempt] : state_->attempts) {
    if (key.job != job) continue;
    const auto& node = state_->nodes[attempt.node];
    text += "; " + to_string(key) + " at " + node.record.status.node + " (" + std::string(to_string(node.state)) + ")" +
            (attempt.running ? " running" : "") + (attempt.lost ? " lost" : "") +
            (attempt.answered ? " answered" : "") + (attempt.cancel ? " cancel" : "") +
            (attempt.result ? " result" : "") + (attempt.sealing ? " sealing" : "");
  }
  return text;
}

void SimHead::tick() {
  put([this](auto& effects, Now) { on_tick(*state_, effects, timeline_.now()); });
  timeline_.after(100, [this, life = life_] {
    if (life == life_) tick();
  });
}

void SimHead::put(Event event) {
  if (!state_) return;
  inbox_.emplace_back(std::move(event), timeline_.now());
  if (busy_) return;
  busy_ = true;
  timeline_.after(0, [this, life = life_] {
    if (life == life_) step();
  });
}

void SimHead::step() {
  aggregator::Effects effects;
  for (auto batch = std::exchange(inbox_, {}); auto& [event, at] : batch) event(effects, at);
  on_batch_end(*state_, effects, timeline_.now());
  for (const auto& problem : check_invariants(*state_)) violation_("aggregator: " + problem);
  if (bug_ == Bug::effects_before_commit) {
    auto early = std::exchange(effects, {});
    effects.writes = std::move(early.writes);
    release(std::move(early));
  }
  timeline_.after(random_.between(commit_ms_ / 2, commit_ms_), [this, life = life_, effects = std::move(effects)] {
    if (life == life_) finish_step(effects);
  });
}

void SimHead::finish_step(aggregator::Effects effects) {
  store_.commit(effects.writes);
  release(std::move(effects));
  busy_ = !inbox_.empty();
  if (busy_) step();
}

void SimHead::release(aggregator::Effects effects) {
  for (const auto& publish : effects.publish) {
    broker_.publish_from(client_, publish.topic, publish.payload, publish.retained);
  }
  for (const auto& op : effects.files) work_on_file(op);
  for (auto& reply : effects.replies) reply.handler(reply.reply);
  if (effects.connect) {
    client_.will = Client::Will{effects.connect->topic, effects.connect->payload};
    broker_.connect(client_);
  }
}

// The disk of the head is good in this world: an append always works, and a seal soon.
void SimHead::work_on_file(const aggregator::FileOp& op) {
  const auto* seal = std::get_if<aggregator::SealOutput>(&op);
  if (seal == nullptr) return;
  timeline_.after(random_.between(0, 10), [this, key = seal->key, life = life_] {
    if (life != life_) return;
    put([this, key](auto& effects, Now at) { on_output_sealed(*state_, effects, at, key); });
  });
}

}  // namespace bramble::sim
