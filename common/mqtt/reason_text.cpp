#include "common/mqtt/reason_text.hpp"

#include <algorithm>
#include <array>

namespace bramble::mqtt {
namespace {

struct Reason {
  int code;
  const char* text;
};

constexpr std::array reasons{
    Reason{0x01, "it does not speak MQTT 5: Mosquitto does from version 1.6 on"},
    Reason{0x04, "it was asked to send the will"},
    Reason{0x80, "unspecified error"},
    Reason{0x81, "malformed packet"},
    Reason{0x82, "protocol error"},
    Reason{0x83, "implementation specific error"},
    Reason{0x84, "it does not speak MQTT 5: Mosquitto does from version 1.6 on"},
    Reason{0x85, "client identifier not valid"},
    Reason{0x86, "bad user name or password"},
    Reason{0x87, "not authorized: check the user name, the password and the broker's access rules"},
    Reason{0x88, "server unavailable"},
    Reason{0x89, "server busy"},
    Reason{0x8A, "banned"},
    Reason{0x8B, "server shutting down"},
    Reason{0x8D, "keep alive timeout: nothing was heard of us for too long"},
    Reason{0x8E, "another connection with the same client identifier took over"},
    Reason{0x8F, "topic filter invalid"},
    Reason{0x90, "topic name invalid"},
    Reason{0x93, "more unacknowledged messages than its Receive Maximum"},
    Reason{0x94, "topic alias invalid"},
    Reason{0x95, "packet too large: raise the broker's max_packet_size"},
    Reason{0x96, "message rate too high"},
    Reason{0x97, "quota exceeded"},
    Reason{0x98, "administrative action"},
    Reason{0x99, "payload format invalid"},
    Reason{0x9A, "retained messages are not supported: set retain_available true at the broker"},
    Reason{0x9B, "QoS not supported: set max_qos 2 at the broker"},
    Reason{0x9C, "use another server"},
    Reason{0x9D, "server moved"},
    Reason{0x9F, "connection rate exceeded"},
    Reason{0xA0, "maximum connect time"},
    Reason{0xA2, "wildcard subscriptions not supported"},
};

// OpenSSL's words, some of which stand in others, and ours.
struct TlsReason {
  std::string_view words;
  const char* text;
};

constexpr std::array tls_reasons{
    TlsReason{
        "certificate verify failed",
        "its certificate is not from the authority that this machine trusts, is for another name, or is not valid "
        "by this machine's clock"},
    TlsReason{"alert certificate revoked",
              "it has revoked our certificate: on the head, 'bramble node add' makes a new one"},
    TlsReason{
        "alert certificate expired",
        "our certificate has ended, or its clock is wrong: on the head, 'bramble node add --replace' makes a new one"},
    TlsReason{"alert unknown ca",
              "our certificate is not from the authority that it trusts: we were joined to another cluster"},
    TlsReason{"alert certificate unknown", "it does not take our certificate"},
    TlsReason{"alert bad certificate", "it does not take our certificate"},
    TlsReason{"alert certificate required", "it asks for a certificate, and we have none: join this node"},
    TlsReason{"alert handshake failure",
              "it asks for a certificate that we do not have, or we have no cipher in common"},
    TlsReason{"wrong version number", "it does not speak TLS on that port"},
    TlsReason{"No such file", "a certificate or key file is missing"},
    TlsReason{"Permission denied", "a certificate or key file cannot be read by this user"},
    TlsReason{"key values mismatch", "our key does not belong to our certificate"},
};

}  // namespace

std::string tls_reason(std::string_view openssl_words) {
  for (const auto& [words, text] : tls_reasons) {
    if (openssl_words.find(words) != std::string_view::npos) return text;
  }
  while (!openssl_words.empty() && openssl_words.back() == '\n') openssl_words.remove_suffix(1);
  return std::string(openssl_words);
}

std::string reason_text(int reason_code) {
  const auto* found = std::ranges::find(reasons, reason_code, &Reason::code);
  return found == reasons.end() ? "reason code " + std::to_string(reason_code) : found->text;
}

}  // namespace bramble::mqtt
