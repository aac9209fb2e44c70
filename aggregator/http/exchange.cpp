#include "aggregator/http/exchange.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "common/base/utf8.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::aggregator::http {
namespace {

// A request that is refused by its headers has its body read and thrown away up to here, so that the sender, who reads
// only when it has sent everything, gets the reply.
constexpr uint64_t kMaxDrainedBytes = 64 << 20;

constexpr size_t kMaxShownBytes = 200;

std::string_view as_view(const char* data, size_t size) { return data == nullptr ? "" : std::string_view(data, size); }

MHD_Result collect_param(void* params, MHD_ValueKind, const char* key, size_t key_size, const char* value,
                         size_t value_size) {
  auto& list = *static_cast<std::vector<std::pair<std::string, std::string>>*>(params);
  list.emplace_back(as_view(key, key_size), as_view(value, value_size));
  return MHD_YES;
}

void free_body(void* body) { delete static_cast<std::string*>(body); }

struct DestroyResponse {
  void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
};

std::unique_ptr<MHD_Response, DestroyResponse> to_response(HttpReply reply) {
  auto body = std::make_unique<std::string>(std::move(reply.body));
  std::unique_ptr<MHD_Response, DestroyResponse> response(
      MHD_create_response_from_buffer_with_free_callback_cls(body->size(), body->data(), free_body, body.get()));
  if (!response) return response;
  body.release();  // free_body's now
  MHD_add_response_header(response.get(), "Content-Type", reply.content_type.c_str());
  MHD_add_response_header(response.get(), "Cache-Control", "no-store");
  MHD_add_response_header(response.get(), "X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : reply.headers) MHD_add_response_header(response.get(), name.c_str(), value.c_str());
  return response;
}

HttpReply stopping_reply() { return error_reply(503, "the aggregator is stopping: try again"); }

}  // namespace

void Exchanges::opened() {
  const std::lock_guard lock(mutex_);
  ++open_;
}

void Exchanges::closed() {
  const std::lock_guard lock(mutex_);
  --open_;
  changed_.notify_all();
}

bool Exchanges::add_suspended(const std::shared_ptr<Exchange>& exchange) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return false;
  suspended_.insert(exchange);
  return true;
}

void Exchanges::remove_suspended(const std::shared_ptr<Exchange>& exchange) {
  const std::lock_guard lock(mutex_);
  suspended_.erase(exchange);
}

void Exchanges::stop() {
  std::set<std::shared_ptr<Exchange>> waiting;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    waiting = suspended_;
  }
  for (const auto& exchange : waiting) exchange->answer(stopping_reply());
}

void Exchanges::wait_until_closed(int64_t limit_ms) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(limit_ms), [this] { return open_ == 0; });
}

Exchange::Exchange(MHD_Connection* connection, ListenerContext& context, std::string_view method, std::string_view path)
    : connection_(connection), context_(context), bodies_bytes_(context.bodies_bytes) {
  request_.method = method;
  request_.path = path;
  asked_.what = to_utf8(request_.method + " " + request_.path, kMaxShownBytes);
  context.exchanges.opened();
}

Exchange::~Exchange() { release_body(); }

std::optional<std::string> Exchange::optional_header(const char* name) const {
  const char* value = nullptr;
  size_t size = 0;
  const std::string_view key = name;
  if (MHD_lookup_connection_value_n(connection_, MHD_HEADER_KIND, key.data(), key.size(), &value, &size) != MHD_YES) {
    return std::nullopt;
  }
  return std::string(as_view(value, size));
}

std::string Exchange::header(const char* name) const { return optional_header(name).value_or(""); }

std::optional<HttpReply> Exchange::refusal() {
  const auto* info = MHD_get_connection_info(connection_, MHD_CONNECTION_INFO_CONNECTION_FD);
  if (info == nullptr) return error_reply(500, "the connection has no socket");
  asked_.from = peer_address(info->connect_fd);
  const auto found = find_route(request_.method, request_.path);
  const auto* route = std::get_if<Route>(&found);
  const auto who = context_.door(info->connect_fd,
                                 {optional_header("Host"), optional_header("Origin"), optional_header("Authorization")},
                                 route == nullptr ? Role::viewer : role_for(route->endpoint));
  if (const auto* refused = std::get_if<Refusal>(&who)) {
    asked_.who = refused->who;
    HttpReply reply = error_reply(refused->http_status, refused->sentence);
    if (reply.status == 401) reply.headers.emplace_back("WWW-Authenticate", "Bearer");
    return reply;
  }
  request_.caller = std::get<Caller>(who);
  asked_.who = request_.caller.user;
  if (const auto* none = std::get_if<NoRoute>(&found)) {
    HttpReply reply = error_reply(none->http_status, none->sentence);
    if (!none->allow.empty()) reply.headers.emplace_back("Allow", none->allow);
    return reply;
  }
  route_ = *route;
  MHD_get_connection_values_n(connection_, MHD_GET_ARGUMENT_KIND, collect_param, &request_.params);
  return prepare_body();
}

std::optional<HttpReply> Exchange::prepare_body() {
  if (route_.endpoint != Endpoint::upload_blob) return std::nullopt;
  Slot slot = context_.service->take_upload_slot();
  if (!slot) return error_reply(503, "too many uploads at once: try again");
  upload_ = std::make_unique<Upload>(*context_.service, std::move(slot));
  return std::nullopt;
}

