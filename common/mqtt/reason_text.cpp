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

}  // namespace

std::string reason_text(int reason_code) {
  const auto* found = std::ranges::find(reasons, reason_code, &Reason::code);
  return found == reasons.end() ? "reason code " + std::to_string(reason_code) : found->text;
}

}  // namespace bramble::mqtt
