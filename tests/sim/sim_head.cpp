#include "sim_head.hpp"

#include <cstdio>

#include "aggregator/scheduler/scheduler.hpp"
#include "planted.hpp"

namespace bramble::sim {

SimHead::SimHead(Timeline& timeline, Broker& broker, Random& random, Bug bug,
                 std::function<void(std::string)> violation)
    : timeline_(timeline),
      broker_(broker),
      random_(random),
      bug_(bug),
      violation_(std::move(violation)),
      clock_(timeline, random.between(-4000, 4000), random.between(1, 1'000'000'000)) {
  store_.violation = violation_;
  client_.wants = [](const std::string& topic) {
    if (topic == "bramble/sim/aggregator/status") return true;
    return topic.starts_with("bramble/sim/node/") && !topic.ends_with("/tasks") && !topic.ends_with("/blob/want") &&
           topic.find("/blob/down/") == std::string::npos;
  };
  client_.receive = [this](const std::string& topic, const std::string& payload) { hear(topic, payload); };
  client_.on_connected = [this] { put([this](auto& effects, Now at) { on_connected(*state_, effects, at); }); };
  client_.on_disconnected = [this] {
    put([this](auto& effects, Now at) { on_disconnected(*state_, effects, at, "gone"); });
  };
  broker_.add(&client_);
}

void SimHead::hear(const std::string& topic, const std::string& payload) {
  put([this, topic, payload](auto& effects, Now at) {
    const bool forged = bug_ == Bug::old_session;
    on_message(*state_, effects, at, topic, forged ? planted::old_session(*state_, topic, payload) : payload);
    if (bug_ == Bug::commit_twice) planted::commit_twice(effects, store_, topic, payload);
  });
}

void SimHead::start() {
  if (state_) return;
  ++life_;
  aggregator::Config config;
  config.cluster = "sim";
  config.power = power;
  config.run = "33333333-2222-4333-8444-" + std::to_string(100'000'000'000 + life_);
  state_.emplace(config, [](const aggregator::Snapshot& snapshot) { return aggregator::place(snapshot); });
  busy_ = false;
  stalled_ = false;
  inbox_.clear();
  unheard_.clear();
  if (on_life) on_life();
  put([this](auto& effects, Now at) { on_start(*state_, effects, at, load()); });
  tick();
}

aggregator::LoadedState SimHead::load() {
  aggregator::LoadedState loaded = store_.load();
  loaded.blobs = blobs_.all();
  return loaded;
}

void SimHead::crash(int64_t away_ms) {
  if (!state_) return;
  state_.reset();
  ++life_;
  if (on_life) on_life();
  // What was being committed is on the disk, or it is not.
  if (const auto writes = std::exchange(half_written_, {}); random_.chance(0.5) && !disk_full_) store_.commit(writes);
  broker_.disconnect(client_, false);
  timeline_.after(away_ms, [this] { start(); });
}

bool SimHead::restore_backup(int64_t away_ms) {
  if (!backup_ || !state_) return false;
  crash(away_ms);
  store_.restore(*backup_);
  backup_.reset();
  return true;
}

void SimHead::renew_store() {
  if (!state_) return;
  crash(1000);
  store_.renew();
  backup_.reset();  // nobody would restore one of a store that is given up
}

void SimHead::stall(int64_t for_ms) {
  if (!state_ || stalled_) return;
  stalled_ = true;
  const Now began = clock_.now();
  timeline_.after(for_ms, [this, began, life = life_] {
    if (life != life_) return;
    stalled_ = false;
    if (bug_ == Bug::stall_is_silence) {
      for (int64_t ms = 100; began.mono + ms <= clock_.now().mono; ms += 100) {
        const Now then{began.mono + ms, began.wall};
        put_at([this](auto& effects, Now at) { on_tick(*state_, effects, at); }, then);
      }
    }
    for (auto& event : std::exchange(unheard_, {})) put(std::move(event));
  });
}

void SimHead::fill_disk(int64_t for_ms) {
  disk_full_ = true;
  timeline_.after(for_ms, [this] { disk_full_ = false; });
}

void SimHead::slow_commits(int64_t commit_ms, int64_t for_ms) {
  commit_ms_ = commit_ms;
  timeline_.after(for_ms, [this] { commit_ms_ = 2; });
}

void SimHead::report_line(const aggregator::LineReport& report) {
  put([this, report](auto& effects, Now at) { on_line(*state_, effects, at, report); });
}

void SimHead::ask(aggregator::ApiCall call) {
  put([this, call = std::move(call)](auto& effects, Now at) {
    on_api(*state_, effects, at, {{"sim", true}, call, [](const aggregator::ApiReply&) {}});
  });
}

void SimHead::upload(const wire::BlobRef& blob) {
  if (!state_) return;
  blobs_.put(blob, clock_.now().mono);
  ask(aggregator::KeepBlobRequest{blob});
}

std::string SimHead::waits(const std::string& node) const {
  if (!state_ || !state_->power.nodes.contains(node)) return {};
  const auto& known = state_->power.nodes.at(node);
  return " (" + known.record.cause + "; wanted " + std::string(to_string(known.record.wish)) + " by " +
         known.record.who + "; waits for " + (known.adopting ? "its lines" : known.waits) + ")";
}

std::string SimHead::describe(JobId job) const {
  std::string text;
  if (!state_) return text;
  for (const auto& [key, attempt] : state_->attempts) {
    if (key.job != job) continue;
    const auto& node = state_->nodes[attempt.node];
    text += "; " + to_string(key) + " at " + node.record.status.node + " (" + std::string(to_string(node.state)) + ")" +
            (attempt.running ? " running" : "") + (attempt.lost ? " lost" : "") + (attempt.dead ? " dead" : "") +
            (attempt.orphan ? " orphan" : "") + (attempt.answered ? " answered" : "") +
            (attempt.cancel ? " cancel" : "") + (attempt.result ? " result" : "") + (attempt.sealing ? " sealing" : "");
  }
  for (const auto& [key, task] : state_->tasks) {
    if (key.job != job) continue;
    text += "; task " + to_string(key) + " is " + std::string(to_string(task.state)) +
            (task.waiting_again ? " in the queue" : "") + (task.not_before ? " after a delay" : "");
  }
  return text;
}

void SimHead::tick() {
  put([this](auto& effects, Now) { on_tick(*state_, effects, clock_.now()); });
  if (bug_ == Bug::dropped_fence) play_planted_bug();
  timeline_.after(100, [this, life = life_] {
    if (life == life_) tick();
  });
}

// Each lost node counts as proved dead.
void SimHead::play_planted_bug() {
  put([this](auto& effects, Now) {
    for (const auto& [name, index] : state_->node_by_name) {
      const auto& node = state_->nodes[index];
      const bool is_lost = node.state == aggregator::NodeState::lost && !node.lost_attempts.empty();
      if (is_lost) on_power_off(*state_, effects, clock_.now(), name);
    }
  });
}

void SimHead::put(Event event) {
  if (!state_) return;
  if (stalled_) return unheard_.push_back(std::move(event));
  put_at(std::move(event), clock_.now());
}

void SimHead::put_at(Event event, Now at) {
  inbox_.emplace_back(std::move(event), at);
  if (busy_) return;
  busy_ = true;
  timeline_.after(0, [this, life = life_] {
    if (life == life_) step();
  });
}

void SimHead::step() {
  aggregator::Effects effects;
  for (auto batch = std::exchange(inbox_, {}); auto& [event, at] : batch) event(effects, at);
  on_batch_end(*state_, effects, clock_.now());
  if (++steps_ % steps_between_checks == 0) {
    for (const auto& problem : check_invariants(*state_)) violation_("aggregator: " + problem);
  }
  if (bug_ == Bug::effects_before_commit) {
    auto early = std::exchange(effects, {});
    effects.writes = std::move(early.writes);
    release(std::move(early));
  }
  half_written_ = effects.writes;
  timeline_.after(random_.between(commit_ms_ / 2, commit_ms_), [this, life = life_, effects = std::move(effects)] {
    if (life == life_) finish_step(effects);
  });
}

void SimHead::finish_step(aggregator::Effects effects) {
  if (disk_full_ || stalled_) {  // tried again; nothing is taken meanwhile
    timeline_.after(100, [this, life = life_, effects = std::move(effects)] {
      if (life == life_) finish_step(effects);
    });
    return;
  }
  store_.commit(effects.writes);
  half_written_.clear();
  release(std::move(effects));
  busy_ = !inbox_.empty();
  if (busy_) step();
}

void SimHead::print(const aggregator::Effects& effects) const {
  const auto now_ms = static_cast<long long>(timeline_.now_ms());
  for (const auto& line : effects.log) std::printf("%lld ms: %s\n", now_ms, line.text.c_str());
  for (const auto& op : effects.lines) {
    if (op.action == aggregator::LineAction::read) continue;
    std::printf("%lld ms: operation %llu on line %u: %d\n", now_ms, static_cast<unsigned long long>(op.number), op.line,
                static_cast<int>(op.action));
  }
}

void SimHead::release(aggregator::Effects effects) {
  if (trace) print(effects);
  for (const auto& publish : effects.publish) {
    const bool forged = bug_ == Bug::skipped_ack && publish.topic == "bramble/sim/node/n1/tasks";
    broker_.publish_from(client_, publish.topic, forged ? planted::skipped_ack(publish.payload) : publish.payload,
                         publish.retained);
  }
  for (const auto& op : effects.files) work_on_file(op);
  if (drive_line) {
    for (const auto& op : effects.lines) drive_line(op);
  }
  for (auto& reply : effects.replies) reply.handler(reply.reply);
  if (effects.connect) {
    client_.will = Client::Will{effects.connect->topic, effects.connect->payload};
    broker_.connect(client_);
  }
}

void SimHead::read_forgotten(const std::vector<JobId>& jobs) {
  std::vector<aggregator::ForgottenRows> rows;
  for (const JobId job : jobs) rows.push_back(store_.forgotten_rows(job));
  timeline_.after(random_.between(0, 50), [this, rows, life = life_] {
    if (life != life_) return;
    put([this, rows](auto& effects, Now at) { on_forgotten_rows(*state_, effects, at, rows); });
  });
}

void SimHead::send_blob(const aggregator::SendBlob& op) {
  for (uint64_t i = 0; i < op.chunks; ++i) {
    const uint64_t offset = op.offset + i * wire::kBlobChunkBytes;
    std::string chunk = blobs_.chunk(op.sha256, offset);
    if (chunk.empty() && offset > 0) return;
    const bool is_last = chunk.empty();
    ++(op.node.empty() ? input_chunks_.shared : input_chunks_.alone);
    if (!is_last && !broker_.calm && random_.chance(damaged_chunk)) {
      ++input_chunks_.damaged;
      chunk.back() = '!';
    }
    const auto& topics = state_->topics;
    const std::string topic =
        op.node.empty() ? topics.blob_shared(op.sha256, offset) : topics.blob_down(op.node, op.sha256, offset);
    broker_.publish_from(client_, topic, std::move(chunk), false);
    if (is_last) return;
  }
}

// While the disk is full nothing is appended or sealed, and the reactor is told so.
void SimHead::work_on_file(const aggregator::FileOp& op) {
  if (const auto* append = std::get_if<aggregator::AppendOutput>(&op); append != nullptr && disk_full_) {
    put([this, key = append->key, stream = append->stream, have = append->offset](auto& effects, Now at) {
      on_output_failed(*state_, effects, at, key, stream, have);
    });
  }
  if (const auto* read = std::get_if<aggregator::ReadForgotten>(&op)) read_forgotten(read->jobs);
  if (const auto* send = std::get_if<aggregator::SendBlob>(&op)) send_blob(*send);
  if (const auto* remove = std::get_if<aggregator::RemoveBlob>(&op)) blobs_.remove(remove->sha256, remove->known);
  const auto* seal = std::get_if<aggregator::SealOutput>(&op);
  if (seal == nullptr) return;
  timeline_.after(random_.between(0, 10), [this, key = seal->key, life = life_] {
    if (life != life_) return;
    put([this, key, full = disk_full_](auto& effects, Now at) {
      if (!full) return on_output_sealed(*state_, effects, at, key);
      on_output_failed(*state_, effects, at, key, wire::Stream::stdout_, 0);
    });
  });
}

}  // namespace bramble::sim
