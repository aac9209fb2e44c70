// The bounded ring of outgoing messages, and the window of those that paho has and has not finished.
//
// Paho is given few messages at a time: a broker's Receive Maximum then never stalls its sender (paho C before 1.3.14
// sleeps up to a second when it is full), its own limits never throw, and its searches through what is in flight stay
// short. Pure bookkeeping: no thread, no lock.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "common/base/result.hpp"
#include "common/mqtt/transport.hpp"

namespace bramble::mqtt {

class Outbox {
 public:
  static constexpr size_t max_in_flight = 128;  // given to paho and not finished

  Outbox(size_t max_messages, size_t max_bytes) : max_messages_(max_messages), max_bytes_(max_bytes) {}

  // For a new connection: forgets everything; receive_maximum is how many QoS 1 messages the broker takes at a time.
  void reset(size_t receive_maximum);

  // Error unavailable: full. What is in flight counts too, so this bounds all memory that outgoing messages take.
  Status put(Message message);

  // The oldest message, when the window admits it; it is in flight then.
  std::optional<Message> next();

  // A message that next() gave is delivered or has failed.
  void finished(size_t bytes, int qos);

  bool empty() const { return messages_ == 0; }  // nothing waits and nothing is in flight

 private:
  const size_t max_messages_;
  const size_t max_bytes_;
  std::deque<Message> waiting_;
  size_t messages_ = 0;  // waiting or in flight
  size_t bytes_ = 0;     // their payload
  size_t in_flight_ = 0;
  size_t unacknowledged_ = 0;  // of those in flight, QoS 1
  size_t max_unacknowledged_ = max_in_flight;
};

}  // namespace bramble::mqtt
