#include "aggregator/http/server.hpp"

#include <fcntl.h>

#include <optional>

#include "aggregator/http/doors.hpp"
#include "aggregator/http/listener.hpp"
#include "aggregator/http/service.hpp"

namespace bramble::aggregator::http {

struct Server::Parts {
  Parts(Backend backend, const ServerOptions& options)
      : limits(options.limits),
        refusals(std::make_shared<RefusalLog>(backend.refused)),
        service(std::make_shared<Service>(std::move(backend), options.limits)),
        tokens(std::make_shared<TokenTable>(options.token)) {
    tokens->set(options.tokens);
  }

  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  // Listeners answer what waits before the workers end: what a worker is at then has an exchange to end in.
  ~Parts() {
    for (const auto* const listener : {&local, &tcp}) {
      if (*listener) (*listener)->answer_what_waits();
    }
    service->stop();
    local.reset();
    tcp.reset();
  }

  Result<std::unique_ptr<Listener>> listen(posix::UniqueFd socket, Door door, std::optional<TlsIdentity> tls = {}) {
    auto context = std::make_unique<ListenerContext>();
    context->door = std::move(door);
    context->service = service;
    context->refusals = refusals;
    context->tls = std::move(tls);
    context->limits = limits;
    context->bodies_bytes = bodies_bytes;
    return Listener::start(std::move(socket), std::move(context));
  }

  // Beside the one that listens already, on the same socket, so that nobody is turned away meanwhile.
  Status listen_tcp(std::optional<TlsIdentity> tls) {
    posix::UniqueFd socket(::fcntl(tcp_socket.get(), F_DUPFD_CLOEXEC, 0));
    if (!socket) return fail(ErrorCode::limit, "the HTTP server has no file left to listen with");
    auto listener = listen(std::move(socket), tcp_way, std::move(tls));
    if (!listener) return tl::unexpected(listener.error());
    tcp.swap(*listener);
    if (*listener) (*listener)->answer_what_waits();
    return {};
  }

  const ServerLimits limits;
  std::shared_ptr<RefusalLog> refusals;
  std::shared_ptr<Service> service;
  std::shared_ptr<TokenTable> tokens;
  std::shared_ptr<std::atomic<size_t>> bodies_bytes = std::make_shared<std::atomic<size_t>>(0);
  std::optional<SocketFile> socket_file;
  std::unique_ptr<Listener> local;
  std::unique_ptr<Listener> tcp;
  posix::UniqueFd tcp_socket;  // of which each listener has a duplicate
  Door tcp_way;
  uint16_t tcp_port = 0;
};

namespace {

// A token that goes over a network in plain text is everybody's.
Status check_reach(const ServerOptions& options, const std::string& address) {
  if (options.tls || address.starts_with("127.") || address == "::1") return {};
  return fail("tcp_listen " + options.tcp_listen +
              " is reached from other machines, and nobody could trust what comes over it without TLS: let nodes in "
              "with node_listen, whose certificate then serves here, too, or set tls_cert_file and tls_key_file, or "
              "listen on 127.0.0.1:8737 and come by ssh -L 8737:127.0.0.1:8737 HEAD");
}

Result<AccessPolicy> tcp_policy(const ServerOptions& options) {
  const auto address = split_address(options.tcp_listen);
  if (!address) return tl::unexpected(address.error());
  AccessPolicy policy{options.allowed_hosts};
  policy.hosts.push_back(address->first);
  return policy;
}

}  // namespace

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Server::~Server() = default;

uint16_t Server::tcp_port() const { return parts_->tcp_port; }

void Server::tick(MonoTime now) { parts_->refusals->tell_due(now); }

void Server::set_tokens(std::vector<TokenRecord> tokens) { parts_->tokens->set(std::move(tokens)); }

Status Server::set_tls(TlsIdentity tls) {
  if (!parts_->tcp) return {};
  return parts_->listen_tcp(std::move(tls));
}

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, Backend backend) {
  auto parts = std::make_unique<Parts>(std::move(backend), options);
  if (!options.tcp_listen.empty()) {
    auto policy = tcp_policy(options);
    if (!policy) return tl::unexpected(policy.error());
    auto socket = listen_tcp(options.tcp_listen);
    if (!socket) return tl::unexpected(socket.error());
    if (auto good = check_reach(options, local_address(socket->get())); !good) return tl::unexpected(good.error());
    parts->tcp_port = local_port(socket->get());
    parts->tcp_socket = std::move(*socket);
    parts->tcp_way = tcp_door(std::move(*policy), parts->tokens);
    if (Status good = parts->listen_tcp(options.tls); !good) return tl::unexpected(good.error());
  }
  if (!options.unix_path.empty()) {
    auto socket = listen_at_path(options.unix_path);
    if (!socket) return tl::unexpected(socket.error());
    parts->socket_file.emplace(options.unix_path);
    auto listener = parts->listen(std::move(*socket), unix_door(options.access));
    if (!listener) return tl::unexpected(listener.error());
    parts->local = std::move(*listener);
  }
  return std::unique_ptr<Server>(new Server(std::move(parts)));
}

}  // namespace bramble::aggregator::http
