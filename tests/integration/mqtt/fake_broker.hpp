// As little of an MQTT 5 broker as a test needs of one that misbehaves: it accepts one client, answers its
// subscription with the codes that the test gives, and sends it what the test says, whatever the client asked for.
#pragma once

#include <atomic>
#include <string>
#include <thread>

namespace bramble::test {

class FakeBroker {
 public:
  explicit FakeBroker(std::string suback_codes = std::string(1, '\0'));  // one byte for each filter, as in MQTT
  ~FakeBroker();
  FakeBroker(const FakeBroker&) = delete;
  FakeBroker& operator=(const FakeBroker&) = delete;

  std::string url() const { return "tcp://127.0.0.1:" + std::to_string(port_); }
  void publish(const std::string& topic, const std::string& payload) const;  // once a client has subscribed
  void say_goodbye(int reason_code) const;                                   // and end the connection

 private:
  void serve();
  void answer(int type, const std::string& body) const;
  bool read(std::string& buffer, size_t size) const;

  const std::string suback_codes_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> client_ = -1;
  std::thread thread_;
};

}  // namespace bramble::test
