#include "support/reactor_harness.hpp"

#include <utility>

#include "aggregator/scheduler/scheduler.hpp"

namespace bramble::aggregator::test {

Harness::Harness(LoadedState loaded, Config config, LineDriver driver)
    : drive_line_(std::move(driver)),
      state_(std::move(config), [](const Snapshot& snapshot) { return place(snapshot); }) {
  if (loaded.store.empty()) loaded.store = kStore;
  if (loaded.term == 0) loaded.term = 1;
  step([&](Effects& effects) { on_start(state_, effects, now(), std::move(loaded)); });
}

Harness::~Harness() {
  if (::testing::Test::HasFatalFailure()) return;
  EXPECT_TRUE(messages_.empty()) << messages_.size() << " messages to nodes were not looked at, the first: "
                                 << wire::encode(messages_.front().message);
  EXPECT_TRUE(replies_.empty()) << "replies left: " << replies_.front().body;
  EXPECT_TRUE(files_.empty()) << files_.size() << " file operations left";
  EXPECT_TRUE(wants_.empty()) << wants_.size() << " wants left";
  EXPECT_TRUE(identities_.empty()) << identities_.size() << " operations on identities left, the first for "
                                   << identities_.front().node;
  EXPECT_TRUE(certificates_.empty()) << certificates_.size() << " certificates left";
  EXPECT_TRUE(controls_.empty()) << controls_.size() << " control messages left, the first to "
                                 << controls_.front().node;
}

void Harness::connect() {
  step([&](Effects& effects) { on_connected(state_, effects, now()); });
}

void Harness::pass(int64_t ms, const std::vector<std::string>& beating) {
  for (int64_t passed = 0; passed < ms; passed += 100) {
    mono_ms_ += 100;
    if (mono_ms_ % 1000 == 0) {
      for (const auto& node : beating) beat(node);
    }
    end_presses();
    step([&](Effects& effects) { on_tick(state_, effects, now()); });
  }
}

void Harness::stall(int64_t ms) {
  mono_ms_ += ms;
  step([&](Effects& effects) { on_tick(state_, effects, now()); });
}

void Harness::bytes(const std::string& topic, const std::string& payload) {
  step([&](Effects& effects) { on_message(state_, effects, now(), topic, payload); });
}

wire::NodeStatus Harness::identity(const std::string& node, uint32_t cores) {
  wire::NodeStatus status;
  status.online = true;
  status.node = node;
  status.agent_id = "00000000-0000-4000-8000-00000000000" + std::to_string(node.back() - '0');
  status.machine_id = "machine-" + node;
  status.boot_id = "boot-1";
  status.counter = 1;
  status.version = "0.1.0";
  status.arch = "aarch64";
  status.cores = cores;
  status.memory_bytes = uint64_t{1} << 30;
  status.containment.files = true;
  return status;
}

void Harness::join(const std::string& node, uint32_t cores) { join(identity(node, cores)); }

void Harness::join(const wire::NodeStatus& status, wire::Inventory inventory) {
  say(status.node, wire::NodeTopic::status, status);
  const auto welcome = take(status.node);
  ASSERT_TRUE(welcome.welcome) << "no welcome for " << status.node;
  inventory.store = kStore;
  inventory.session = welcome.session;
  inventory.nonce = welcome.welcome->nonce;
  say(status.node, wire::NodeTopic::inventory, inventory);
}

SessionId Harness::session(const std::string& node) { return state_.nodes[state_.node_by_name.at(node)].session; }

NodeState Harness::node_state(const std::string& node) { return state_.nodes[state_.node_by_name.at(node)].state; }

void Harness::beat(const std::string& node) {
  wire::Beat message;
  message.number = ++beats_;
  message.session = session(node);
  message.sent_ms = mono_ms_;
  if (const auto silent = warden_silent_ms.find(node); silent != warden_silent_ms.end()) {
    message.warden_silent_ms = silent->second;
  }
  say(node, wire::NodeTopic::beat, message);
  drop_echo(node);
}

void Harness::event(const std::string& node, wire::Event event) { events(node, session(node), {std::move(event)}); }

void Harness::events(const std::string& node, SessionId session, std::vector<wire::Event> list) {
  wire::EventsMessage message;
  message.store = kStore;
  message.session = session;
  message.events = std::move(list);
  say(node, wire::NodeTopic::events, message);
}

wire::Event Harness::started(const AttemptKey& id, uint64_t number) {
  wire::Event event;
  event.type = wire::EventType::started;
  event.id = id;
  event.number = number;
  return event;
}

wire::Event Harness::simple(wire::EventType type, const AttemptKey& id) {
  wire::Event event;
  event.type = type;
  event.id = id;
  return event;
}

wire::Event Harness::finished(const AttemptKey& id, int code, const std::string& output) {
  wire::Event event;
  event.type = wire::EventType::finished;
  event.id = id;
  event.finished.emplace();
  event.finished->code = code;
  event.finished->duration_ms = 10;
  event.finished->started_wall_ms = 1;
  event.finished->out.kept_bytes = output.size();
  event.finished->out.data = output;
  return event;
}

void Harness::ask(ApiCall call, Caller caller) {
  step([&](Effects& effects) {
    on_api(state_, effects, now(), {std::move(caller), std::move(call), [](const ApiReply&) {}});
  });
}

JobId Harness::submit(TaskRange range, JobSpec spec) {
  if (spec.task.argv.empty()) spec.task.argv = {"true"};
  ask(SubmitRequest{std::move(spec), range});
  EXPECT_EQ(take_reply().http_status, 201);
  return state_.last_job;
}

wire::BlobRef Harness::upload(char letter, uint64_t size_bytes) {
  const wire::BlobRef blob{std::string(64, letter), size_bytes};
  ask(KeepBlobRequest{blob});
  EXPECT_EQ(take_reply().http_status, 201);
  return blob;
}

ApiReply Harness::take_reply() {
  if (replies_.empty()) {
    ADD_FAILURE() << "no reply";
    return {};
  }
  ApiReply reply = std::move(replies_.front());
  replies_.pop_front();
  return reply;
}

wire::TasksMessage Harness::take(const std::string& node) {
  for (auto entry = messages_.begin(); entry != messages_.end(); ++entry) {
    if (entry->node != node) continue;
    auto message = std::move(entry->message);
    messages_.erase(entry);
    return message;
  }
  ADD_FAILURE() << "no message to " << node;
  return {};
}

bool Harness::has_message(const std::string& node) const {
  for (const auto& entry : messages_) {
    if (entry.node == node) return true;
  }
  return false;
}

void Harness::drop_messages() { messages_.clear(); }

std::vector<FileOp> Harness::take_files() { return std::exchange(files_, {}); }

std::vector<wire::OutputWant> Harness::take_wants() { return std::exchange(wants_, {}); }

std::vector<StoreWrite> Harness::take_writes() { return std::exchange(writes_, {}); }

std::vector<TelemetryRow> Harness::take_telemetry() { return std::exchange(telemetry_, {}); }

std::vector<ControlMessage> Harness::take_controls() { return std::exchange(controls_, {}); }

std::vector<IdentityOp> Harness::take_identities() { return std::exchange(identities_, {}); }

std::vector<wire::NewCertificate> Harness::take_certificates() { return std::exchange(certificates_, {}); }

std::optional<Publish> Harness::take_connect() { return std::exchange(connect_, {}); }

void Harness::step(const std::function<void(Effects&)>& event) {
  Effects effects;
  event(effects);
  on_batch_end(state_, effects, now());
  auto ops = std::exchange(effects.lines, {});
  keep(std::move(effects));
  for (const auto& op : ops) drive(op);
  for (const auto& problem : check_invariants(state_)) ADD_FAILURE() << problem;
}

void Harness::drive(const LineOp& op) {
  const auto report = drive_line_ ? drive_line_(op) : std::nullopt;
  if (report && op.action == LineAction::press) {
    presses_.emplace_back(mono_ms_ + op.press_ms, *report);
  } else if (report) {
    tell_line(*report);
  }
}

void Harness::tell_line(const LineReport& report) {
  step([&](Effects& effects) { on_line(state_, effects, now(), report); });
}

void Harness::end_presses() {
  for (const auto& [end_ms, report] : std::exchange(presses_, {})) {
    if (end_ms > mono_ms_) {
      presses_.emplace_back(end_ms, report);
    } else {
      tell_line(report);
    }
  }
}

void Harness::keep(Effects effects) {
  for (auto& write : effects.writes) writes_.push_back(std::move(write));
  for (auto& op : effects.files) files_.push_back(std::move(op));
  for (auto& op : effects.identities) identities_.push_back(std::move(op));
  for (auto& reply : effects.replies) replies_.push_back(std::move(reply.reply));
  for (auto& row : effects.telemetry) telemetry_.push_back(std::move(row));
  for (auto& line : effects.log) {
    if (line.warning) warnings_.push_back(std::move(line.text));
  }
  if (effects.connect) connect_ = std::move(effects.connect);
  for (auto& publish : effects.publish) keep_publish(publish);
}

void Harness::keep_publish(const Publish& publish) {
  const auto& topics = state_.topics;
  if (publish.topic == topics.aggregator_status() || publish.topic == topics.aggregator_ping()) return;
  if (publish.topic.find("/alert/") != std::string::npos) return;  // alerts_test looks at these
  if (publish.retained && publish.payload.empty()) return cleared_.push_back(publish.topic);
  const auto topic = state_.topics.parse(publish.topic);
  ASSERT_TRUE(topic) << topic.error().message;
  if (topic->kind == wire::NodeTopic::control) {
    controls_.push_back({topic->node, *wire::decode<wire::Control>(publish.payload), publish.expiry_s});
  } else if (topic->kind == wire::NodeTopic::certificate) {
    certificates_.push_back(*wire::decode<wire::NewCertificate>(publish.payload));
  } else if (topic->kind == wire::NodeTopic::blob_want) {
    wants_.push_back(*wire::decode<wire::OutputWant>(publish.payload));
  } else {
    auto message = wire::decode<wire::TasksMessage>(publish.payload);
    ASSERT_TRUE(message) << message.error().message;
    messages_.push_back({topic->node, std::move(*message)});
  }
}

void Harness::drop_echo(const std::string& node) {
  std::erase_if(messages_, [&](const NodeMessage& entry) {
    const auto& m = entry.message;
    return entry.node == node && m.echo && !m.welcome && m.launch.empty() && m.cancel.empty() && m.recall.empty() &&
           m.ack.empty() && m.done.empty() && !m.refusal && !m.ask_status;
  });
}

}  // namespace bramble::aggregator::test
