// The test in the aggregator's place: hears everything of a cluster's nodes, and says what a test wants said. Every
// wait ends after 30 s with an exception that tells what was waited for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>

#include "common/mqtt/paho_transport.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/topics.hpp"

namespace bramble::test {

class FakeAggregator {
 public:
  inline static const StoreId kStore = "11111111-1111-4111-8111-111111111111";

  FakeAggregator(const std::string& url, std::string node) : node_(std::move(node)) {
    mqtt::Options options;
    options.broker_url = url;
    options.client_id = "fake-aggregator";
    options.subscriptions = {{"bramble/bramble/node/#", 1}};
    mqtt::Handlers handlers;
    handlers.on_connected = [this] { note([this] { connected_ = true; }); };
    handlers.on_disconnected = [this](const std::string&) { note([this] { connected_ = false, failed_ = true; }); };
    handlers.on_message = [this](std::string_view topic, std::string_view payload, bool) {
      note([&] { heard_.push_back({std::string(topic), std::string(payload)}); });
    };
    transport_ = std::make_unique<mqtt::PahoTransport>(std::move(options), std::move(handlers));
    connect();
  }
  ~FakeAggregator() { transport_.reset(); }

  // Tries until the broker is there.
  void connect() {
    const auto limit = std::chrono::steady_clock::now() + kLimit;
    while (std::chrono::steady_clock::now() < limit) {
      std::unique_lock lock(mutex_);
      failed_ = false;
      lock.unlock();
      transport_->connect(std::nullopt);
      lock.lock();
      changed_.wait_for(lock, kLimit, [this] { return connected_ || failed_; });
      if (connected_) return;
    }
    throw std::runtime_error("the fake aggregator could not connect");
  }
  void wait_disconnected() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kLimit, [this] { return !connected_; })) throw std::runtime_error("still connected");
  }

  void publish(const std::string& topic, std::string payload, bool retained = false) {
    const Status taken = transport_->publish({topic, std::move(payload), 1, retained, 0});
    if (!taken) throw std::runtime_error(taken.error().message);
  }
  void send(wire::TasksMessage message) {
    message.store = kStore;
    message.term = 1;
    if (message.session == 0) message.session = session_;
    publish(topics.node(node_, wire::NodeTopic::tasks), wire::encode(message));
  }

  // The next message of this kind that fits. Those before it are forgotten.
  template <typename Message>
  Message wait(
      wire::NodeTopic kind, const std::function<bool(const Message&)>& fits = [](const Message&) { return true; }) {
    const std::string topic = topics.node(node_, kind);
    std::optional<Message> found;
    wait_heard(
        "a message on " + topic,
        [&](const Heard& heard) {
          if (heard.topic != topic) return false;
          Result<Message> message = wire::decode<Message>(heard.payload);
          if (!message) throw std::runtime_error(topic + ": " + message.error().message);
          if (fits(*message)) found = std::move(*message);
          return true;
        },
        [&] { return found.has_value(); });
    return std::move(*found);
  }

  wire::NodeStatus wait_status(bool online) {
    return wait<wire::NodeStatus>(wire::NodeTopic::status,
                                  [&](const wire::NodeStatus& status) { return status.online == online; });
  }

  // The next event of this type for this attempt.
  wire::Event wait_event(wire::EventType type, const AttemptKey& id) {
    std::optional<wire::Event> found;
    wait<wire::EventsMessage>(wire::NodeTopic::events, [&](const wire::EventsMessage& message) {
      for (const wire::Event& event : message.events) {
        if (event.type == type && event.id == id) found = event;
      }
      return found.has_value();
    });
    return std::move(*found);
  }

  // Raw bytes that the node sends of an attempt's output, at this offset.
  std::string wait_chunk(const AttemptKey& id, wire::Stream stream, uint64_t offset) {
    const std::string topic = topics.blob_up(node_, kStore, id, stream, offset);
    std::optional<std::string> found;
    wait_heard(
        "a chunk on " + topic,
        [&](const Heard& heard) {
          if (heard.topic != topic) return false;
          found = heard.payload;
          return true;
        },
        [&] { return found.has_value(); });
    return *found;
  }

  // Grants a session to the birth and returns the inventory.
  wire::Inventory welcome(const wire::NodeStatus& birth) {
    wire::TasksMessage message;
    message.session = ++session_;
    message.welcome = wire::Welcome{birth.agent_id, birth.boot_id, birth.counter, 40 + session_, 200, 200, {}};
    send(message);
    return wait<wire::Inventory>(wire::NodeTopic::inventory,
                                 [&](const wire::Inventory& inventory) { return inventory.nonce == 40 + session_; });
  }

  void launch(const AttemptKey& id, const std::string& script, std::optional<wire::BlobRef> input = {}) {
    wire::TasksMessage message;
    message.specs[id.job].argv = {"/bin/sh", "-c", script};
    message.specs[id.job].kill_grace_ms = 500;
    message.launch = {{id, std::move(input)}};
    send(message);
  }
  void control(wire::ControlAction action) {
    publish(topics.node(node_, wire::NodeTopic::control),
            wire::encode(wire::Control{kStore, 1, session_, action, "a test"}));
  }
  void done(const AttemptKey& id) {
    wire::TasksMessage message;
    message.done = {id};
    send(message);
  }
  void acknowledge(uint64_t number) {
    wire::TasksMessage message;
    message.ack = {number};
    send(message);
  }

  const wire::Topics topics{"bramble"};

 private:
  static constexpr auto kLimit = std::chrono::seconds(30);

  struct Heard {
    std::string topic;
    std::string payload;
  };

  template <typename Change>
  void note(const Change& change) {
    const std::lock_guard lock(mutex_);
    change();
    changed_.notify_all();
  }

  // Takes what was heard, oldest first, while `take` does so, until `satisfied`. What it does not take stays.
  void wait_heard(const std::string& what, const std::function<bool(const Heard&)>& take,
                  const std::function<bool()>& satisfied) {
    const auto limit = std::chrono::steady_clock::now() + kLimit;
    std::unique_lock lock(mutex_);
    while (true) {
      for (auto each = heard_.begin(); each != heard_.end() && !satisfied();) {
        each = take(*each) ? heard_.erase(each) : std::next(each);
      }
      if (satisfied()) return;
      if (changed_.wait_until(lock, limit) == std::cv_status::timeout) {
        throw std::runtime_error("waited in vain for " + what);
      }
    }
  }

  const std::string node_;
  SessionId session_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool connected_ = false;
  bool failed_ = false;
  std::deque<Heard> heard_;
  std::unique_ptr<mqtt::PahoTransport> transport_;
};

}  // namespace bramble::test
