#include "aggregator/http/doors.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "common/posix/error.hpp"
#include "common/posix/unix_socket.hpp"

namespace bramble::aggregator::http {
namespace {

using posix::UniqueFd;

constexpr size_t kMaxNamesKept = 1024;

std::string look_up_name(uid_t uid) {
  std::vector<char> buffer(16 << 10);
  passwd entry{};
  passwd* found = nullptr;
  ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
  return found != nullptr && found->pw_name[0] != '\0' ? found->pw_name : std::to_string(uid);
}

// Keeps what it has looked up: a directory service may be slow.
class UserNames {
 public:
  std::string name_of(uid_t uid) {
    const std::lock_guard lock(mutex_);
    if (const auto found = names_.find(uid); found != names_.end()) return found->second;
    if (names_.size() >= kMaxNamesKept) names_.clear();
    return names_[uid] = look_up_name(uid);
  }

 private:
  std::mutex mutex_;
  std::unordered_map<uid_t, std::string> names_;
};

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

std::variant<Caller, Refusal> identify_peer(UserNames& names, int socket) {
  const auto peer = posix::peer_credentials(socket);
  if (!peer) return Refusal{403, "the system does not say who is connected"};
  return Caller{names.name_of(peer->uid), peer->uid == 0 || peer->uid == ::geteuid()};
}

}  // namespace

Door unix_door() {
  return [names = std::make_shared<UserNames>()](int socket, const AccessHeaders&) {
    return identify_peer(*names, socket);
  };
}

Door tcp_door(AccessPolicy policy) {
  return [policy = std::move(policy)](int socket, const AccessHeaders& headers) -> std::variant<Caller, Refusal> {
    if (auto refusal = check_access(policy, headers, local_address(socket))) return std::move(*refusal);
    return Caller{"operator", true};
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

std::string local_address(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::getsockname(socket, generic, &size) != 0) return "";
  if (address.ss_family != AF_INET && address.ss_family != AF_INET6) return "";
  std::array<char, NI_MAXHOST> text{};
  if (::getnameinfo(generic, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) return "";
  const std::string host = text.data();
  constexpr std::string_view kMapped = "::ffff:";  // IPv4 on a socket of IPv6
  return host.starts_with(kMapped) && host.find('.') != std::string::npos ? host.substr(kMapped.size()) : host;
}

}  // namespace bramble::aggregator::http
