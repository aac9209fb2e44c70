// What a step of the reactor wants done, in the order in which the loop does it: first the writes, in one durable
// transaction; only when that succeeded, everything else.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "aggregator/core/api.hpp"
#include "aggregator/core/identities.hpp"
#include "aggregator/core/lines.hpp"
#include "aggregator/core/records.hpp"
#include "aggregator/core/store.hpp"

namespace bramble::aggregator {

struct Publish {
  std::string topic;
  std::string payload;
  int qos = 1;
  bool retained = false;
  uint32_t expiry_s = 0;  // the broker drops what it could not deliver by then; 0: never
};

// --- for the thread that works on files, in order --------------------------------------------------------------------

struct AppendOutput {  // a failure comes back as on_output_failed
  AttemptKey key;
  wire::Stream stream = wire::Stream::stdout_;
  uint64_t offset = 0;
  std::string bytes;
};

// Makes both streams durable; comes back as on_output_sealed, or as on_output_failed where the files have less than
// this: an append before it failed, and what is told of that may cross with a later seal.
struct SealOutput {
  AttemptKey key;
  std::array<uint64_t, 2> size_bytes{};  // stdout, stderr; 0: not in a file
};

struct RemoveOutput {
  AttemptKey key;
};

struct SendBlob {    // publishes at most `chunks` chunks, from offset on
  std::string node;  // empty: to all that read the blob's shared topic
  std::string sha256;
  uint64_t offset = 0;
  uint32_t chunks = 0;
  bool packed = false;  // where that makes them smaller
};

struct RemoveBlob {
  std::string sha256;
  MonoTime known;  // stored again after this: it is somebody's who has not been heard yet, and stays
};

struct ReadForgotten {  // rows of these jobs that are to be removed next; comes back as on_forgotten_rows
  std::vector<JobId> jobs;
};

struct FindExpired {  // the oldest jobs that ended before, or are more than `keep`; comes back as on_expired_jobs
  std::optional<WallTime> ended_before;
  uint64_t keep = 0;  // 0: any number
};

using FileOp = std::variant<AppendOutput, SealOutput, RemoveOutput, SendBlob, RemoveBlob, ReadForgotten, FindExpired>;

struct Reply {
  ReplyHandler handler;
  ApiReply reply;
};

struct LogLine {
  bool warning = false;
  std::string text;
};

// A person's command is run for it.
struct AlertNotice {
  std::string alert;
  std::string node;  // empty: the whole cluster
  bool raised = true;
  double value = 0;
  std::string text;  // a sentence
};

struct Effects {
  std::vector<StoreWrite> writes;
  std::vector<Publish> publish;
  std::vector<FileOp> files;
  std::vector<Reply> replies;
  std::vector<TelemetryRow> telemetry;
  std::vector<LogLine> log;
  std::vector<AlertNotice> alerts;
  std::vector<LineOp>
      lines;  // after the commit, as everything: what is recorded of a press is on disk before it begins
  std::vector<IdentityOp> identities;
  std::optional<std::vector<TokenRecord>> tokens;  // those that open the API from now on
  std::optional<Publish> connect;                  // connect to the broker, with this will

  void info(std::string text) { log.push_back({false, std::move(text)}); }
  void warn(std::string text) { log.push_back({true, std::move(text)}); }
};

}  // namespace bramble::aggregator
