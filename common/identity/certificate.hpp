// Keys, certificate requests and certificates, as PEM text. Pure computation on OpenSSL (but for its random numbers);
// safe from any thread. A text that is not what it should be is ErrorCode::invalid.
//
// Keys are ECDSA on P-256 (RFC 5480): small and quick on a Pi Zero, and taken by every TLS library.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/clock.hpp"
#include "common/base/result.hpp"

namespace bramble::identity {

inline constexpr size_t kMaxPemBytes = 64 << 10;

Result<std::string> make_key();  // PKCS #8

// A request (PKCS #10) for a certificate of `name`, signed with the key.
Result<std::string> make_request(const std::string& key_pem, const std::string& name);

struct CertificateFacts {
  std::string name;    // its subject's common name
  std::string issuer;  // the common name
  std::string serial;  // lower-case hexadecimal
  WallTime not_before;
  WallTime not_after;

  bool operator==(const CertificateFacts&) const = default;
};

Result<CertificateFacts> read_certificate(const std::string& certificate_pem);  // of the first one in the text

// That the key belongs to the certificate.
Status check_key(const std::string& certificate_pem, const std::string& key_pem);

// That the authority signed the certificate, and that it is one for clients: its dates are not looked at, for the clock
// of a machine that boots for the first time is wrong.
Status check_node_certificate(const std::string& certificate_pem, const std::string& ca_pem);

// --- what only an authority does
// --------------------------------------------------------------------------------------

struct Authority {
  std::string certificate_pem;
  std::string key_pem;
};

enum class Purpose { client, server };

struct CertificateOrder {
  std::string name;  // common name
  Purpose purpose = Purpose::client;
  std::vector<std::string> hosts;  // names and numeric addresses, of a server
  WallTime not_after;
};

struct RevokedCertificate {
  std::string serial;
  WallTime when;
};

// From 1970 on, so that machines whose clock has not been set take them, too.
Result<Authority> make_authority(const std::string& name, WallTime not_after);

// For the key of a request, whose signature is checked and whose name must be the order's.
Result<std::string> sign_request(const Authority& authority, const std::string& request_pem,
                                 const CertificateOrder& order);

// A list (CRL) that does not end before the authority's certificate. `number` grows with each list.
Result<std::string> make_revocation_list(const Authority& authority, const std::vector<RevokedCertificate>& revoked,
                                         uint64_t number);

}  // namespace bramble::identity
