// One request on a connection of libmicrohttpd, from its headers to its reply.
//
// The event thread brings the request in and takes the reply out; between them the connection is suspended, and whoever
// has the answer, on whatever thread, resumes it. So the event thread never waits for anything.
#pragma once

#include <microhttpd.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "aggregator/http/doors.hpp"
#include "aggregator/http/http_message.hpp"
#include "aggregator/http/refusal_log.hpp"
#include "aggregator/http/routes.hpp"
#include "aggregator/http/service.hpp"
#include "aggregator/http/upload.hpp"

namespace bramble::aggregator::http {

class Exchange;

// The exchanges of one listener. Thread-safe.
class Exchanges {
 public:
  void opened();
  void closed();

  // Enters one whose connection is to be suspended; false when stopping: it must not be.
  bool add_suspended(const std::shared_ptr<Exchange>& exchange);
  void remove_suspended(const std::shared_ptr<Exchange>& exchange);

  // Answers all that are suspended with 503; no connection is suspended from now on.
  void stop();
  bool is_stopping() const { return stopping_; }

  // Until every request that was begun is over, or the time is.
  void wait_until_closed(int64_t limit_ms);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::shared_ptr<Exchange>> suspended_;
  size_t open_ = 0;
  std::atomic<bool> stopping_ = false;
};

// What the exchanges of one listener share.
struct ListenerContext {
  Door door;
  std::shared_ptr<Service> service;
  ServerLimits limits;
  std::optional<TlsIdentity> tls;
  std::shared_ptr<RefusalLog> refusals;
  std::shared_ptr<std::atomic<size_t>> bodies_bytes;  // of all listeners: JSON bodies being received
  Exchanges exchanges;
};

class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(MHD_Connection* connection, ListenerContext& context, std::string_view method, std::string_view path);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // Event thread only. MHD_NO ends the connection.
  MHD_Result begin();  // the headers are there
  MHD_Result take_body(const char* data, size_t size);
  MHD_Result end_body();  // also called again whenever the connection was resumed
  void close();           // the connection is gone or the reply is out

  // Any thread; the first reply counts.
  void answer(HttpReply reply);

 private:
  std::optional<HttpReply> refusal();  // what the headers alone forbid
  std::optional<HttpReply> prepare_body();
  std::string header(const char* name) const;
  std::optional<std::string> optional_header(const char* name) const;
  MHD_Result keep_json(std::string_view bytes);
  MHD_Result drain(size_t size);
  void start_work();
  void write_upload(bool last);
  void finish_write(std::optional<HttpReply> reply);
  void release_body();

  // With the mutex held:
  MHD_Result send();
  MHD_Result send_or_suspend();
  void resume();

  MHD_Connection* const connection_;
  ListenerContext& context_;  // outlives the connection; not touched after close()
  HttpRequest request_;
  Refused asked_;  // who, from where and what: for the log, if it is refused
  Route route_;
  std::unique_ptr<Upload> upload_;
  std::shared_ptr<std::atomic<size_t>> bodies_bytes_;
  size_t counted_bytes_ = 0;
  uint64_t drained_bytes_ = 0;
  bool refused_ = false;  // the reply is known before the body has come
  bool working_ = false;

  std::mutex mutex_;
  std::optional<HttpReply> reply_;
  bool writing_ = false;  // a worker has bytes of the upload
  bool suspended_ = false;
  bool closed_ = false;
};

}  // namespace bramble::aggregator::http
