#include "support/agent_harness.hpp"

namespace bramble::agent::testing {

Config test_config() {
  Config config;
  config.cluster = "test";
  config.node = "pi01";
  config.machine_id = "machine";
  config.boot_id = "boot";
  config.version = "0.1.0";
  config.model = "Raspberry Pi 4 Model B";
  config.arch = "aarch64";
  config.blob_dir = "/state/blobs";
  config.slots = 2;
  config.memory_bytes = 1000;
  config.beat_ms = 600'000;  // so that beats and readings come only in tests that are about them
  config.telemetry_ms = 600'000;
  return config;
}

wire::TaskSpec true_spec() {
  wire::TaskSpec spec;
  spec.argv = {"/bin/true"};
  return spec;
}

AgentHarness::AgentHarness(Config config, Saved earlier) : state(std::move(config), std::move(earlier), 1) {
  start(state, now);
}

AgentHarness::~AgentHarness() {
  let_gather();
  EXPECT_TRUE(publishes.empty()) << publishes.size() << " left over, first: " << publishes.front().topic << " "
                                 << publishes.front().payload;
  EXPECT_TRUE(warden.empty()) << warden.size() << " left over, first: " << wire::encode(warden.front());
  EXPECT_TRUE(blobs.empty()) << blobs.size() << " blob effects left over";
  EXPECT_TRUE(halts.empty()) << "a shutdown of the machine left over";
  EXPECT_TRUE(log.empty()) << "left over: " << log.front();
  EXPECT_FALSE(connect) << "an attempt to connect left over";
  EXPECT_FALSE(disconnect) << "a disconnect left over";
  EXPECT_FALSE(connect_bulk) << "an attempt to connect for files left over";
  EXPECT_FALSE(make_certificate_request) << "a certificate request left over";
  EXPECT_FALSE(take_certificate) << "a certificate left over";
  EXPECT_FALSE(read_sensors) << "a reading of the sensors left over";
}

void AgentHarness::step(const std::function<void(Effects&)>& fn) {
  Effects effects;
  fn(effects);
  while (true) {
    flush(state, effects, now);
    const Status sound = check_invariants(state);
    EXPECT_TRUE(sound) << sound.error().message;
    std::vector<ReadOutput> reads = std::exchange(effects.reads, {});
    record(std::exchange(effects, {}));
    answer_pings(effects);
    if (reads.empty() || hold_reads) break;
    for (const ReadOutput& read : reads) on_output_read(state, effects, now, read, read_file(read));
  }
}

void AgentHarness::tick() {
  step([&](Effects& effects) { on_tick(state, effects, now); });
}

void AgentHarness::advance(int64_t ms) {
  now.mono = now.mono + ms;
  now.wall.ms += ms;
  tick();
}

void AgentHarness::message(const std::string& topic, const std::string& payload) {
  step([&](Effects& effects) { on_message(state, effects, now, topic, payload); });
}

void AgentHarness::tasks(wire::TasksMessage tasks) {
  if (tasks.store.empty()) tasks.store = kStore;
  if (tasks.term == 0) tasks.term = 1;
  if (tasks.session == 0) tasks.session = state.session.id;
  message(state.topics.node("pi01", wire::NodeTopic::tasks), wire::encode(tasks));
}

void AgentHarness::control(wire::Control control) {
  if (control.store.empty()) control.store = kStore;
  if (control.term == 0) control.term = 1;
  if (control.session == 0) control.session = state.session.id;
  message(state.topics.node("pi01", wire::NodeTopic::control), wire::encode(control));
}

void AgentHarness::report(wire::WardenReport report) {
  step([&](Effects& effects) { on_warden_report(state, effects, now, std::move(report)); });
}

void AgentHarness::disconnected(const std::string& reason) {
  step([&](Effects& effects) { on_disconnected(state, effects, now, reason); });
}

void AgentHarness::connect_broker() {
  tick();
  EXPECT_TRUE(take_connect());
  step([&](Effects& effects) { on_connected(state, effects, now); });
  tick();
  EXPECT_TRUE(std::exchange(connect_bulk, false) || state.bulk.phase == Link::Phase::up);
  step([&](Effects& effects) { on_bulk_connected(state, effects, now); });
  advance(1);
  take<wire::NodeStatus>(wire::NodeTopic::status);
  take<wire::Beat>(wire::NodeTopic::beat);
  log.clear();
  read_sensors = false;
}

wire::TasksMessage AgentHarness::welcome_message(SessionId session) const {
  wire::TasksMessage message;
  message.store = kStore;
  message.term = 1;
  message.session = session;
  message.welcome = wire::Welcome{state.saved.agent_id, "boot", state.counter, 99, 1000, 1000, {}};
  return message;
}

void AgentHarness::connect_warden(wire::WardenState list) {
  step([&](Effects& effects) { on_warden_connected(state, effects, now); });
  EXPECT_EQ(take_warden<wire::WardenHello>().size(), 1U);
  if (list.slots == 0) list.slots = state.config.slots;
  report(list);
}

void AgentHarness::make_ready() {
  state.saved.store = kStore;
  state.saved.term = 1;
  connect_warden();
  connect_broker();
  tasks(welcome_message());
  take<wire::Inventory>(wire::NodeTopic::inventory);
}

void AgentHarness::launch(const std::vector<AttemptKey>& ids, const wire::TaskSpec& spec,
                          std::optional<wire::BlobRef> blob) {
  wire::TasksMessage message;
  for (const AttemptKey& id : ids) {
    message.specs[id.job] = spec;
    message.launch.push_back({id, blob});
  }
  tasks(message);
}

void AgentHarness::run(const AttemptKey& id, const wire::TaskSpec& spec) {
  launch({id}, spec);
  EXPECT_EQ(take_warden<wire::WardenStart>().size(), 1U);
  report(started(id));
  std::vector<wire::Event> events = take_events();
  ASSERT_EQ(events.size(), 2U);  // taken, started
  acknowledge(events[1].number);
}

void AgentHarness::acknowledge(uint64_t number) {
  wire::TasksMessage message;
  message.ack = {number};
  tasks(message);
}

wire::WardenStarted AgentHarness::started(const AttemptKey& id) {
  wire::WardenStarted report;
  report.task = {kStore, id};
  report.pid = 100;
  return report;
}

wire::WardenExited AgentHarness::exited(const AttemptKey& id, uint64_t out_bytes, uint64_t err_bytes) {
  wire::WardenExited report;
  report.task = {kStore, id};
  report.result.out.kept_bytes = out_bytes;
  report.result.err.kept_bytes = err_bytes;
  return report;
}

std::vector<wire::EventsMessage> AgentHarness::take_event_messages() {
  let_gather();
  return take<wire::EventsMessage>(wire::NodeTopic::events);
}

std::vector<wire::Event> AgentHarness::take_events() {
  std::vector<wire::Event> all;
  for (wire::EventsMessage& message : take_event_messages()) {
    EXPECT_EQ(message.session, state.session.id);
    std::move(message.events.begin(), message.events.end(), std::back_inserter(all));
  }
  return all;
}

std::vector<wire::EventType> AgentHarness::take_event_types() {
  std::vector<wire::EventType> types;
  for (const wire::Event& event : take_events()) types.push_back(event.type);
  return types;
}

std::vector<std::pair<std::string, std::string>> AgentHarness::take_chunks() {
  std::vector<std::pair<std::string, std::string>> taken;
  std::erase_if(publishes, [&](Publish& publish) {
    if (!publish.bulk) return false;
    taken.emplace_back(publish.topic, publish.payload);
    return true;
  });
  return taken;
}

std::optional<Connect> AgentHarness::take_connect() { return std::exchange(connect, {}); }

std::vector<wire::ControlAction> AgentHarness::take_halts() { return std::exchange(halts, {}); }

std::vector<std::string> AgentHarness::take_log() { return std::exchange(log, {}); }

void AgentHarness::let_gather() {
  const bool waits = !state.outbox.batch.empty() || !state.outbox.ready.empty();
  if (state.session.id != 0 && waits) advance(kGatherMs);
}

Result<std::string> AgentHarness::read_file(const ReadOutput& read) const {
  const auto file = files.find({read.task.id, read.stream});
  if (file == files.end()) return fail(ErrorCode::not_found, "no such file");
  if (read.offset >= file->second.size()) return std::string();
  return file->second.substr(static_cast<size_t>(read.offset), static_cast<size_t>(read.max_bytes));
}

std::set<std::string> AgentHarness::shared_filters() const {
  std::set<std::string> filters;
  for (const auto& [sha256, blob] : state.blobs.known) {
    if (blob.shared) filters.insert(state.topics.blob_shared_filter(sha256));
  }
  return filters;
}

void AgentHarness::answer_pings(Effects& effects) {
  const size_t pings =
      std::erase_if(warden, [](const auto& request) { return std::holds_alternative<wire::WardenPing>(request); });
  if (pings > 0 && warden_answers) on_warden_report(state, effects, now, wire::WardenPong{});
}

void AgentHarness::record(Effects effects) {
  if (effects.save) saved = effects.save;
  if (effects.connect) connect = effects.connect;
  if (effects.halt) halts.push_back(*effects.halt);
  disconnect |= effects.disconnect;
  connect_bulk |= effects.connect_bulk;
  make_certificate_request |= effects.make_certificate_request;
  if (effects.take_certificate) take_certificate = effects.take_certificate;
  read_sensors |= effects.read_sensors;
  wake_at = effects.wake_at;
  for (const Subscription& change : effects.subscriptions) {
    const bool is_news = change.on ? subscribed.insert(change.filter).second : subscribed.erase(change.filter) > 0;
    EXPECT_TRUE(is_news) << change.filter;
  }
  if (state.bulk.phase != Link::Phase::up) subscribed.clear();
  EXPECT_EQ(subscribed, shared_filters());
  std::move(effects.publish.begin(), effects.publish.end(), std::back_inserter(publishes));
  std::move(effects.warden.begin(), effects.warden.end(), std::back_inserter(warden));
  std::move(effects.blobs.begin(), effects.blobs.end(), std::back_inserter(blobs));
  std::move(effects.log.begin(), effects.log.end(), std::back_inserter(log));
}

}  // namespace bramble::agent::testing
