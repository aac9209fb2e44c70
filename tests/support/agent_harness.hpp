// Drives the agent's reactor as its adapter would and records every effect. A test takes what it expects; what is left
// over at the end fails it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "agent/core/reactor.hpp"
#include "common/wire/codec.hpp"

namespace bramble::agent::testing {

inline const StoreId kStore = "11111111-1111-4111-8111-111111111111";
inline const StoreId kOtherStore = "22222222-2222-4222-8222-222222222222";
inline const std::string kAgentId = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
inline const std::string kOtherAgentId = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";
inline const std::string kSha(64, 'a');

inline Config test_config() {
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

inline wire::TaskSpec true_spec() {
  wire::TaskSpec spec;
  spec.argv = {"/bin/true"};
  return spec;
}

class AgentHarness {
 public:
  explicit AgentHarness(Config config = test_config(), Saved earlier = {kAgentId, "machine", 0, {}, 0, {}, {}})
      : state(std::move(config), std::move(earlier), 1) {
    start(state, now);
  }

  ~AgentHarness() {
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
  AgentHarness(const AgentHarness&) = delete;
  AgentHarness& operator=(const AgentHarness&) = delete;

  // --- events in ---

  // One batch: fn(Effects&), flush, and the reads answered from `files` as the adapter does.
  template <typename Fn>
  void step(Fn fn) {
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

  void tick() {
    step([&](Effects& effects) { on_tick(state, effects, now); });
  }
  void advance(int64_t ms) {
    now.mono = now.mono + ms;
    now.wall.ms += ms;
    tick();
  }
  void message(const std::string& topic, const std::string& payload) {
    step([&](Effects& effects) { on_message(state, effects, now, topic, payload); });
  }
  // Fills in the store, term and session that the agent takes for current.
  void tasks(wire::TasksMessage tasks) {
    if (tasks.store.empty()) tasks.store = kStore;
    if (tasks.term == 0) tasks.term = 1;
    if (tasks.session == 0) tasks.session = state.session.id;
    message(state.topics.node("pi01", wire::NodeTopic::tasks), wire::encode(tasks));
  }
  // The same.
  void control(wire::Control control = {}) {
    if (control.store.empty()) control.store = kStore;
    if (control.term == 0) control.term = 1;
    if (control.session == 0) control.session = state.session.id;
    message(state.topics.node("pi01", wire::NodeTopic::control), wire::encode(control));
  }
  void report(wire::WardenReport report) {
    step([&](Effects& effects) { on_warden_report(state, effects, now, std::move(report)); });
  }
  void disconnected(const std::string& reason = "connection lost") {
    step([&](Effects& effects) { on_disconnected(state, effects, now, reason); });
  }

  // --- whole scenes; each takes all its effects ---

  void connect_broker() {
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
  wire::TasksMessage welcome_message(SessionId session = 7) const {
    wire::TasksMessage message;
    message.store = kStore;
    message.term = 1;
    message.session = session;
    message.welcome = wire::Welcome{state.saved.agent_id, "boot", state.counter, 99, 1000, 1000, {}};
    return message;
  }
  void connect_warden(wire::WardenState list = {}) {
    step([&](Effects& effects) { on_warden_connected(state, effects, now); });
    EXPECT_EQ(take_warden<wire::WardenHello>().size(), 1U);
    if (list.slots == 0) list.slots = state.config.slots;
    report(list);
  }
  // Connected, joined, the warden's (empty) list read, welcomed with session 7.
  void make_ready() {
    state.saved.store = kStore;
    state.saved.term = 1;
    connect_warden();
    connect_broker();
    tasks(welcome_message());
    take<wire::Inventory>(wire::NodeTopic::inventory);
  }
  void launch(const std::vector<AttemptKey>& ids, const wire::TaskSpec& spec = true_spec(),
              std::optional<wire::BlobRef> blob = {}) {
    wire::TasksMessage message;
    for (const AttemptKey& id : ids) {
      message.specs[id.job] = spec;
      message.launch.push_back({id, blob});
    }
    tasks(message);
  }
  // Launched and running, the started event acknowledged; nothing left to take.
  void run(const AttemptKey& id, const wire::TaskSpec& spec = true_spec()) {
    launch({id}, spec);
    EXPECT_EQ(take_warden<wire::WardenStart>().size(), 1U);
    report(started(id));
    std::vector<wire::Event> events = take_events();
    ASSERT_EQ(events.size(), 2U);  // taken, started
    acknowledge(events[1].number);
  }
  void acknowledge(uint64_t number) {
    wire::TasksMessage message;
    message.ack = {number};
    tasks(message);
  }

  static wire::WardenStarted started(const AttemptKey& id) {
    wire::WardenStarted report;
    report.task = {kStore, id};
    report.pid = 100;
    return report;
  }
  static wire::WardenExited exited(const AttemptKey& id, uint64_t out_bytes = 0, uint64_t err_bytes = 0) {
    wire::WardenExited report;
    report.task = {kStore, id};
    report.result.out.kept_bytes = out_bytes;
    report.result.err.kept_bytes = err_bytes;
    return report;
  }

  // --- effects out: taking removes ---

  template <typename Message>
  std::vector<Message> take(wire::NodeTopic kind) {
    return take_topic<Message>(state.topics.node("pi01", kind));
  }
  // Events of a burst are held back for a few milliseconds: lets these pass.
  std::vector<wire::EventsMessage> take_event_messages() {
    let_gather();
    return take<wire::EventsMessage>(wire::NodeTopic::events);
  }
  std::vector<wire::Event> take_events() {
    std::vector<wire::Event> all;
    for (wire::EventsMessage& message : take_event_messages()) {
      EXPECT_EQ(message.session, state.session.id);
      std::move(message.events.begin(), message.events.end(), std::back_inserter(all));
    }
    return all;
  }
  std::vector<wire::EventType> take_event_types() {
    std::vector<wire::EventType> types;
    for (const wire::Event& event : take_events()) types.push_back(event.type);
    return types;
  }
  template <typename Request>
  std::vector<Request> take_warden() {
    if (std::is_same_v<Request, wire::WardenForget> && !state.tasks.to_forget.empty()) advance(kForgetMs);
    std::vector<Request> taken;
    std::erase_if(warden, [&](wire::WardenRequest& request) {
      if (!std::holds_alternative<Request>(request)) return false;
      taken.push_back(std::get<Request>(request));
      return true;
    });
    return taken;
  }
  template <typename Effect>
  std::vector<Effect> take_blob_effects() {
    std::vector<Effect> taken;
    std::erase_if(blobs, [&](BlobEffect& effect) {
      if (!std::holds_alternative<Effect>(effect)) return false;
      taken.push_back(std::get<Effect>(effect));
      return true;
    });
    return taken;
  }
  // Chunks published for the aggregator, whole topic and payload.
  std::vector<std::pair<std::string, std::string>> take_chunks() {
    std::vector<std::pair<std::string, std::string>> taken;
    std::erase_if(publishes, [&](Publish& publish) {
      if (!publish.bulk) return false;
      taken.emplace_back(publish.topic, publish.payload);
      return true;
    });
    return taken;
  }
  std::optional<Connect> take_connect() { return std::exchange(connect, {}); }
  std::vector<wire::ControlAction> take_halts() { return std::exchange(halts, {}); }
  std::vector<std::string> take_log() { return std::exchange(log, {}); }

  State state;
  Now now{{1'000'000}, {1'700'000'000'000}};
  std::map<std::pair<AttemptKey, wire::Stream>, std::string> files;  // of the attempts' output
  bool hold_reads = false;
  bool warden_answers = true;  // pings

  std::vector<Publish> publishes;
  std::vector<wire::WardenRequest> warden;
  std::vector<BlobEffect> blobs;
  std::vector<wire::ControlAction> halts;
  std::vector<std::string> log;
  std::optional<Saved> saved;  // the newest
  std::optional<Connect> connect;
  std::set<std::string> subscribed;  // on the second connection, besides what always is
  bool disconnect = false;
  bool connect_bulk = false;
  bool make_certificate_request = false;
  std::optional<wire::NewCertificate> take_certificate;
  bool read_sensors = false;
  MonoTime wake_at;

 private:
  void let_gather() {
    const bool waits = !state.outbox.batch.empty() || !state.outbox.ready.empty();
    if (state.session.id != 0 && waits) advance(kGatherMs);
  }

  template <typename Message>
  std::vector<Message> take_topic(const std::string& topic) {
    std::vector<Message> taken;
    std::erase_if(publishes, [&](Publish& publish) {
      if (publish.topic != topic) return false;
      EXPECT_LE(publish.payload.size(), wire::kMaxMessageBytes);
      Result<Message> decoded = wire::decode<Message>(publish.payload);
      EXPECT_TRUE(decoded) << decoded.error().message << ": " << publish.payload;
      if (decoded) taken.push_back(std::move(*decoded));
      return true;
    });
    return taken;
  }

  Result<std::string> read_file(const ReadOutput& read) const {
    const auto file = files.find({read.task.id, read.stream});
    if (file == files.end()) return fail(ErrorCode::not_found, "no such file");
    if (read.offset >= file->second.size()) return std::string();
    return file->second.substr(static_cast<size_t>(read.offset), static_cast<size_t>(read.max_bytes));
  }

  // What must be subscribed.
  std::set<std::string> shared_filters() const {
    std::set<std::string> filters;
    for (const auto& [sha256, blob] : state.blobs.known) {
      if (blob.shared) filters.insert(state.topics.blob_shared_filter(sha256));
    }
    return filters;
  }

  // Most tests have a warden that answers.
  void answer_pings(Effects& effects) {
    const size_t pings =
        std::erase_if(warden, [](const auto& request) { return std::holds_alternative<wire::WardenPing>(request); });
    if (pings > 0 && warden_answers) on_warden_report(state, effects, now, wire::WardenPong{});
  }

  void record(Effects effects) {
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
};

}  // namespace bramble::agent::testing
