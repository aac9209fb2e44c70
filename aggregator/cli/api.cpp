#include "aggregator/cli/api.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "aggregator/cli/views.hpp"
#include "common/posix/digest.hpp"
#include "common/posix/error.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

constexpr int64_t kGatherPollS = 30;
constexpr int kGoesOn = 202;
constexpr int64_t kFirstPollS = 2;  // so soon people are told why nothing comes
constexpr int64_t kSlowAnswerMs = 2'000;
constexpr int64_t kLookAfterMs = 1'000;           // of "come again": most of these pass sooner
constexpr uint64_t kWorthAskingBytes = 64 << 10;  // what is smaller is sent as fast as it is asked for
constexpr uint64_t kDigestStepBytes = 1 << 20;

tl::unexpected<Error> not_understood() {
  return fail(ErrorCode::corrupt, "the aggregator's answer is not understood: are it and this command of one version?");
}

ErrorCode code_of(int http_status) {
  switch (http_status) {
    case 400:
      return ErrorCode::invalid;
    case 401:
    case 403:
      return ErrorCode::denied;
    case 404:
      return ErrorCode::not_found;
    case 409:
      return ErrorCode::conflict;
    case 413:
    case 422:
      return ErrorCode::limit;
    case 503:
      return ErrorCode::unavailable;
    default:
      return ErrorCode::io;
  }
}

tl::unexpected<Error> to_error(const HttpReply& reply) {
  const json body = json::parse(reply.body, nullptr, false);
  std::string message = text_field(body, "error");
  if (message.empty()) message = fmt::format("the aggregator answered with HTTP status {}", reply.status);
  if (reply.status == 401) message += " (--token-file, BRAMBLE_TOKEN_FILE or BRAMBLE_TOKEN give a token)";
  return fail(code_of(reply.status), std::move(message));
}

Result<json> to_json(const Result<HttpReply>& reply) {
  if (!reply) return tl::unexpected(reply.error());
  if (reply->status >= 300) return to_error(*reply);
  json body = json::parse(reply->body, nullptr, false);
  if (body.is_discarded()) return not_understood();
  return body;
}

uint64_t header_number(const HttpReply& reply, const char* name) {
  const auto found = reply.headers.find(name);
  uint64_t number = 0;
  if (found != reply.headers.end()) {
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), number);
  }
  return number;
}

Result<wire::BlobRef> to_blob(const Result<HttpReply>& reply) {
  const auto body = to_json(reply);
  if (!body) return tl::unexpected(body.error());
  wire::BlobRef blob;
  blob.sha256 = text_field(*body, "blob");
  blob.size_bytes = static_cast<uint64_t>(number_field(*body, "size_bytes"));
  if (!is_sha256(blob.sha256)) return not_understood();
  return blob;
}

Result<std::string> read_at(int fd, uint64_t offset, size_t size) {
  std::string bytes(size, '\0');
  const ssize_t got = ::pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
  if (got < 0) return fail(ErrorCode::io, "cannot read the input: " + posix::errno_text(errno));
  if (got == 0) return fail(ErrorCode::io, "the input became shorter while it was read");
  bytes.resize(static_cast<size_t>(got));
  return bytes;
}

Result<std::string> digest_of(int fd, uint64_t size) {
  posix::Sha256 digest;
  for (uint64_t offset = 0; offset < size;) {
    const auto bytes = read_at(fd, offset, static_cast<size_t>(std::min(size - offset, kDigestStepBytes)));
    if (!bytes) return bytes;
    digest.update(*bytes);
    offset += bytes->size();
  }
  return digest.hex();
}

// True: the head has no room. What cannot be asked now holds up this command, too, and is told in another way.
bool tell_hold_ups(HttpClient& client, Reconnect& reconnect) {
  const auto health = to_json(client.get("/api/v1/health", 0));
  if (!health || !health->is_object()) return false;
  reconnect.say_hold_ups(hold_ups_in(*health));
  return has_no_room(*health);
}

