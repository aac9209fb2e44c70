// What the agent's reactor wants done. The adapter carries it out in the order of the members; nothing here is I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/core/config.hpp"
#include "common/base/clock.hpp"
#include "common/wire/messages.hpp"
#include "common/wire/warden_messages.hpp"

namespace bramble::agent {

struct Publish {
  std::string topic;
  std::string payload;
  int qos = 0;
  bool retained = false;
  bool bulk = false;  // on the second connection, so that no beat waits behind a file
};

// On the second connection, with QoS 0, until unsubscribed or until it ends. What comes by it may be lost.
struct Subscription {
  std::string filter;
  bool on = true;
};

// Bytes of a held attempt's output file. Each is answered by on_output_read, before any other event if possible.
struct ReadOutput {
  enum class For { event, want };

  wire::WardenTask task;
  wire::Stream stream = wire::Stream::stdout_;
  uint64_t offset = 0;
  uint64_t max_bytes = 0;
  For purpose = For::event;
  uint64_t number = 0;  // of the event
};

struct BlobWrite {  // append; offset 0 begins the file anew
  std::string sha256;
  uint64_t offset = 0;
  std::string data;
};
struct BlobCheck {  // all bytes were written: answered by on_blob_ready or on_blob_failed
  std::string sha256;
};
struct BlobDrop {  // no held attempt names it any more; it may be half written
  std::string sha256;
};
using BlobEffect = std::variant<BlobWrite, BlobCheck, BlobDrop>;

struct Connect {
  std::string will_topic;
  std::string will_payload;  // retained, QoS 1
};

struct Effects {
  std::optional<Saved> save;     // durably, before anything below: a connection's counter is never used twice
  std::vector<std::string> log;  // one line each, already limited to what is worth saying
  std::vector<BlobEffect> blobs;
  std::vector<wire::WardenRequest> warden;
  std::optional<wire::ControlAction> halt;  // of the machine; answered by on_halt_failed, or by its shutting down
  std::vector<Subscription> subscriptions;
  std::vector<Publish> publish;
  std::vector<ReadOutput> reads;
  bool disconnect = false;  // both connections, in the regular way, after what stands in publish
  std::optional<Connect> connect;
  bool connect_bulk = false;
  bool make_certificate_request = false;                 // answered by on_certificate_request_made
  std::optional<wire::NewCertificate> take_certificate;  // answered by on_certificate_taken
  bool read_sensors = false;                             // answered by on_reading, soon or never: a sensor may hang
  MonoTime wake_at;                                      // on_tick is due then at the latest; set by flush
};

}  // namespace bramble::agent
