#include "common/mqtt/tls_probe.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "common/mqtt/reason_text.hpp"

namespace bramble::mqtt {
namespace {

using Context = std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)>;
using Session = std::unique_ptr<SSL, void (*)(SSL*)>;

// The last error that OpenSSL noted on this thread, which names the reason; empties its queue.
std::string openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  if (code == 0) return "";
  std::array<char, 256> text{};
  ERR_error_string_n(code, text.data(), text.size());
  return tls_reason(text.data());
}

// Of a file that cannot be used, before anything is sent.
std::string load(SSL_CTX* context, const TlsFiles& files) {
  const bool trusted = files.ca_file.empty()
                           ? SSL_CTX_set_default_verify_paths(context) == 1
                           : SSL_CTX_load_verify_locations(context, files.ca_file.c_str(), nullptr) == 1;
  if (!trusted) return files.ca_file + ": " + openssl_reason();
  if (files.certificate_file.empty()) return "";
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate_file.c_str()) != 1) {
    return files.certificate_file + ": " + openssl_reason();
  }
  if (SSL_CTX_use_PrivateKey_file(context, files.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return files.key_file + ": " + openssl_reason();
  }
  return "";
}

int connected_socket(const BrokerAddress& address, int limit_ms) {
  sockaddr_storage storage{};
  socklen_t size = 0;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (::inet_pton(AF_INET, address.host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(address.port));
    size = sizeof *v4;
  } else if (::inet_pton(AF_INET6, address.host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<uint16_t>(address.port));
    size = sizeof *v6;
  } else {
    return -1;
  }
  const int fd = ::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit{limit_ms / 1000, limit_ms % 1000 * 1000};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);  // connect() too
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&storage), size) == 0) return fd;
  ::close(fd);
  return -1;
}

// With TLS 1.3 the broker says what it thinks of our certificate after the handshake: one byte is waited for.
std::string shake_hands(SSL* session) {
  if (SSL_connect(session) != 1) {
    std::string why = openssl_reason();
    return why.empty() ? "it ends the connection at the first word: it does not speak TLS on that port" : why;
  }
  char byte = 0;
  SSL_read(session, &byte, 1);
  return openssl_reason();
}

}  // namespace

std::string why_no_tls(const BrokerAddress& address, const TlsFiles& files, int limit_ms) {
  ERR_clear_error();
  const Context context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (std::string wrong = load(context.get(), files); !wrong.empty()) return wrong;
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  const Session session(SSL_new(context.get()), SSL_free);
  const int fd = connected_socket(address, limit_ms);
  if (fd < 0) return "";
  if (files.verify_host) X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session.get()), address.host.c_str());
  SSL_set_fd(session.get(), fd);
  std::string why = shake_hands(session.get());
  ::close(fd);
  return why;
}

}  // namespace bramble::mqtt
