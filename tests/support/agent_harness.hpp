// Drives the agent's reactor as its adapter would and records every effect. A test takes what it expects; what is left
// over at the end fails it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
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
inline const std::string kOtherSha(64, 'b');
inline const std::string kThirdSha(64, 'c');

Config test_config();
wire::TaskSpec true_spec();

class AgentHarness {
 public:
  explicit AgentHarness(Config config = test_config(), Saved earlier = {kAgentId, "machine", 0, {}, 0, {}, {}});

  ~AgentHarness();
  AgentHarness(const AgentHarness&) = delete;
  AgentHarness& operator=(const AgentHarness&) = delete;

  // --- events in ---

  // One batch: fn(Effects&), flush, and the reads answered from `files` as the adapter does.
  void step(const std::function<void(Effects&)>& fn);

  void tick();
  void advance(int64_t ms);
  void message(const std::string& topic, const std::string& payload);
  // Fills in the store, term and session that the agent takes for current.
  void tasks(wire::TasksMessage tasks);
  // The same.
  void control(wire::Control control = {});
  void report(wire::WardenReport report);
  void disconnected(const std::string& reason = "connection lost");

  // --- whole scenes; each takes all its effects ---

  void connect_broker();
  wire::TasksMessage welcome_message(SessionId session = 7) const;
  void connect_warden(wire::WardenState list = {});
  // Connected, joined, the warden's (empty) list read, welcomed with session 7.
  void make_ready();
  void launch(const std::vector<AttemptKey>& ids, const wire::TaskSpec& spec = true_spec(),
              std::optional<wire::BlobRef> blob = {});
  // Launched and running, the started event acknowledged; nothing left to take.
  void run(const AttemptKey& id, const wire::TaskSpec& spec = true_spec());
  void acknowledge(uint64_t number);

  static wire::WardenStarted started(const AttemptKey& id);
  static wire::WardenExited exited(const AttemptKey& id, uint64_t out_bytes = 0, uint64_t err_bytes = 0);

  // --- effects out: taking removes ---

  template <typename Message>
  std::vector<Message> take(wire::NodeTopic kind) {
    return take_topic<Message>(state.topics.node("pi01", kind));
  }
  // Events of a burst are held back for a few milliseconds: lets these pass.
  std::vector<wire::EventsMessage> take_event_messages();
  std::vector<wire::Event> take_events();
  std::vector<wire::EventType> take_event_types();
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
  std::vector<std::pair<std::string, std::string>> take_chunks();
  std::optional<Connect> take_connect();
  std::vector<wire::ControlAction> take_halts();
  std::vector<std::string> take_log();

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
  void let_gather();

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

  Result<std::string> read_file(const ReadOutput& read) const;

  // What must be subscribed.
  std::set<std::string> shared_filters() const;

  // Most tests have a warden that answers.
  void answer_pings(Effects& effects);

  void record(Effects effects);
};

}  // namespace bramble::agent::testing
