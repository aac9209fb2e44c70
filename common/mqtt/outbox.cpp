#include "common/mqtt/outbox.hpp"

#include <algorithm>

namespace bramble::mqtt {

void Outbox::reset(size_t receive_maximum) {
  waiting_.clear();
  messages_ = bytes_ = in_flight_ = unacknowledged_ = 0;
  max_unacknowledged_ = std::clamp<size_t>(receive_maximum, 1, max_in_flight);
}

Status Outbox::put(Message message) {
  if (messages_ >= max_messages_ || bytes_ + message.payload.size() > max_bytes_) {
    return fail(ErrorCode::unavailable, std::to_string(messages_) + " messages (" + std::to_string(bytes_) +
                                            " bytes) wait for the broker already: try again later");
  }
  ++messages_;
  bytes_ += message.payload.size();
  waiting_.push_back(std::move(message));
  return {};
}

std::optional<Message> Outbox::next() {
  if (waiting_.empty() || in_flight_ >= max_in_flight) return std::nullopt;
  const bool acknowledged = waiting_.front().qos > 0;
  if (acknowledged && unacknowledged_ >= max_unacknowledged_) return std::nullopt;
  std::optional<Message> message = std::move(waiting_.front());
  waiting_.pop_front();
  ++in_flight_;
  if (acknowledged) ++unacknowledged_;
  return message;
}

void Outbox::finished(size_t bytes, int qos) {
  --messages_;
  bytes_ -= bytes;
  --in_flight_;
  if (qos > 0) --unacknowledged_;
}

}  // namespace bramble::mqtt
