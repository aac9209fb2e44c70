#include "common/identity/openssl.hpp"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "common/base/duration.hpp"
#include "common/identity/certificate.hpp"

namespace bramble::identity {
namespace {

template <typename Object, typename Read>
Result<Object> parse(const std::string& pem, const char* what, Read read) {
  if (pem.size() > kMaxPemBytes) return fail(ErrorCode::limit, std::string(what) + " is too long");
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Object object(bio ? read(bio.get()) : nullptr);
  if (object) return object;
  ERR_clear_error();
  return fail(std::string(what) + " is not one in PEM");
}

int no_password(char*, int, int, void*) { return 0; }

}  // namespace

tl::unexpected<Error> openssl_error(const std::string& what) {
  const unsigned long code = ERR_peek_last_error();
  const char* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return fail(ErrorCode::io, what + ": " + (reason != nullptr ? reason : "OpenSSL does not say why"));
}

Result<Key> parse_key(const std::string& pem) {
  return parse<Key>(pem, "the key",
                    [](BIO* bio) { return PEM_read_bio_PrivateKey(bio, nullptr, no_password, nullptr); });
}

Result<Certificate> parse_certificate(const std::string& pem) {
  return parse<Certificate>(pem, "the certificate",
                            [](BIO* bio) { return PEM_read_bio_X509(bio, nullptr, no_password, nullptr); });
}

Result<Request> parse_request(const std::string& pem) {
  return parse<Request>(pem, "the request",
                        [](BIO* bio) { return PEM_read_bio_X509_REQ(bio, nullptr, no_password, nullptr); });
}

Bio memory_bio() { return Bio(BIO_new(BIO_s_mem())); }

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

std::string common_name(const X509_NAME* name) {
  const int position = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (position < 0) return "";
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, position)));
  if (size < 0) return "";
  std::string result(reinterpret_cast<const char*>(text), static_cast<size_t>(size));
  OPENSSL_free(text);
  return result;
}

bool set_common_name(X509_NAME* name, const std::string& text) {
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, bytes, static_cast<int>(text.size()), -1, 0) ==
         1;
}

// A 32-bit time_t, where there is one, ends in 2038: counted in days from 1970 it does not.
Time asn1_time(WallTime time) {
  return Time(
      ASN1_TIME_adj(nullptr, 0, static_cast<int>(time.ms / kDayMs), static_cast<long>(time.ms % kDayMs / 1000)));
}

Result<WallTime> wall_time(const ASN1_TIME* time) {
  const Time epoch = asn1_time({0});
  int days = 0;
  int seconds = 0;
  if (time == nullptr || ASN1_TIME_diff(&days, &seconds, epoch.get(), time) != 1) {
    return openssl_error("a date cannot be read");
  }
  return WallTime{(int64_t{days} * 24 * 3600 + seconds) * 1000};
}

Number parse_serial(const std::string& hex) {
  BIGNUM* number = nullptr;
  if (hex.empty() || BN_hex2bn(&number, hex.c_str()) != static_cast<int>(hex.size())) {
    BN_free(number);
    return nullptr;
  }
  Number serial(BN_to_ASN1_INTEGER(number, nullptr));
  BN_free(number);
  return serial;
}

std::string serial_text(const ASN1_INTEGER* serial) {
  BIGNUM* const number = ASN1_INTEGER_to_BN(serial, nullptr);
  char* const hex = number == nullptr ? nullptr : BN_bn2hex(number);
  std::string text = hex == nullptr ? "" : hex;
  OPENSSL_free(hex);
  BN_free(number);
  for (char& c : text) c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

}  // namespace bramble::identity
