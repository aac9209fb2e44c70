// Plays everything around the aggregator's reactor: time, broker, nodes, people. Hand-written; a test must take every
// effect that it causes, and what is left over at its end is a failure.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "aggregator/core/reactor.hpp"
#include "common/wire/codec.hpp"

namespace bramble::aggregator::test {

inline const StoreId kStore = "11111111-2222-4333-8444-555555555555";

struct ControlMessage {
  std::string node;
  wire::Control control;
  uint32_t expiry_s = 0;
};

struct NodeMessage {
  std::string node;
  wire::TasksMessage message;
};

class Harness {
 public:
  // Answers an operation on a line, or not. Without one all are dropped.
  using LineDriver = std::function<std::optional<LineReport>(const LineOp&)>;

  explicit Harness(LoadedState loaded = {}, Config config = {}, LineDriver driver = {});

  ~Harness();

  State& state() { return state_; }
  Now now() const { return {{mono_ms_}, {1'700'000'000'000 + mono_ms_}}; }

  void connect();

  // Lets time pass in ticks of 100 ms; beats of `beating` nodes come every second.
  void pass(int64_t ms, const std::vector<std::string>& beating = {});

  // Time goes by and nothing runs in this process: a stall.
  void stall(int64_t ms);

  template <typename Message>
  void say(const std::string& node, wire::NodeTopic kind, const Message& message) {
    bytes(state_.topics.node(node, kind), wire::encode(message));
  }

  void bytes(const std::string& topic, const std::string& payload);

  static wire::NodeStatus identity(const std::string& node, uint32_t cores = 2);

  // A node from nothing to on, with an empty inventory.
  void join(const std::string& node, uint32_t cores = 2);

  void join(const wire::NodeStatus& status, wire::Inventory inventory = {});

  SessionId session(const std::string& node);
  NodeState node_state(const std::string& node);

  void beat(const std::string& node);

  void event(const std::string& node, wire::Event event);

  void events(const std::string& node, SessionId session, std::vector<wire::Event> list);

  static wire::Event started(const AttemptKey& id, uint64_t number = 1);

  static wire::Event simple(wire::EventType type, const AttemptKey& id);

  static wire::Event finished(const AttemptKey& id, int code = 0, const std::string& output = "");

  // --- people ---

  void ask(ApiCall call, Caller caller = {"ada", false});

  // Submits and takes the reply: the job's number.
  JobId submit(TaskRange range = {0, 0, 1}, JobSpec spec = {});

  // A blob of that many bytes comes to lie in the store; its name is made of one letter.
  wire::BlobRef upload(char letter, uint64_t size_bytes);

  ApiReply take_reply();

  bool has_reply() const { return !replies_.empty(); }

  // --- what came out ---

  // The next message to the node.
  wire::TasksMessage take(const std::string& node);

  bool has_message(const std::string& node) const;

  void drop_messages();

  std::vector<FileOp> take_files();
  std::vector<wire::OutputWant> take_wants();
  std::vector<StoreWrite> take_writes();
  std::vector<TelemetryRow> take_telemetry();
  std::vector<std::string> take_warnings() { return std::exchange(warnings_, {}); }
  std::vector<ControlMessage> take_controls();

  std::vector<IdentityOp> take_identities();
  std::vector<wire::NewCertificate> take_certificates();
  std::vector<std::string> take_cleared() { return std::exchange(cleared_, {}); }

  std::optional<Publish> take_connect();

  template <typename Write>
  std::vector<Write> writes_of() const {
    std::vector<Write> found;
    for (const auto& write : writes_) {
      if (const auto* match = std::get_if<Write>(&write)) found.push_back(*match);
    }
    return found;
  }

  // One event, with all that the adapter does after it.
  void step(const std::function<void(Effects&)>& event);

  std::map<std::string, int64_t> warden_silent_ms;  // what nodes say of it in their beats

 private:
  void drive(const LineOp& op);
  void tell_line(const LineReport& report);
  // A press is reported when it has ended.
  void end_presses();

  void keep(Effects effects);

  void keep_publish(const Publish& publish);

  // A beat's echo that came alone is of no interest to most tests.
  void drop_echo(const std::string& node);

  LineDriver drive_line_;
  std::vector<std::pair<int64_t, LineReport>> presses_;  // that go on, and when they end
  int64_t mono_ms_ = 100'000;
  uint64_t beats_ = 0;
  State state_;
  std::deque<NodeMessage> messages_;
  std::deque<ApiReply> replies_;
  std::vector<FileOp> files_;
  std::vector<wire::OutputWant> wants_;
  std::vector<StoreWrite> writes_;
  std::vector<TelemetryRow> telemetry_;
  std::vector<std::string> warnings_;
  std::vector<ControlMessage> controls_;
  std::vector<IdentityOp> identities_;
  std::vector<wire::NewCertificate> certificates_;
  std::vector<std::string> cleared_;  // retained topics
  std::optional<Publish> connect_;
};

}  // namespace bramble::aggregator::test
