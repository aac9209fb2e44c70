#include "common/identity/certificate.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/identity/openssl.hpp"

namespace bramble::identity {

Result<std::string> make_key() {
  const Key key(EVP_EC_gen("P-256"));
  const Bio bio = memory_bio();
  if (!key || PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return openssl_error("a key cannot be made");
  }
  return text_of(bio.get());
}

Result<std::string> make_request(const std::string& key_pem, const std::string& name) {
  const auto key = parse_key(key_pem);
  if (!key) return tl::unexpected<Error>(key.error());
  const Request request(X509_REQ_new());
  const Bio bio = memory_bio();
  const bool made = request && set_common_name(X509_REQ_get_subject_name(request.get()), name) &&
                    X509_REQ_set_pubkey(request.get(), key->get()) == 1 &&
                    X509_REQ_sign(request.get(), key->get(), EVP_sha256()) > 0 &&
                    PEM_write_bio_X509_REQ(bio.get(), request.get()) == 1;
  if (!made) return openssl_error("a certificate request for '" + name + "' cannot be made");
  return text_of(bio.get());
}

Result<CertificateFacts> read_certificate(const std::string& certificate_pem) {
  const auto certificate = parse_certificate(certificate_pem);
  if (!certificate) return tl::unexpected<Error>(certificate.error());
  const X509* const x509 = certificate->get();
  const auto not_before = wall_time(X509_get0_notBefore(x509));
  const auto not_after = wall_time(X509_get0_notAfter(x509));
  if (!not_before || !not_after) return fail("the certificate's dates cannot be read");
  return CertificateFacts{common_name(X509_get_subject_name(x509)), common_name(X509_get_issuer_name(x509)),
                          serial_text(X509_get0_serialNumber(x509)), *not_before, *not_after};
}

Status check_key(const std::string& certificate_pem, const std::string& key_pem) {
  const auto certificate = parse_certificate(certificate_pem);
  if (!certificate) return tl::unexpected<Error>(certificate.error());
  const auto key = parse_key(key_pem);
  if (!key) return tl::unexpected<Error>(key.error());
  if (X509_check_private_key(certificate->get(), key->get()) == 1) return {};
  ERR_clear_error();
  return fail("the key does not belong to the certificate");
}

Status check_node_certificate(const std::string& certificate_pem, const std::string& ca_pem) {
  const auto certificate = parse_certificate(certificate_pem);
  if (!certificate) return tl::unexpected<Error>(certificate.error());
  const auto ca = parse_certificate(ca_pem);
  if (!ca) return in_context("of the authority", ca.error());
  EVP_PKEY* const ca_key = X509_get0_pubkey(ca->get());
  if (ca_key == nullptr || X509_verify(certificate->get(), ca_key) != 1) {
    ERR_clear_error();
    return fail("the certificate is not signed by the authority that came with it");
  }
  if (X509_check_purpose(certificate->get(), X509_PURPOSE_SSL_CLIENT, 0) != 1) {
    return fail("the certificate is not one for a node");
  }
  return {};
}

}  // namespace bramble::identity
