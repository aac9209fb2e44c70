// A client of the broker that belongs to nobody.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "common/mqtt/paho_transport.hpp"

namespace bramble::test {

struct ForeignMessage {
  std::string topic;
  std::string payload;
};

// Publishes messages of any size at QoS 1 and goes.
inline void publish_foreign(const std::string& url, std::vector<ForeignMessage> messages) {
  std::mutex mutex;
  std::condition_variable changed;
  bool up = false;
  mqtt::Options options;
  options.broker_url = url;
  options.client_id = "foreign";
  options.max_buffered_bytes = size_t{256} << 20;
  mqtt::Handlers handlers;
  handlers.on_connected = [&] {
    const std::lock_guard lock(mutex);
    up = true;
    changed.notify_all();
  };
  handlers.on_disconnected = [](const std::string&) {};
  handlers.on_message = [](std::string_view, std::string_view, bool) {};
  mqtt::PahoTransport transport(options, handlers);
  transport.connect(std::nullopt);
  {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(30), [&] { return up; }));
  }
  for (auto& message : messages) {
    ASSERT_TRUE(transport.publish({message.topic, std::move(message.payload), 1, false, 0}));
  }
  transport.disconnect(30'000);
}

}  // namespace bramble::test
