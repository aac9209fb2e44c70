// RAII over OpenSSL's objects, and its texts. Private to this folder.
#pragma once

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "common/base/clock.hpp"
#include "common/base/result.hpp"

namespace bramble::identity {

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};

using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Request = std::unique_ptr<X509_REQ, Free<X509_REQ_free>>;
using RevocationList = std::unique_ptr<X509_CRL, Free<X509_CRL_free>>;
using Time = std::unique_ptr<ASN1_TIME, Free<ASN1_TIME_free>>;
using Number = std::unique_ptr<ASN1_INTEGER, Free<ASN1_INTEGER_free>>;

// What failed, with OpenSSL's own reason; empties its queue of errors.
tl::unexpected<Error> openssl_error(const std::string& what);

Result<Key> parse_key(const std::string& pem);
Result<Certificate> parse_certificate(const std::string& pem);
Result<Request> parse_request(const std::string& pem);

Bio memory_bio();
std::string text_of(BIO* bio);

std::string common_name(const X509_NAME* name);
bool set_common_name(X509_NAME* name, const std::string& text);

Time asn1_time(WallTime time);
Result<WallTime> wall_time(const ASN1_TIME* time);

Number parse_serial(const std::string& hex);
std::string serial_text(const ASN1_INTEGER* serial);

}  // namespace bramble::identity
