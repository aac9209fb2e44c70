// One attempt to connect through paho, and the connection that comes of it. With paho_connection.cpp the only code that
// includes paho. Private to this folder.
#pragma once

#include <mqtt/async_client.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/mqtt/broker_address.hpp"
#include "common/mqtt/transport.hpp"

namespace bramble::mqtt {

namespace paho = ::mqtt;

class PahoConnection;

// What the broker said about itself when it accepted the connection.
struct BrokerLimits {
  size_t receive_maximum = 65535;  // QoS 1 messages that it takes at a time
  size_t max_packet_bytes = 0;     // 0: no limit
};

// Paho calls these on its own threads while it holds a lock of its own: whoever takes a lock in here must never hold it
// while calling paho.
class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() = default;
  virtual void on_up(PahoConnection& connection, const BrokerLimits& limits) = 0;  // and every subscription granted
  virtual void on_down(PahoConnection& connection, std::string reason) = 0;        // may come more than once
  virtual void on_arrived(PahoConnection& connection, const paho::message& message) = 0;
  // A message given to send() is out (QoS 0), acknowledged (QoS 1) or lost; more: whether sending goes on.
  virtual void on_sent(PahoConnection& connection, size_t bytes, int qos, bool more) = 0;
};

class PahoConnection {
 public:
  // Throws paho::exception.
  PahoConnection(const Options& options, BrokerAddress address, ConnectionOwner& owner);
  // Says goodbye to the broker if connected (no will is sent then). No callback runs once it returns. Never to be
  // called from a callback.
  ~PahoConnection() = default;
  PahoConnection(const PahoConnection&) = delete;
  PahoConnection& operator=(const PahoConnection&) = delete;

  void start(const std::optional<Message>& will);  // throws paho::exception
  bool send(Message message);                      // false: paho did not take it
  void add_subscription(const std::string& filter, int qos);
  void drop_subscription(const std::string& filter);

 private:
  // Forwards the end of one kind of paho's operations.
  class Listener : public paho::iaction_listener {
   public:
    using Handler = std::function<void(const paho::token&)>;
    Listener(Handler success, Handler failure) : success_(std::move(success)), failure_(std::move(failure)) {}
    void on_success(const paho::token& token) override { success_(token); }
    void on_failure(const paho::token& token) override { failure_(token); }

   private:
    const Handler success_;
    const Handler failure_;
  };

  void set_handlers();
  paho::connect_options connect_options(const std::optional<Message>& will) const;
  void connected(const paho::token& token);
  void connect_failed(const paho::token& token);
  void subscribe();
  void subscribed(const paho::token& token);
  void subscribe_failed(const std::string& why);
  std::string broker() const { return "the broker at " + to_string(address_); }

  const Options& options_;
  const BrokerAddress address_;
  ConnectionOwner& owner_;
  BrokerLimits limits_;
  std::chrono::steady_clock::time_point started_;
  Listener connect_listener_;
  Listener subscribe_listener_;
  Listener send_listener_;
  Listener change_listener_;   // of subscriptions, while connected: whatever became of it
  paho::async_client client_;  // last: it is destroyed first, and calls the listeners until then
};

}  // namespace bramble::mqtt
