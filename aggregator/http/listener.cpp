#include "aggregator/http/listener.hpp"

#include <microhttpd.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <vector>

#include "common/posix/log.hpp"

namespace bramble::aggregator::http {
namespace {

// Of one connection: its headers, and what is read at once. More headers than that are answered with 431.
constexpr size_t kConnectionMemoryBytes = 64 << 10;
constexpr int64_t kLastRepliesMs = 500;
constexpr const char* kTlsPriorities = "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

using ExchangePtr = std::shared_ptr<Exchange>;

MHD_Result on_request(void* cls, MHD_Connection* connection, const char* url, const char* method, const char*,
                      const char* data, size_t* data_size, void** slot) {
  if (*slot == nullptr) {
    auto exchange = std::make_shared<Exchange>(connection, *static_cast<ListenerContext*>(cls), method, url);
    *slot = new ExchangePtr(exchange);
    return exchange->begin();
  }
  Exchange& exchange = **static_cast<ExchangePtr*>(*slot);
  if (*data_size == 0) return exchange.end_body();
  return exchange.take_body(data, std::exchange(*data_size, 0));
}

void on_completed(void*, MHD_Connection*, void** slot, MHD_RequestTerminationCode) {
  const std::unique_ptr<ExchangePtr> exchange(static_cast<ExchangePtr*>(std::exchange(*slot, nullptr)));
  if (exchange) (*exchange)->close();
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
void on_log(void*, const char* format, va_list arguments) {
  std::array<char, 512> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  posix::log_debug("http", {{"said", text.data()}});
}
#pragma GCC diagnostic pop

// The texts stay where they are: in the context.
std::vector<MHD_OptionItem> tls_options(ListenerContext& context) {
  std::vector<MHD_OptionItem> options;
  if (context.tls) {
    options.push_back({MHD_OPTION_HTTPS_MEM_CERT, 0, context.tls->certificate_pem.data()});
    options.push_back({MHD_OPTION_HTTPS_MEM_KEY, 0, context.tls->key_pem.data()});
    options.push_back({MHD_OPTION_HTTPS_PRIORITIES, 0, const_cast<char*>(kTlsPriorities)});
  }
  options.push_back({MHD_OPTION_END, 0, nullptr});
  return options;
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::start(posix::UniqueFd socket, std::unique_ptr<ListenerContext> context) {
  std::unique_ptr<Listener> listener(new Listener(std::move(context)));
  ListenerContext& shared = *listener->context_;
  constexpr unsigned kFlags =
      MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG;
  auto tls = tls_options(shared);
  listener->daemon_ =
      MHD_start_daemon(shared.tls ? kFlags | MHD_USE_TLS : kFlags, 0, nullptr, nullptr, &on_request, &shared,  //
                       MHD_OPTION_EXTERNAL_LOGGER, &on_log, nullptr,                                           //
                       MHD_OPTION_LISTEN_SOCKET, socket.get(),                                                 //
                       MHD_OPTION_NOTIFY_COMPLETED, &on_completed, nullptr,                                    //
                       MHD_OPTION_CONNECTION_LIMIT, static_cast<unsigned>(shared.limits.max_connections),      //
                       MHD_OPTION_CONNECTION_TIMEOUT, shared.limits.idle_timeout_s,                            //
                       MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionMemoryBytes,                             //
                       MHD_OPTION_STRICT_FOR_CLIENT, 1,                                                        //
                       MHD_OPTION_ARRAY, tls.data(),                                                           //
                       MHD_OPTION_END);
  if (listener->daemon_ == nullptr && shared.tls) {
    return fail(ErrorCode::io,
                "the HTTP server cannot start with this certificate and key: its TLS library (GnuTLS) refuses them");
  }
  if (listener->daemon_ == nullptr)
    return fail(ErrorCode::io, "the HTTP server cannot start: is the system out of threads or files?");
  socket.release();  // closed by MHD_stop_daemon
  return listener;
}

void Listener::answer_what_waits() {
  context_->exchanges.stop();
  context_->exchanges.wait_until_closed(kLastRepliesMs);
}

Listener::~Listener() {
  if (daemon_ != nullptr) MHD_stop_daemon(daemon_);
}

}  // namespace bramble::aggregator::http
