// A PahoTransport that remembers what its handlers are told, for tests to wait for. Every wait ends after 30 s.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/mqtt/paho_transport.hpp"

namespace bramble::test {

struct Received {
  std::string topic;
  std::string payload;
  bool retained = false;
};

class TestClient {
 public:
  TestClient(const std::string& url, const std::string& id, std::vector<std::pair<std::string, int>> subscriptions = {},
             const std::function<void(mqtt::Options&)>& adjust = {}) {
    mqtt::Options options;
    options.broker_url = url;
    options.client_id = id;
    options.connect_timeout_s =
        static_cast<int>(limit.count());  // a machine that stands still for a while is no failure
    options.subscriptions = std::move(subscriptions);
    if (adjust) adjust(options);
    mqtt::Handlers handlers;
    handlers.on_connected = [this] { note([this] { ++ups_; }); };
    handlers.on_disconnected = [this](std::string reason) { note([&] { reasons_.push_back(std::move(reason)); }); };
    handlers.on_message = [this](std::string_view topic, std::string_view payload, bool retained) {
      note([&] { received_.push_back({std::string(topic), std::string(payload), retained}); });
    };
    transport_ = std::make_unique<mqtt::PahoTransport>(std::move(options), std::move(handlers));
  }

  // The transport ends first: its handlers use what is declared before it.
  ~TestClient() { transport_.reset(); }

  mqtt::PahoTransport& transport() { return *transport_; }

  // True when connected; false when the attempt failed.
  bool connect(std::optional<mqtt::Message> will = std::nullopt) {
    std::unique_lock lock(mutex_);
    const size_t ups = ups_, downs = reasons_.size();
    lock.unlock();
    transport_->connect(std::move(will));
    lock.lock();
    changed_.wait_for(lock, limit, [&] { return ups_ > ups || reasons_.size() > downs; });
    return ups_ > ups;
  }

  // Tries until the broker lets it in.
  bool connect_again() {
    const auto give_up = std::chrono::steady_clock::now() + limit;
    while (std::chrono::steady_clock::now() < give_up) {
      if (connect()) return true;
    }
    return false;
  }

  bool wait_messages(size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] { return received_.size() >= count; });
  }

  bool wait_disconnected(size_t count = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] { return reasons_.size() >= count; });
  }

  std::vector<Received> received() const {
    const std::lock_guard lock(mutex_);
    return received_;
  }
  std::vector<std::string> reasons() const {
    const std::lock_guard lock(mutex_);
    return reasons_;
  }
  size_t ups() const {
    const std::lock_guard lock(mutex_);
    return ups_;
  }

 private:
  static constexpr auto limit = std::chrono::seconds(30);

  template <typename Change>
  void note(const Change& change) {
    const std::lock_guard lock(mutex_);
    change();
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  size_t ups_ = 0;
  std::vector<std::string> reasons_;
  std::vector<Received> received_;
  std::unique_ptr<mqtt::PahoTransport> transport_;
};

}  // namespace bramble::test
