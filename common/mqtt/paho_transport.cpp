#include "common/mqtt/paho_transport.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <utility>

#include "common/mqtt/outbox.hpp"
#include "common/mqtt/paho_connection.hpp"

namespace bramble::mqtt {
namespace {

// A packet's bytes beside topic and payload: fixed header, lengths, packet identifier, expiry.
constexpr size_t packet_overhead_bytes = 24;
constexpr auto sender_limit = std::chrono::seconds(30);

Status check(const Message& message, size_t max_packet_bytes) {
  if (message.topic.empty() || message.topic.size() > 65535 || message.topic.find_first_of("+#") != std::string::npos) {
    return fail("'" + message.topic.substr(0, 100) + "' is not a topic that can be published to");
  }
  if (message.qos != 0 && message.qos != 1) return fail("QoS " + std::to_string(message.qos) + " is neither 0 nor 1");
  const size_t packet_bytes = message.topic.size() + message.payload.size() + packet_overhead_bytes;
  if (max_packet_bytes > 0 && packet_bytes > max_packet_bytes) {
    return fail(ErrorCode::limit, "a message of " + std::to_string(message.payload.size()) + " bytes to '" +
                                      message.topic + "' is larger than the broker allows (" +
                                      std::to_string(max_packet_bytes) + " bytes): raise its max_packet_size");
  }
  return {};
}

}  // namespace

// Two locks. control_ keeps connect, disconnect and the destructor apart, and is never taken by a callback. mutex_
// guards the rest, is taken by callbacks, and is never held while paho is called: paho holds a lock of its own around
// every callback.
class PahoTransport::Impl : public ConnectionOwner {
 public:
  Impl(Options options, Handlers handlers)
      : options_(std::move(options)),
        handlers_(std::move(handlers)),
        outbox_(options_.max_buffered_messages, options_.max_buffered_bytes) {}

  void connect(const std::optional<Message>& will);
  void disconnect(int timeout_ms);
  Status publish(Message message);
  Status change_subscription(const std::function<void(PahoConnection&)>& change);
  bool connected() const;

  void on_up(PahoConnection& connection, const BrokerLimits& limits) override;
  void on_down(PahoConnection& connection, std::string reason) override;
  void on_arrived(PahoConnection& connection, const paho::message& message) override;
  void on_sent(PahoConnection& connection, size_t bytes, int qos, bool more) override;

 private:
  enum class State { idle, connecting, connected };
  using Lock = std::unique_lock<std::mutex>;

  std::unique_ptr<PahoConnection> make_connection(size_t way);
  void detach(Lock& lock);
  void send_waiting(Lock& lock);

  const Options options_;
  const Handlers handlers_;

  std::mutex control_;
  std::unique_ptr<PahoConnection> connection_;  // under control_; until the next connect() after its end

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  PahoConnection* current_ = nullptr;  // whose callbacks count; null: none's
  State state_ = State::idle;
  Outbox outbox_;
  size_t max_packet_bytes_ = 0;
  size_t next_way_ = 0;   // of the broker's URLs: the next one after each failure
  bool sending_ = false;  // some thread takes messages from the outbox to paho, so that they stay in order
  int changing_ = 0;      // threads that change subscriptions
};

void PahoTransport::Impl::connect(const std::optional<Message>& will) {
  const std::lock_guard control(control_);
  Lock lock(mutex_);
  if (state_ != State::idle) return;
  state_ = State::connecting;
  detach(lock);
  const size_t way = next_way_;
  lock.unlock();
  try {
    // The old one ends after the new one is made: without any client paho would end its threads and start them again.
    auto fresh = make_connection(way);
    std::swap(connection_, fresh);
    fresh.reset();
    lock.lock();
    current_ = connection_.get();
    lock.unlock();
    connection_->start(will);
  } catch (const std::exception& error) {
    if (lock.owns_lock()) lock.unlock();
    lock.lock();
    current_ = nullptr;
    state_ = State::idle;
    lock.unlock();
    handlers_.on_disconnected(std::string("cannot connect to the broker: ") + error.what());
  }
}

std::unique_ptr<PahoConnection> PahoTransport::Impl::make_connection(size_t way) {
  auto addresses = parse_broker_urls(options_.broker_url);
  if (!addresses) throw std::runtime_error(addresses.error().message);
  auto& address = (*addresses)[way % addresses->size()];
  return std::make_unique<PahoConnection>(options_, std::move(address), *this);
}

// From here on no callback of the old connection counts, and no thread of ours is inside it.
void PahoTransport::Impl::detach(Lock& lock) {
  current_ = nullptr;
  outbox_.reset(1);
  if (changed_.wait_for(lock, sender_limit, [this] { return !sending_ && changing_ == 0; })) return;
  std::fputs("paho has not taken a message for 30 s: its threads are stuck, this process cannot go on\n", stderr);
  std::abort();
}

void PahoTransport::Impl::disconnect(int timeout_ms) {
  const std::lock_guard control(control_);
  Lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                    [this] { return outbox_.empty() || state_ != State::connected; });
  state_ = State::idle;
  detach(lock);
  lock.unlock();
  connection_.reset();
}