// While it lives somebody waits for an answer that should come at once: people are told why it does not, over another
// connection.
class SlowAnswer {
 public:
  SlowAnswer(const Endpoint& endpoint, Reconnect& reconnect)
      : watcher_([this, &endpoint, &reconnect] {
          std::unique_lock lock(mutex_);
          if (changed_.wait_for(lock, std::chrono::milliseconds(kSlowAnswerMs), [this] { return came_; })) return;
          lock.unlock();
          HttpClient client(endpoint);
          tell_hold_ups(client, reconnect);
        }) {}
  ~SlowAnswer() {
    {
      const std::lock_guard lock(mutex_);
      came_ = true;
    }
    changed_.notify_one();
    watcher_.join();
  }
  SlowAnswer(const SlowAnswer&) = delete;
  SlowAnswer& operator=(const SlowAnswer&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool came_ = false;
  std::thread watcher_;  // last: it uses the others
};

void pause_ms(int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

}  // namespace

Result<HttpReply> Api::send_until_answered(const Send& send) {
  const MonoTime began = posix::mono_now();
  MonoTime since = began;  // patience is for what passes by itself; room is made by people
  while (true) {
    auto reply = send();
    if (!reply && reply.error().code != ErrorCode::unavailable) return reply;
    std::optional<int64_t> wait_ms;
    if (!reply) {
      wait_ms = reconnect_.lost(posix::mono_now());
    } else {
      reconnect_.reached();
      if (reply->status != 503) return reply;
      const MonoTime now = posix::mono_now();
      wait_ms = reconnect_.busy(since, now);
      const bool look = !wait_ms || now - began >= kLookAfterMs;
      if (look && tell_hold_ups(client_, reconnect_) && reconnect_.waits_for_room())
        wait_ms = reconnect_.busy(since = now, now);
    }
    if (!wait_ms) return reply;
    pause_ms(*wait_ms);
  }
}

// The first poll after news is short: what follows it is told soon, and who waits for long asks seldom.
int64_t Api::poll_s(int64_t wait_s) const { return quiet_ ? wait_s : std::min(wait_s, kFirstPollS); }

void Api::polled(bool news) {
  quiet_ = !news;
  if (quiet_ && reconnect_.look_due(posix::mono_now())) tell_hold_ups(client_, reconnect_);
}

Result<json> Api::get(const std::string& path, int64_t wait_s) {
  return to_json(send_until_answered([&] { return client_.get(path, wait_s); }));
}

Result<json> Api::post(const std::string& path, const json& body) {
  std::string text;
  try {
    text = body.dump();
  } catch (const json::exception&) {
    return fail("a word of the command or an option is not valid UTF-8: the API takes only such text");
  }
  const SlowAnswer slow(endpoint_, reconnect_);
  return to_json(send_until_answered([&] { return client_.post(path, text, "application/json"); }));
}

Result<Submitted> Api::submit(const json& body) {
  const auto reply = post("/api/v1/jobs", body);
  if (!reply) return tl::unexpected(reply.error());
  const int64_t job = number_field(*reply, "job");
  if (job <= 0) return not_understood();
  return Submitted{static_cast<JobId>(job), text_field(*reply, "note")};
}

Result<JobView> Api::watch(JobId job, uint64_t since, int64_t wait_s) {
  const int64_t poll = poll_s(wait_s);
  const auto reply = get(fmt::format("/api/v1/jobs/{}/watch?since={}&wait_s={}", job, since, poll), poll);
  if (!reply) return tl::unexpected(reply.error());
  JobView view;
  view.version = static_cast<uint64_t>(number_field(*reply, "version"));
  view.state = text_field(*reply, "state");
  view.counts = counts_field(*reply);
  if (reply->contains("eta_ms") && (*reply)["eta_ms"].is_number()) view.eta_ms = number_field(*reply, "eta_ms");
  if (view.state.empty()) return not_understood();
  if (wait_s > 0) polled(view.version > since);
  return view;
}

Result<OutputPart> Api::output(const OutputQuestion& question) {
  const int64_t poll = poll_s(question.wait_s);
  std::string path =
      fmt::format("/api/v1/jobs/{}/tasks/{}/output/{}?offset={}&wait_s={}", question.task.job, question.task.task,
                  question.stream == wire::Stream::stdout_ ? "stdout" : "stderr", question.offset, poll);
  if (question.attempt > 0) path += fmt::format("&attempt={}", question.attempt);
  if (question.only_final) path += "&final=1";
  if (question.limit > 0) path += fmt::format("&limit={}", question.limit);
  auto reply = send_until_answered([&] { return client_.get(path, poll); });
  if (!reply) return tl::unexpected(reply.error());
  if (reply->status >= 300) return to_error(*reply);
  OutputPart part;
  part.attempt = static_cast<uint32_t>(header_number(*reply, "x-bramble-attempt"));
  part.offset = header_number(*reply, "x-bramble-offset");
  part.size_bytes = header_number(*reply, "x-bramble-size");
  part.final = header_number(*reply, "x-bramble-final") == 1;
  part.dropped_bytes = header_number(*reply, "x-bramble-dropped");
  part.data = std::move(reply->body);
  if (question.wait_s > 0) polled(part.final || !part.data.empty());
  return part;
}

Result<wire::BlobRef> Api::put_blob(std::string_view bytes) {
  const std::string body(bytes);
  return to_blob(send_until_answered([&] { return client_.post("/api/v1/blobs", body, "application/octet-stream"); }));
}

Result<wire::BlobRef> Api::put_blob_file(int fd, uint64_t size) {
  if (size == 0) return put_blob("");
  const auto source = [fd](uint64_t offset, size_t step) { return read_at(fd, offset, step); };
  return to_blob(send_until_answered([&] { return client_.post("/api/v1/blobs", size, source); }));
}

Result<wire::BlobRef> Api::offer(const wire::BlobRef& blob, const std::function<Result<wire::BlobRef>()>& put) {
  const auto kept = post("/api/v1/blobs/keep", {{"blob", blob.sha256}, {"size_bytes", blob.size_bytes}});
  if (kept) return blob;
  if (kept.error().code == ErrorCode::unavailable) return tl::unexpected(kept.error());
  return put();  // it is not there, or nobody there understands the question
}

Result<wire::BlobRef> Api::offer_blob(std::string_view bytes) {
  if (bytes.size() < kWorthAskingBytes) return put_blob(bytes);
  return offer({posix::sha256_hex(bytes), bytes.size()}, [&] { return put_blob(bytes); });
}

Result<wire::BlobRef> Api::offer_blob_file(int fd, uint64_t size) {
  if (size < kWorthAskingBytes) return put_blob_file(fd, size);
  const auto name = digest_of(fd, size);
  if (!name) return tl::unexpected(name.error());
  return offer({*name, size}, [&] { return put_blob_file(fd, size); });
}

Result<wire::BlobRef> Api::keep_blob(const std::string& sha256) {
  const std::string question = json{{"blob", sha256}}.dump();
  return to_blob(send_until_answered([&] { return client_.post("/api/v1/blobs/keep", question, "application/json"); }));
}

Result<std::optional<wire::BlobRef>> Api::gather(JobId job, const std::vector<OutputSlice>& parts) {
  json list = json::array();
  for (const OutputSlice& part : parts) list.push_back({part.task, part.offset, part.size_bytes});
  const std::string body = json{{"job", job}, {"parts", std::move(list)}}.dump();
  const std::string path = fmt::format("/api/v1/blobs/gather?wait_s={}", kGatherPollS);
  const auto reply = send_until_answered([&] { return client_.post(path, body, "application/json"); });
  if (reply && reply->status == kGoesOn) return std::nullopt;
  const auto blob = to_blob(reply);
  if (!blob) return tl::unexpected(blob.error());
  return std::optional(*blob);
}

Status Api::append(JobId job, TaskIndex first, const std::vector<wire::BlobRef>& inputs) {
  json tasks = json::array();
  for (const wire::BlobRef& blob : inputs) {
    tasks.push_back({{"stdin", {{"blob", blob.sha256}, {"size_bytes", blob.size_bytes}}}});
  }
  const auto reply = post(fmt::format("/api/v1/jobs/{}/tasks", job), {{"first", first}, {"tasks", std::move(tasks)}});
  if (!reply) return tl::unexpected(reply.error());
  return {};
}

Status Api::close(JobId job) {
  const auto reply = post(fmt::format("/api/v1/jobs/{}/close", job), json::object());
  if (!reply) return tl::unexpected(reply.error());
  return {};
}

Status Api::keep_checkpoint(JobId job, const wire::BlobRef& blob) {
  const auto reply =
      post(fmt::format("/api/v1/jobs/{}/checkpoint", job), {{"blob", blob.sha256}, {"size_bytes", blob.size_bytes}});
  if (!reply) return tl::unexpected(reply.error());
  return {};
}

Result<HttpReply> Api::checkpoint_part(JobId job, uint64_t offset) {
  const std::string path = fmt::format("/api/v1/jobs/{}/checkpoint?offset={}", job, offset);
  auto reply = send_until_answered([&] { return client_.get(path, 0); });
  if (reply && reply->status >= 300) return to_error(*reply);
  return reply;
}

// Where another one took its place between two parts, what was read is of no use.
Result<std::string> Api::checkpoint(JobId job, size_t max_bytes) {
  std::string bytes, blob;
  while (true) {
    auto part = checkpoint_part(job, bytes.size());
    if (!part) return tl::unexpected(part.error());
    const std::string& now = part->headers["x-bramble-blob"];
    if (!bytes.empty() && now != blob) {
      bytes.clear();
      continue;
    }
    blob = now;
    bytes += part->body;
    const uint64_t size = header_number(*part, "x-bramble-size");
    if (size > max_bytes) return fail(ErrorCode::limit, fmt::format("the checkpoint has {} bytes: too many", size));
    if (bytes.size() == size && posix::sha256_hex(bytes) == blob) return bytes;
    if (bytes.size() >= size || part->body.empty()) {
      return fail(ErrorCode::corrupt, fmt::format("the checkpoint of job {} is damaged", job));
    }
  }
}

Status Api::cancel(JobId job) {
  const auto reply = post("/api/v1/jobs/cancel", {{"jobs", std::to_string(job)}});
  if (!reply) return tl::unexpected(reply.error());
  return {};
}

}  // namespace bramble::cli