MHD_Result Exchange::begin() {
  auto refused = refusal();
  const std::string length = header("Content-Length");
  uint64_t body_bytes = 0;
  std::from_chars(length.data(), length.data() + length.size(), body_bytes);
  if (!refused && !upload_ && body_bytes > context_.limits.max_body_bytes) {
    refused = error_reply(413, "the body has " + length + " bytes; at most " +
                                   std::to_string(context_.limits.max_body_bytes) + " are allowed");
  }
  if (!refused) return MHD_YES;
  refused_ = true;
  const std::lock_guard lock(mutex_);
  reply_ = std::move(refused);
  // Who waits for leave to send, or would send too much, gets the reply now and no leave.
  const bool now = optional_header("Expect").has_value() || body_bytes > kMaxDrainedBytes;
  return now ? send() : MHD_YES;
}

MHD_Result Exchange::drain(size_t size) {
  drained_bytes_ += size;
  return drained_bytes_ > kMaxDrainedBytes ? MHD_NO : MHD_YES;
}

MHD_Result Exchange::take_body(const char* data, size_t size) {
  {
    const std::lock_guard lock(mutex_);
    if (reply_) return drain(size);
  }
  if (!upload_) return keep_json({data, size});
  upload_->gather({data, size});
  if (!upload_->has_piece()) return MHD_YES;
  write_upload(false);
  const std::lock_guard lock(mutex_);
  if (!writing_) return MHD_YES;
  if (!context_.exchanges.add_suspended(shared_from_this())) {
    reply_ = stopping_reply();
    return MHD_YES;
  }
  suspended_ = true;
  MHD_suspend_connection(connection_);
  return MHD_YES;
}

MHD_Result Exchange::keep_json(std::string_view bytes) {
  const size_t total = request_.body.size() + bytes.size();
  std::optional<HttpReply> refused;
  if (total > context_.limits.max_body_bytes) {
    refused = error_reply(413, "the body has more than " + std::to_string(context_.limits.max_body_bytes) + " bytes");
  } else if (bodies_bytes_->fetch_add(bytes.size()) + bytes.size() > context_.limits.max_bodies_bytes) {
    bodies_bytes_->fetch_sub(bytes.size());
    refused = error_reply(503, "too many requests with long bodies at once: try again");
  } else {
    counted_bytes_ += bytes.size();
    request_.body.append(bytes);
    return MHD_YES;
  }
  release_body();
  const std::lock_guard lock(mutex_);
  reply_ = std::move(refused);
  return MHD_YES;
}

void Exchange::release_body() {
  bodies_bytes_->fetch_sub(std::exchange(counted_bytes_, 0));
  request_.body = {};
}

MHD_Result Exchange::end_body() {
  if (!std::exchange(working_, true)) start_work();
  const std::lock_guard lock(mutex_);
  return send_or_suspend();
}

void Exchange::start_work() {
  {
    const std::lock_guard lock(mutex_);
    if (!reply_ && context_.exchanges.is_stopping()) reply_ = stopping_reply();
    if (reply_) return;
  }
  if (upload_) return write_upload(true);
  context_.service->handle(route_, std::move(request_),
                           [self = shared_from_this()](HttpReply reply) { self->answer(std::move(reply)); });
}

void Exchange::write_upload(bool last) {
  {
    const std::lock_guard lock(mutex_);
    writing_ = true;
  }
  const bool taken = upload_->write(
      last, [self = shared_from_this()](std::optional<HttpReply> reply) { self->finish_write(std::move(reply)); });
  if (!taken) finish_write(error_reply(503, "the aggregator cannot take the upload now: try again"));
}

void Exchange::finish_write(std::optional<HttpReply> reply) {
  const std::lock_guard lock(mutex_);
  writing_ = false;
  if (reply && !reply_) reply_ = std::move(reply);
  if (suspended_) resume();
}

void Exchange::answer(HttpReply reply) {
  const std::lock_guard lock(mutex_);
  if (reply_ || closed_) return;
  reply_ = std::move(reply);
  if (suspended_) resume();
}

void Exchange::resume() {
  suspended_ = false;
  context_.exchanges.remove_suspended(shared_from_this());
  MHD_resume_connection(connection_);
}

MHD_Result Exchange::send_or_suspend() {
  if (!reply_ && !context_.exchanges.add_suspended(shared_from_this())) reply_ = stopping_reply();
  if (reply_) return send();
  suspended_ = true;
  MHD_suspend_connection(connection_);
  return MHD_YES;
}

MHD_Result Exchange::send() {
  if (is_refusal(reply_->status)) {
    asked_.why = sentence_of(*reply_);
    context_.refusals->note(asked_, reply_->status, posix::mono_now());
  }
  const auto status = static_cast<unsigned>(reply_->status);
  const auto response = to_response(std::move(*reply_));
  return response ? MHD_queue_response(connection_, status, response.get()) : MHD_NO;
}

void Exchange::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  release_body();
  upload_.reset();
  context_.exchanges.closed();
}

}  // namespace bramble::aggregator::http
