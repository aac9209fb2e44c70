#include "aggregator/http/doors.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/posix/error.hpp"
#include "common/posix/system_clock.hpp"
#include "common/posix/unix_socket.hpp"

namespace bramble::aggregator::http {
namespace {

using posix::UniqueFd;

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Result<Addresses> resolve(const std::string& address) {
  const auto parts = split_address(address);
  if (!parts) return tl::unexpected(parts.error());
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const char* host = parts->first == "*" ? nullptr : parts->first.c_str();
  if (const int error = ::getaddrinfo(host, parts->second.c_str(), &hints, &list); error != 0) {
    return fail("cannot listen on " + address + ": " + ::gai_strerror(error));
  }
  return Addresses(list);
}

Error listen_error(const std::string& address, int error_number) {
  Error error = posix::system_error("cannot listen on " + address, error_number);
  if (error_number != EADDRINUSE) return error;
  error.code = ErrorCode::conflict;
  error.message =
      "cannot listen on " + address +
      ": the port is in use; end the program that has it (perhaps another aggregator), or choose another one";
  return error;
}

std::string kind_of(Role role) { return role == Role::none ? "stranger" : std::string(to_string(role)); }

// "an operator", "a viewer".
std::string one(Role role) { return (role == Role::operator_ ? "an " : "a ") + kind_of(role); }

std::variant<Caller, Refusal> admit_peer(LocalUsers& users, const AccessLists& lists, int socket, Role needs) {
  const auto peer = posix::peer_credentials(socket);
  if (!peer) return Refusal{403, "the system does not say who is connected", ""};
  const LocalUser user = users.find(peer->uid, posix::mono_now());
  const bool is_ours = peer->uid == 0 || peer->uid == ::geteuid();
  const Role role = is_ours ? Role::operator_ : role_of(lists, user);
  if (role >= needs) return Caller{user.name, role == Role::operator_};
  return Refusal{403,
                 "this needs " + one(needs) + ", and " + user.name + " is " + one(role) +
                     " here: " + how_to_get(lists, user, needs),
                 user.name};
}

}  // namespace

Door unix_door(AccessLists lists) {
  return [users = std::make_shared<LocalUsers>(), lists = std::move(lists)](
             int socket, const AccessHeaders&, Role needs) { return admit_peer(*users, lists, socket, needs); };
}

Door tcp_door(AccessPolicy policy, std::shared_ptr<const TokenTable> tokens) {
  return [policy = std::move(policy), tokens = std::move(tokens)](int socket, const AccessHeaders& headers,
                                                                  Role needs) -> std::variant<Caller, Refusal> {
    if (auto refusal = check_site(policy, headers, local_address(socket))) return std::move(*refusal);
    return tokens->admit(bearer_token(headers.authorization), needs, posix::wall_now());
  };
}

SocketFile::SocketFile(std::string path) : path_(std::move(path)) {
  struct stat info {};
  if (::lstat(path_.c_str(), &info) != 0) return;
  device_ = info.st_dev;
  inode_ = info.st_ino;
}

SocketFile::~SocketFile() {
  struct stat info {};
  if (::lstat(path_.c_str(), &info) != 0) return;
  if (info.st_dev == device_ && info.st_ino == inode_) ::unlink(path_.c_str());
}

Result<UniqueFd> listen_at_path(const std::string& path) {
  auto fd = posix::listen_unix(path, 0666);
  if (!fd && fd.error().code == ErrorCode::conflict) {
    fd.error().message += "; end that process (perhaps another aggregator), or choose another path";
  }
  return fd;
}

Result<std::pair<std::string, std::string>> split_address(const std::string& address) {
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
  const bool digits = std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  const bool in_range = !port.empty() && port.size() <= 5 && digits && std::stoul(port) <= 65535;
  if (host.empty() || !in_range || (!bracketed && host.find_first_of(":[]") != std::string::npos)) {
    return fail("cannot listen on '" + address + "': write HOST:PORT, as 127.0.0.1:8737 or [::1]:8737");
  }
  if (bracketed) host = host.substr(1, host.size() - 2);
  return std::pair{host, port};
}

Result<UniqueFd> listen_tcp(const std::string& address) {
  const auto list = resolve(address);
  if (!list) return tl::unexpected(list.error());
  int error_number = EADDRNOTAVAIL;
  for (const addrinfo* entry = list->get(); entry != nullptr; entry = entry->ai_next) {
    UniqueFd fd(::socket(entry->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, entry->ai_protocol));
    const int on = 1;  // a port whose last connections linger is not in use
    if (fd && ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        ::bind(fd.get(), entry->ai_addr, entry->ai_addrlen) == 0 && ::listen(fd.get(), SOMAXCONN) == 0) {
      return fd;
    }
    error_number = errno;
  }
  return tl::unexpected(listen_error(address, error_number));
}

uint16_t local_port(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return 0;
}

namespace {

using AskForName = int (*)(int, sockaddr*, socklen_t*);

std::string numeric_address(int socket, AskForName ask) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (ask(socket, generic, &size) != 0) return "";
  if (address.ss_family != AF_INET && address.ss_family != AF_INET6) return "";
  std::array<char, NI_MAXHOST> text{};
  if (::getnameinfo(generic, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) return "";
  const std::string host = text.data();
  constexpr std::string_view kMapped = "::ffff:";  // IPv4 on a socket of IPv6
  return host.starts_with(kMapped) && host.find('.') != std::string::npos ? host.substr(kMapped.size()) : host;
}

}  // namespace

std::string local_address(int socket) { return numeric_address(socket, &::getsockname); }

std::string peer_address(int socket) {
  const std::string address = numeric_address(socket, &::getpeername);
  return address.empty() ? "this machine" : address;
}

}  // namespace bramble::aggregator::http
