// mqtt::Transport over Eclipse Paho, MQTT 5, clean start. See README.md for what it works around.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/mqtt/transport.hpp"

namespace bramble::mqtt {

// publish() and connected() may be called from any thread and from handlers; connect(), disconnect() and the destructor
// from any thread but never from a handler. Handlers are called one at a time, on paho's threads or, when an attempt
// cannot even be started, on the caller's. A will's expiry_s is ignored.
//
// Every wait is bounded but one: a broker that accepts the connection and answers pings, but never the subscription.
class PahoTransport final : public Transport {
 public:
  PahoTransport(Options options, Handlers handlers);
  // As disconnect(0). No handler is called once it returns. The last one of a process waits up to a second for paho's
  // threads to end.
  ~PahoTransport() override;

  void connect(std::optional<Message> will) override;

  // on_disconnected is not called for it. A later connect() is a new connection.
  void disconnect(int timeout_ms) override;

  // Errors: invalid for a topic or QoS that MQTT does not know; limit for a message above the broker's own maximum.
  Status publish(Message message) override;

  Status subscribe(const std::string& filter, int qos) override;
  Status unsubscribe(const std::string& filter) override;

  bool connected() const override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bramble::mqtt
