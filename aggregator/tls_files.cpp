#include "aggregator/tls_files.hpp"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

#include "common/posix/files.hpp"
#include "common/posix/log.hpp"

namespace bramble::aggregator {
namespace {

constexpr size_t kMaxPemBytes = 256 << 10;

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Certificate = std::unique_ptr<X509, Free>;
using Key = std::unique_ptr<EVP_PKEY, Free>;

std::unique_ptr<BIO, Free> reader(const std::string& text) {
  return std::unique_ptr<BIO, Free>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Nobody is asked for the password of a key: a daemon has nobody to ask.
int no_password(char*, int, int, void*) { return -1; }

Status check_pair(const DaemonConfig& config, const http::TlsIdentity& identity) {
  const Certificate certificate(
      PEM_read_bio_X509(reader(identity.certificate_pem).get(), nullptr, no_password, nullptr));
  if (!certificate) return fail(config.tls_cert_file + " holds no certificate in PEM (-----BEGIN CERTIFICATE-----)");
  const Key key(PEM_read_bio_PrivateKey(reader(identity.key_pem).get(), nullptr, no_password, nullptr));
  if (!key) return fail(config.tls_key_file + " holds no private key in PEM, or one with a password");
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return fail("the key in " + config.tls_key_file + " does not belong to the certificate in " + config.tls_cert_file);
  }
  if (X509_cmp_current_time(X509_get0_notAfter(certificate.get())) < 0) {
    posix::log_warning("the certificate in " + config.tls_cert_file + " has expired: callers over TCP will refuse it");
  } else if (X509_cmp_current_time(X509_get0_notBefore(certificate.get())) > 0) {
    posix::log_warning("the certificate in " + config.tls_cert_file + " is not valid yet: is the clock right?");
  }
  return {};
}

}  // namespace

Result<std::optional<http::TlsIdentity>> read_tls_identity(const DaemonConfig& config) {
  if (config.tls_cert_file.empty()) return std::nullopt;
  auto certificate = posix::read_file(config.tls_cert_file, kMaxPemBytes);
  if (!certificate) return tl::unexpected<Error>(certificate.error());
  auto key = posix::read_file(config.tls_key_file, kMaxPemBytes);
  if (!key) return tl::unexpected<Error>(key.error());
  http::TlsIdentity identity{std::move(*certificate), std::move(*key)};
  if (auto good = check_pair(config, identity); !good) return tl::unexpected<Error>(good.error());
  return identity;
}

}  // namespace bramble::aggregator
