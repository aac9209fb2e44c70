// As little of an MQTT 5 client as can be: connects and publishes, for a generator that must not be what is measured.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bramble::bench {

// One connection to a broker on loopback; one thread. Throws std::runtime_error when the broker does not take it.
class LeanClient {
 public:
  LeanClient(int port, const std::string& client_id);
  ~LeanClient();
  LeanClient(const LeanClient&) = delete;
  LeanClient& operator=(const LeanClient&) = delete;

  // Buffered until flush(). With qos 1 the broker's acknowledgements are read and dropped.
  void publish(std::string_view topic, std::string_view payload, int qos);
  void flush();

 private:
  void put_length(size_t length);
  void put_text(std::string_view text);
  void drop_answers();

  int fd_ = -1;
  uint16_t packet_ = 0;
  std::string out_;
};

}  // namespace bramble::bench
