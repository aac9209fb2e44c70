#include "common/mqtt/paho_connection.hpp"

#include "common/mqtt/reason_text.hpp"
#include "common/mqtt/tls_probe.hpp"

#ifdef __SANITIZE_THREAD__
// Exempts the one function that needs it; see there.
// NOLINTBEGIN(bugprone-reserved-identifier): the sanitizer's name
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() { return "race:hand_over_to_paho"; }
// NOLINTEND(bugprone-reserved-identifier)
#endif

namespace bramble::mqtt {
namespace {

// Of the second look at why a connection failed, which a broker on a busy machine must have the time for.
constexpr int probe_limit_ms = 1000;
constexpr int tls_limit_ms = 3000;
constexpr int first_error_code = 0x80;  // MQTT 5 reason codes from here on are refusals

// Paho hands one pointer through to the end of a sending: size and QoS of the message fit into it.
void* pack_context(size_t bytes, int qos) { return reinterpret_cast<void*>(bytes << 1 | static_cast<size_t>(qos)); }

size_t context_bytes(const paho::token& token) { return reinterpret_cast<size_t>(token.get_user_context()) >> 1; }
int context_qos(const paho::token& token) {
  return static_cast<int>(reinterpret_cast<size_t>(token.get_user_context()) & 1);
}

paho::create_options create_options() {
  paho::create_options options(MQTTVERSION_5);
  options.set_max_buffered_messages(65535);  // the outbox is the limit
  return options;
}

paho::message to_paho(Message message) {
  paho::properties properties;
  if (message.expiry_s > 0) {
    properties.add({paho::property::MESSAGE_EXPIRY_INTERVAL, static_cast<int32_t>(message.expiry_s)});
  }
  return {std::move(message.topic), std::move(message.payload), message.qos, message.retained, properties};
}

// Without an error handler: paho C++ 1.2 gives paho C a pointer into options that are gone by then.
paho::ssl_options to_paho(const TlsFiles& files) {
  paho::ssl_options ssl;
  if (!files.ca_file.empty()) ssl.set_trust_store(files.ca_file);
  if (!files.certificate_file.empty()) ssl.set_key_store(files.certificate_file);
  if (!files.key_file.empty()) ssl.set_private_key(files.key_file);
  ssl.set_enable_server_cert_auth(true);
  ssl.set_verify(files.verify_host);
  return ssl;
}

BrokerLimits limits_of(const paho::properties& connack) {
  BrokerLimits limits;
  if (connack.contains(paho::property::RECEIVE_MAXIMUM)) {
    limits.receive_maximum = paho::get<uint16_t>(connack, paho::property::RECEIVE_MAXIMUM);
  }
  if (connack.contains(paho::property::MAXIMUM_PACKET_SIZE)) {
    limits.max_packet_bytes = paho::get<uint32_t>(connack, paho::property::MAXIMUM_PACKET_SIZE);
  }
  return limits;
}

// Paho and we both hold the message and its token, and whoever is last frees them. Paho counts the references in code
// that ThreadSanitizer does not see, so that it takes the freeing, by either thread, for a race with the other's last
// look.
void hand_over_to_paho(paho::async_client& client, paho::message message, void* context,
                       paho::iaction_listener& listener) {
  client.publish(std::make_shared<const paho::message>(std::move(message)), context, listener);
}

// The same of the token. As a list of one, and without subscribe options: paho C++ 1.2 crashes when some are given.
void hand_over_to_paho(paho::async_client& client, const std::string& filter, int qos,
                       paho::iaction_listener& listener) {
  client.subscribe(paho::string_collection::create({filter}), {qos}, nullptr, listener);
}

void hand_over_to_paho(paho::async_client& client, const std::string& filter, paho::iaction_listener& listener) {
  client.unsubscribe(filter, nullptr, listener);
}

}  // namespace

PahoConnection::PahoConnection(const Options& options, BrokerAddress address, ConnectionOwner& owner)
    : options_(options),
      address_(std::move(address)),
      owner_(owner),
      connect_listener_([this](const auto& token) { connected(token); },
                        [this](const auto& token) { connect_failed(token); }),
      subscribe_listener_(
          [this](const auto& token) { subscribed(token); },
          [this](const auto& token) { subscribe_failed(reason_text(static_cast<int>(token.get_reason_code()))); }),
      send_listener_(
          [this](const auto& token) { owner_.on_sent(*this, context_bytes(token), context_qos(token), true); },
          [this](const auto& token) {
            const bool more = token.get_return_code() != MQTTASYNC_OPERATION_INCOMPLETE;  // else the connection ends
            owner_.on_sent(*this, context_bytes(token), context_qos(token), more);
          }),
      change_listener_([](const auto&) {}, [](const auto&) {}),
      client_((address_.tls ? "ssl://" : "tcp://") + to_string(address_), options.client_id, create_options()) {
  set_handlers();
}

// Not set_callback() nor a connected handler: with these paho C++ 1.2 reports the end of the connect twice.
void PahoConnection::set_handlers() {
  client_.set_connection_lost_handler(
      [this](const std::string&) { owner_.on_down(*this, "the connection to " + broker() + " is lost"); });
  // After the broker's own DISCONNECT paho C 1.3.12 does not report the connection as lost.
  client_.set_disconnected_handler([this](const paho::properties&, paho::ReasonCode reason) {
    owner_.on_down(*this, broker() + " ended the connection: " + reason_text(static_cast<int>(reason)));
  });
  client_.set_message_callback([this](const paho::const_message_ptr& message) {
    if (message) owner_.on_arrived(*this, *message);
  });
}

void PahoConnection::start(const std::optional<Message>& will) {
  started_ = std::chrono::steady_clock::now();
  client_.connect(connect_options(will), nullptr, connect_listener_);
}

paho::connect_options PahoConnection::connect_options(const std::optional<Message>& will) const {
  paho::connect_options connect;
  connect.set_mqtt_version(MQTTVERSION_5);
  connect.set_clean_start(true);
  connect.set_automatic_reconnect(false);
  connect.set_keep_alive_interval(options_.keep_alive_s);
  connect.set_connect_timeout(options_.connect_timeout_s);
  connect.set_max_inflight(65535);
  if (!options_.username.empty()) connect.set_user_name(options_.username);
  if (!options_.password.empty()) connect.set_password(options_.password);
  if (will) connect.set_will_message(to_paho(*will));
  if (address_.tls) connect.set_ssl(to_paho(options_.tls));
  // On the final object: the builder's properties crash in paho C++ 1.2.
  paho::properties properties;
  properties.add({paho::property::MAXIMUM_PACKET_SIZE, static_cast<int32_t>(options_.max_incoming_bytes)});
  connect.set_properties(std::move(properties));
  return connect;
}

void PahoConnection::connected(const paho::token& token) {
  send_small_packets_at_once(address_.port);
  limits_ = limits_of(token.get_connect_response().get_properties());
  if (options_.subscriptions.empty()) {
    owner_.on_up(*this, limits_);
  } else {
    subscribe();
  }
}

// Paho tells neither the errno nor, in 1.2, its own words.
void PahoConnection::connect_failed(const paho::token& token) {
  const int code = token.get_return_code();
  if (code > 0) {
    owner_.on_down(*this, broker() + " refuses the connection: " + reason_text(code));
  } else if (std::chrono::steady_clock::now() - started_ >= std::chrono::seconds(options_.connect_timeout_s)) {
    owner_.on_down(
        *this, "cannot reach " + broker() + ": no answer within " + std::to_string(options_.connect_timeout_s) + " s");
  } else {
    const std::string why = why_unreachable(address_, probe_limit_ms);
    const std::string tls = address_.tls && why == kEndedAtOnce ? why_no_tls(address_, options_.tls, tls_limit_ms) : "";
    owner_.on_down(*this,
                   tls.empty() ? "cannot reach " + broker() + ": " + why : "no TLS with " + broker() + ": " + tls);
  }
}

void PahoConnection::subscribe() {
  auto filters = std::make_shared<paho::string_collection>();
  paho::iasync_client::qos_collection qos;
  for (const auto* const list : {&options_.subscriptions, &options_.wishes}) {
    for (const auto& [filter, filter_qos] : *list) {
      filters->push_back(filter);
      qos.push_back(filter_qos);
    }
  }
  try {
    // Without subscribe options: paho C++ 1.2 crashes when a list of them is given.
    client_.subscribe(filters, qos, nullptr, subscribe_listener_);
  } catch (const paho::exception& error) {
    subscribe_failed(error.what());
  }
}

void PahoConnection::subscribed(const paho::token& token) {
  // Asking for the response throws when the first filter of several is refused.
  if (const int code = static_cast<int>(token.get_reason_code()); code >= first_error_code) {
    return subscribe_failed("'" + options_.subscriptions[0].first + "': " + reason_text(code));
  }
  const auto codes = token.get_subscribe_response().get_reason_codes();
  for (size_t i = 0; i < codes.size() && i < options_.subscriptions.size(); ++i) {
    const int code = static_cast<int>(codes[i]);
    if (code < first_error_code) continue;
    return subscribe_failed("'" + options_.subscriptions[i].first + "': " + reason_text(code));
  }
  owner_.on_up(*this, limits_);
}

void PahoConnection::subscribe_failed(const std::string& why) {
  owner_.on_down(*this, broker() + " refuses a subscription: " + why);
  try {
    client_.disconnect();
  } catch (const paho::exception&) {  // not connected any more: nothing is left to end
  }
}

bool PahoConnection::send(Message message) {
  const size_t bytes = message.payload.size();
  const int qos = message.qos;
  try {
    hand_over_to_paho(client_, to_paho(std::move(message)), pack_context(bytes, qos), send_listener_);
    return true;
  } catch (const paho::exception&) {
    return false;
  }
}

void PahoConnection::add_subscription(const std::string& filter, int qos) {
  try {
    hand_over_to_paho(client_, filter, qos, change_listener_);
  } catch (const paho::exception&) {  // the connection ends, which will be told
  }
}

void PahoConnection::drop_subscription(const std::string& filter) {
  try {
    hand_over_to_paho(client_, filter, change_listener_);
  } catch (const paho::exception&) {  // the same
  }
}

}  // namespace bramble::mqtt
