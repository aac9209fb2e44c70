#include "support/certificates.hpp"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace bramble::test {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
using Certificate = std::unique_ptr<X509, Free>;
using Key = std::unique_ptr<EVP_PKEY, Free>;

void require(bool done) {
  if (!done) throw std::runtime_error("OpenSSL does not make a certificate");
}

Key new_key() {
  Key key(EVP_EC_gen("P-256"));
  require(key != nullptr);
  return key;
}

template <typename Write>
std::string to_pem(const Write& write) {
  const std::unique_ptr<BIO, Free> bio(BIO_new(BIO_s_mem()));
  require(bio && write(bio.get()) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(size)};
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Free> extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

Certificate begin(const std::string& name, EVP_PKEY* key, long number, const Validity& validity) {
  Certificate certificate(X509_new());
  require(certificate != nullptr);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), number);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), validity.from_s);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), validity.until_s);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return certificate;
}

}  // namespace

struct TestAuthority::Parts {
  Key key;
  Certificate certificate;
};

TestAuthority::TestAuthority() : parts_(std::make_unique<Parts>()) {
  parts_->key = new_key();
  parts_->certificate = begin("an authority of tests", parts_->key.get(), 1, {-7200, 7200});
  X509* own = parts_->certificate.get();
  X509_set_issuer_name(own, X509_get_subject_name(own));
  add_extension(own, own, NID_basic_constraints, "critical,CA:TRUE");
  require(X509_sign(own, parts_->key.get(), EVP_sha256()) > 0);
}

TestAuthority::~TestAuthority() = default;

std::string TestAuthority::certificate_pem() const {
  return to_pem([&](BIO* bio) { return PEM_write_bio_X509(bio, parts_->certificate.get()); });
}

CertifiedKey TestAuthority::issue(const std::string& names, const Validity& validity) const {
  const Key key = new_key();
  const Certificate certificate = begin("a server of tests", key.get(), 2, validity);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(parts_->certificate.get()));
  add_extension(certificate.get(), parts_->certificate.get(), NID_subject_alt_name, names);
  require(X509_sign(certificate.get(), parts_->key.get(), EVP_sha256()) > 0);
  return {to_pem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); }), to_pem([&](BIO* bio) {
            return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

}  // namespace bramble::test
