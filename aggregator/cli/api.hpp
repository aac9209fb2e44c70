// The aggregator's API (aggregator/http/README.md) as calls. Each repeats its request while the aggregator is away, as
// Reconnect allows; every request is one that may be said twice. While nothing comes, people are told what holds up
// everybody (no room on the head), if anything does.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/cli/http_client.hpp"
#include "aggregator/cli/progress.hpp"
#include "aggregator/cli/reconnect.hpp"
#include "common/base/ids.hpp"
#include "common/wire/messages.hpp"

namespace bramble::cli {

struct JobView {  // what a watch tells
  uint64_t version = 0;
  std::string state;
  ProgressCounts counts;
  std::optional<int64_t> eta_ms;

  bool ended() const { return state == "succeeded" || state == "failed" || state == "cancelled"; }
};

struct Submitted {
  JobId job = 0;
  std::string note;  // what the submitter should know, if anything
};

// How long a question for output waits for more of it, and how long where the failure of another task is to be noticed.
inline constexpr int64_t kOutputWaitS = 30;
inline constexpr int64_t kOutputLookS = 2;

struct OutputQuestion {
  TaskKey task;
  wire::Stream stream = wire::Stream::stdout_;
  uint32_t attempt = 0;  // the one that offset counts in; 0: whatever there is
  uint64_t offset = 0;
  bool only_final = false;
  int64_t wait_s = 0;
  uint64_t limit = 0;  // bytes of data; 0: as many as fit in a reply
};

struct OutputPart {
  uint32_t attempt = 0;  // 0: none yet
  uint64_t offset = 0;   // of the first byte of data; 0 again where the attempt is another one
  uint64_t size_bytes = 0;
  bool final = false;
  uint64_t dropped_bytes = 0;  // of the whole output, where it is final: never kept, above its limit
  std::string data;

  bool complete() const { return final && offset + data.size() >= size_bytes; }
};

struct OutputSlice {
  TaskIndex task = 0;
  uint64_t offset = 0;
  uint64_t size_bytes = 0;
};

// One connection; one thread at a time.
class Api {
 public:
  Api(const Endpoint& endpoint, Reconnect& reconnect) : endpoint_(endpoint), client_(endpoint), reconnect_(reconnect) {}

  Result<nlohmann::json> get(const std::string& path, int64_t wait_s = 0);
  Result<nlohmann::json> post(const std::string& path, const nlohmann::json& body);

  Result<Submitted> submit(const nlohmann::json& body);
  Result<JobView> watch(JobId job, uint64_t since, int64_t wait_s);
  Result<OutputPart> output(const OutputQuestion& question);
  Result<wire::BlobRef> put_blob(std::string_view bytes);
  Result<wire::BlobRef> put_blob_file(int fd, uint64_t size);  // a regular file, from its begin
  // The same of what may have been put before: only what the aggregator does not have is sent.
  Result<wire::BlobRef> offer_blob(std::string_view bytes);
  Result<wire::BlobRef> offer_blob_file(int fd, uint64_t size);
  // One that was put before, by its name alone; ErrorCode::conflict where it is not there.
  Result<wire::BlobRef> keep_blob(const std::string& sha256);
  // A blob of parts of the standard outputs of the job's tasks, made at the aggregator. Nothing: that goes on, ask
  // again.
  Result<std::optional<wire::BlobRef>> gather(JobId job, const std::vector<OutputSlice>& parts);
  Status append(JobId job, TaskIndex first, const std::vector<wire::BlobRef>& inputs);
  Status close(JobId job);
  // A blob that was put takes the place of the job's checkpoint.
  Status keep_checkpoint(JobId job, const wire::BlobRef& blob);
  Result<std::string> checkpoint(JobId job, size_t max_bytes);
  Status cancel(JobId job);

 private:
  using Send = std::function<Result<HttpReply>()>;
  Result<HttpReply> send_until_answered(const Send& send);
  int64_t poll_s(int64_t wait_s) const;
  void polled(bool news);
  Result<wire::BlobRef> offer(const wire::BlobRef& blob, const std::function<Result<wire::BlobRef>()>& put);
  Result<HttpReply> checkpoint_part(JobId job, uint64_t offset);

  Endpoint endpoint_;
  HttpClient client_;
  Reconnect& reconnect_;
  bool quiet_ = false;  // the last long poll brought nothing
};

// What the fields of a JSON object say, or a fallback where they are absent, null, or of another type.
std::string text_field(const nlohmann::json& object, const char* name);
int64_t number_field(const nlohmann::json& object, const char* name, int64_t fallback = 0);
bool flag_field(const nlohmann::json& object, const char* name);
std::vector<std::string> texts_in(const nlohmann::json& list);  // those of its values that are texts
ProgressCounts counts_field(const nlohmann::json& job);         // of its "tasks" and "open"

// A text as part of a query string.
std::string url_encoded(std::string_view text);

}  // namespace bramble::cli
