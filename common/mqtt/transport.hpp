// The MQTT connection as the rest of the program sees it. The paho adapter implements it; tests use a fake.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace bramble::mqtt {

struct Message {
  std::string topic;
  std::string payload;
  int qos = 0;  // 0 or 1
  bool retained = false;
  uint32_t expiry_s = 0;  // 0: never
};

// What the connection tells. Called on a thread of the transport's own, one call at a time: stamp the time, put it on
// a queue, return. Never call the transport's connect or disconnect from inside a handler.
struct Handlers {
  std::function<void()> on_connected;                       // connected and every subscription granted
  std::function<void(std::string reason)> on_disconnected;  // also: an attempt to connect failed
  std::function<void(std::string_view topic, std::string_view payload, bool retained)> on_message;
};

// Files in PEM, read anew at each attempt to connect. Empty: the system's authorities; no certificate of our own.
struct TlsFiles {
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
  // Off where ca_file vouches for the broker alone, whatever it is called today: its certificate must then be one for
  // servers, signed by it.
  bool verify_host = true;
};

struct Options {
  std::string broker_url;  // "tcp://127.0.0.1:1883"; several ways to one broker with commas, tried in turn
  TlsFiles tls;            // for ssl:// and mqtts://
  std::string client_id;   // carries the UUID of who connects
  std::string username;
  std::string password;
  std::vector<std::pair<std::string, int>> subscriptions;  // filter, qos; renewed at every connection
  std::vector<std::pair<std::string, int>> wishes;         // likewise; what the broker refuses of them is done without
  int keep_alive_s = 15;
  int connect_timeout_s = 5;
  size_t max_buffered_messages = 4096;   // accepted by publish and not yet handed to the network
  size_t max_buffered_bytes = 32 << 20;  // the same, in payload bytes
  size_t max_incoming_bytes = 1 << 20;   // asked of the broker as Maximum Packet Size; a larger message of a
                                         // foreign client then never reaches this process
};

// Thread-safe. One connection attempt at a time; who uses it decides when to try again (the back-off is a reactor's).
class Transport {
 public:
  virtual ~Transport() = default;

  // Starts one attempt and returns at once; its end is on_connected or on_disconnected. A call while an attempt is
  // under way or connected does nothing.
  virtual void connect(std::optional<Message> will) = 0;

  // Ends the connection in the regular way: no will is sent. Waits at most timeout_ms for buffered messages to go out.
  virtual void disconnect(int timeout_ms) = 0;

  // Takes a message for sending, in order. Errors: unavailable when not connected or when the buffer is full; the
  // message is then not sent, and the caller repeats it later (everything that must arrive is repeated anyway).
  virtual Status publish(Message message) = 0;

  // Beside the subscriptions of Options, and for this connection only: the next one does not have them. What is sent
  // after it reaches the broker later. A refusal is not told: the messages do not come, as if they were lost.
  // Error unavailable: not connected.
  virtual Status subscribe(const std::string& filter, int qos) = 0;
  virtual Status unsubscribe(const std::string& filter) = 0;

  virtual bool connected() const = 0;
};

}  // namespace bramble::mqtt
