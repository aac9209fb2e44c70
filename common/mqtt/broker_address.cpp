#include "common/mqtt/broker_address.hpp"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>

namespace bramble::mqtt {
namespace {

constexpr int kTlsPort = 8883;

struct NumericAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

std::optional<NumericAddress> numeric(const BrokerAddress& address) {
  const std::string host = address.host == "localhost" ? "127.0.0.1" : address.host;
  const auto port = htons(static_cast<uint16_t>(address.port));
  NumericAddress result;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&result.storage);
  if (::inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = port;
    result.size = sizeof(sockaddr_in);
    return result;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
  if (::inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = port;
    result.size = sizeof(sockaddr_in6);
    return result;
  }
  return std::nullopt;
}

// The error of one attempt to connect, 0 when it succeeds.
int connect_error(const NumericAddress& address, int limit_ms) {
  const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  int error = 0;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0) error = errno;
  if (error == EINPROGRESS) {
    pollfd waiting{fd, POLLOUT, 0};
    socklen_t size = sizeof error;
    if (::poll(&waiting, 1, limit_ms) == 1) {
      ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    } else {
      error = ETIMEDOUT;
    }
  }
  ::close(fd);
  return error;
}

std::string lower_case_start(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

int peer_port(int fd) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return -1;
  if (peer.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&peer)->sin_port);
  if (peer.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&peer)->sin6_port);
  return -1;
}

bool parse_port(std::string_view text, int& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port > 0 && port < 65536;
}

}  // namespace

Result<BrokerAddress> parse_broker_url(const std::string& url) {
  const auto wrong = [&] {
    return fail("broker URL '" + url +
                "' is not of the form tcp://HOST:PORT, such as tcp://192.168.1.10:1883, or ssl://HOST:PORT");
  };
  std::string_view rest = url;
  BrokerAddress address;
  if (rest.starts_with("ssl://") || rest.starts_with("mqtts://")) {
    address.tls = true;
    address.port = kTlsPort;
  } else if (!rest.starts_with("tcp://") && !rest.starts_with("mqtt://")) {
    return wrong();
  }
  rest.remove_prefix(rest.find("//") + 2);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  size_t host_end = rest.find(':');
  if (rest.starts_with('[')) {
    const size_t bracket = rest.find(']');
    if (bracket == std::string_view::npos) return wrong();
    address.host = rest.substr(1, bracket - 1);
    host_end = bracket + 1;
  } else {
    address.host = rest.substr(0, host_end);
  }
  if (address.host.empty() || address.host.find('/') != std::string::npos) return wrong();
  if (host_end >= rest.size()) return address;
  if (rest[host_end] != ':' || !parse_port(rest.substr(host_end + 1), address.port)) return wrong();
  return address;
}

Result<std::vector<BrokerAddress>> parse_broker_urls(const std::string& urls) {
  std::vector<BrokerAddress> addresses;
  for (size_t begin = 0; begin <= urls.size();) {
    const size_t end = std::min(urls.find(',', begin), urls.size());
    if (addresses.size() == kMaxBrokerUrls) {
      return fail(ErrorCode::limit, "at most " + std::to_string(kMaxBrokerUrls) + " broker URLs can be given");
    }
    auto address = parse_broker_url(urls.substr(begin, end - begin));
    if (!address) return tl::unexpected<Error>(address.error());
    addresses.push_back(std::move(*address));
    begin = end + 1;
  }
  return addresses;
}

std::string to_string(const BrokerAddress& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

std::string why_unreachable(const BrokerAddress& address, int limit_ms) {
  const auto target = numeric(address);
  if (!target) return "connection refused, no way to it, or no such host name";
  const int error = connect_error(*target, limit_ms);
  if (error == 0) return kEndedAtOnce;
  return lower_case_start(std::strerror(error));
}

void send_small_packets_at_once(int broker_port) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir("/proc/self/fd"), ::closedir);
  if (!dir) return;
  while (const dirent* entry = ::readdir(dir.get())) {
    int fd = -1;
    const std::string_view name = entry->d_name;
    if (std::from_chars(name.data(), name.data() + name.size(), fd).ec != std::errc()) continue;
    if (peer_port(fd) != broker_port) continue;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
}

}  // namespace bramble::mqtt