Status PahoTransport::Impl::publish(Message message) {
  Lock lock(mutex_);
  if (state_ != State::connected) return fail(ErrorCode::unavailable, "not connected to the broker");
  if (Status status = check(message, max_packet_bytes_); !status) return status;
  if (Status status = outbox_.put(std::move(message)); !status) return status;
  send_waiting(lock);
  return {};
}

void PahoTransport::Impl::send_waiting(Lock& lock) {
  if (sending_) return;
  sending_ = true;
  while (PahoConnection* connection = current_) {
    std::optional<Message> message = outbox_.next();
    if (!message) break;
    const size_t bytes = message->payload.size();
    const int qos = message->qos;
    lock.unlock();
    const bool taken = connection->send(std::move(*message));
    lock.lock();
    // Not taken: the connection is about to end, and its end will be told.
    if (!taken && connection == current_) outbox_.finished(bytes, qos);
  }
  sending_ = false;
  changed_.notify_all();
}

Status PahoTransport::Impl::change_subscription(const std::function<void(PahoConnection&)>& change) {
  Lock lock(mutex_);
  if (state_ != State::connected) return fail(ErrorCode::unavailable, "not connected to the broker");
  PahoConnection* const connection = current_;
  ++changing_;
  lock.unlock();
  change(*connection);
  lock.lock();
  --changing_;
  changed_.notify_all();
  return {};
}

bool PahoTransport::Impl::connected() const {
  const std::lock_guard lock(mutex_);
  return state_ == State::connected;
}

void PahoTransport::Impl::on_up(PahoConnection& connection, const BrokerLimits& limits) {
  {
    const std::lock_guard lock(mutex_);
    if (current_ != &connection || state_ != State::connecting) return;
    state_ = State::connected;
    outbox_.reset(limits.receive_maximum);
    max_packet_bytes_ = limits.max_packet_bytes;
  }
  handlers_.on_connected();
}

void PahoTransport::Impl::on_down(PahoConnection& connection, std::string reason) {
  {
    const std::lock_guard lock(mutex_);
    if (current_ != &connection) return;
    if (state_ == State::connecting) ++next_way_;
    current_ = nullptr;
    state_ = State::idle;
    outbox_.reset(1);
    changed_.notify_all();
  }
  handlers_.on_disconnected(std::move(reason));
}

void PahoTransport::Impl::on_arrived(PahoConnection& connection, const paho::message& message) {
  const auto& payload = message.get_payload_ref();
  // Only a broker that ignores the Maximum Packet Size of our CONNECT sends more than that.
  if (payload.size() > options_.max_incoming_bytes) return;
  {
    const std::lock_guard lock(mutex_);
    if (current_ != &connection) return;
  }
  handlers_.on_message(message.get_topic(), {payload.data(), payload.size()}, message.is_retained());
}

void PahoTransport::Impl::on_sent(PahoConnection& connection, size_t bytes, int qos, bool more) {
  Lock lock(mutex_);
  if (current_ != &connection) return;
  outbox_.finished(bytes, qos);
  if (more) send_waiting(lock);
  if (outbox_.empty()) changed_.notify_all();
}

PahoTransport::PahoTransport(Options options, Handlers handlers)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(handlers))) {}

PahoTransport::~PahoTransport() { impl_->disconnect(0); }

void PahoTransport::connect(std::optional<Message> will) { impl_->connect(will); }

void PahoTransport::disconnect(int timeout_ms) { impl_->disconnect(timeout_ms); }

Status PahoTransport::publish(Message message) { return impl_->publish(std::move(message)); }

Status PahoTransport::subscribe(const std::string& filter, int qos) {
  return impl_->change_subscription([&](PahoConnection& connection) { connection.add_subscription(filter, qos); });
}

Status PahoTransport::unsubscribe(const std::string& filter) {
  return impl_->change_subscription([&](PahoConnection& connection) { connection.drop_subscription(filter); });
}

bool PahoTransport::connected() const { return impl_->connected(); }

}  // namespace bramble::mqtt
