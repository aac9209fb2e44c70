// What only the head does: an authority of our own (RFC 5280, profile of version 3 certificates).
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

#include "common/identity/certificate.hpp"
#include "common/identity/openssl.hpp"

namespace bramble::identity {
namespace {

struct ParsedAuthority {
  Certificate certificate;
  Key key;
};

Result<ParsedAuthority> parse(const Authority& authority) {
  auto certificate = parse_certificate(authority.certificate_pem);
  if (!certificate) return in_context("of the authority", certificate.error());
  auto key = parse_key(authority.key_pem);
  if (!key) return in_context("of the authority", key.error());
  return ParsedAuthority{std::move(*certificate), std::move(*key)};
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  const bool added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

// 127 random bits: none is given out twice (RFC 5280 asks for 64 at least), and none is negative.
bool set_random_serial(X509* certificate) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7F) | 0x40);
  BIGNUM* const number = BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr);
  const bool set = number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return set;
}

bool set_dates(X509* certificate, WallTime not_after) {
  const Time begin = asn1_time({0});
  const Time end = asn1_time(not_after);
  return begin && end && X509_set1_notBefore(certificate, begin.get()) == 1 &&
         X509_set1_notAfter(certificate, end.get()) == 1;
}

bool is_numeric_address(const std::string& host) {
  ASN1_OCTET_STRING* const address = a2i_IPADDRESS(host.c_str());
  ASN1_OCTET_STRING_free(address);
  ERR_clear_error();
  return address != nullptr;
}

bool is_host_name(const std::string& host) {
  return !host.empty() && host.size() < 256 && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  });
}

std::string alternative_names(const std::vector<std::string>& hosts) {
  std::string names;
  for (const std::string& host : hosts) {
    const bool numeric = is_numeric_address(host);
    if (!numeric && !is_host_name(host)) continue;
    names += (names.empty() ? "" : ",") + std::string(numeric ? "IP:" : "DNS:") + host;
  }
  return names;
}

bool add_leaf_extensions(X509* certificate, X509* issuer, const CertificateOrder& order) {
  const bool server = order.purpose == Purpose::server;
  const std::string names = alternative_names(order.hosts);
  return add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
         add_extension(certificate, issuer, NID_ext_key_usage, server ? "serverAuth" : "clientAuth") &&
         add_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
         add_extension(certificate, issuer, NID_authority_key_identifier, "keyid") &&
         (!server || names.empty() || add_extension(certificate, issuer, NID_subject_alt_name, names));
}

std::string to_pem(X509* certificate) {
  const Bio bio = memory_bio();
  return PEM_write_bio_X509(bio.get(), certificate) == 1 ? text_of(bio.get()) : std::string();
}

bool add_revoked(X509_CRL* list, const RevokedCertificate& revoked) {
  const Number serial = parse_serial(revoked.serial);
  const Time when = asn1_time(revoked.when);
  X509_REVOKED* const entry = X509_REVOKED_new();
  const bool made = serial && when && entry != nullptr && X509_REVOKED_set_serialNumber(entry, serial.get()) == 1 &&
                    X509_REVOKED_set_revocationDate(entry, when.get()) == 1 && X509_CRL_add0_revoked(list, entry) == 1;
  if (!made) X509_REVOKED_free(entry);
  return made;
}

// A list whose next one is overdue would shut out every node: ours is valid for as long as its authority.
bool set_list_head(X509_CRL* list, const ParsedAuthority& authority, uint64_t number) {
  const Time begin = asn1_time({0});
  const Number count(ASN1_INTEGER_new());
  return X509_CRL_set_version(list, 1) == 1 &&
         X509_CRL_set_issuer_name(list, X509_get_subject_name(authority.certificate.get())) == 1 && begin &&
         X509_CRL_set1_lastUpdate(list, begin.get()) == 1 &&
         X509_CRL_set1_nextUpdate(list, X509_get0_notAfter(authority.certificate.get())) == 1 && count &&
         ASN1_INTEGER_set_uint64(count.get(), number) == 1 &&
         X509_CRL_add1_ext_i2d(list, NID_crl_number, count.get(), 0, 0) == 1;
}

}  // namespace

Result<Authority> make_authority(const std::string& name, WallTime not_after) {
  auto key_pem = make_key();
  if (!key_pem) return tl::unexpected<Error>(key_pem.error());
  const auto key = parse_key(*key_pem);
  const Certificate certificate(X509_new());
  X509* const x509 = certificate.get();
  const bool made =
      key && x509 != nullptr && X509_set_version(x509, 2) == 1 && set_random_serial(x509) &&
      set_dates(x509, not_after) && set_common_name(X509_get_subject_name(x509), name) &&
      X509_set_issuer_name(x509, X509_get_subject_name(x509)) == 1 && X509_set_pubkey(x509, key->get()) == 1 &&
      add_extension(x509, x509, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
      add_extension(x509, x509, NID_key_usage, "critical,keyCertSign,cRLSign") &&
      add_extension(x509, x509, NID_subject_key_identifier, "hash") && X509_sign(x509, key->get(), EVP_sha256()) > 0;
  if (!made) return openssl_error("the authority's certificate cannot be made");
  return Authority{to_pem(x509), std::move(*key_pem)};
}

Result<std::string> sign_request(const Authority& authority, const std::string& request_pem,
                                 const CertificateOrder& order) {
  const auto ours = parse(authority);
  if (!ours) return tl::unexpected<Error>(ours.error());
  const auto request = parse_request(request_pem);
  if (!request) return tl::unexpected<Error>(request.error());
  EVP_PKEY* const key = X509_REQ_get0_pubkey(request->get());
  if (key == nullptr || X509_REQ_verify(request->get(), key) != 1) {
    ERR_clear_error();
    return fail("the request is not signed by the key that it brings");
  }
  const std::string asked = common_name(X509_REQ_get_subject_name(request->get()));
  if (asked != order.name) {
    return fail(ErrorCode::denied, "the request is for '" + asked + "', which is not '" + order.name + "'");
  }
  const Certificate certificate(X509_new());
  X509* const x509 = certificate.get();
  X509* const issuer = ours->certificate.get();
  const bool made = x509 != nullptr && X509_set_version(x509, 2) == 1 && set_random_serial(x509) &&
                    set_dates(x509, order.not_after) && set_common_name(X509_get_subject_name(x509), order.name) &&
                    X509_set_issuer_name(x509, X509_get_subject_name(issuer)) == 1 && X509_set_pubkey(x509, key) == 1 &&
                    add_leaf_extensions(x509, issuer, order) && X509_sign(x509, ours->key.get(), EVP_sha256()) > 0;
  if (!made) return openssl_error("the certificate of '" + order.name + "' cannot be made");
  return to_pem(x509);
}

Result<std::string> make_revocation_list(const Authority& authority, const std::vector<RevokedCertificate>& revoked,
                                         uint64_t number) {
  const auto ours = parse(authority);
  if (!ours) return tl::unexpected<Error>(ours.error());
  const RevocationList list(X509_CRL_new());
  bool made = list && set_list_head(list.get(), *ours, number);
  for (const auto& entry : revoked) made = made && add_revoked(list.get(), entry);
  const Bio bio = memory_bio();
  made = made && X509_CRL_sort(list.get()) == 1 && X509_CRL_sign(list.get(), ours->key.get(), EVP_sha256()) > 0 &&
         PEM_write_bio_X509_CRL(bio.get(), list.get()) == 1;
  if (!made) return openssl_error("the list of revoked certificates cannot be made");
  return text_of(bio.get());
}

}  // namespace bramble::identity
