// Certificates for tests: an authority, and what it signs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace bramble::test {

struct CertifiedKey {
  std::string certificate_pem;
  std::string key_pem;
};

struct Validity {
  int64_t from_s = -3600;  // against now
  int64_t until_s = 3600;
};

class TestAuthority {
 public:
  TestAuthority();
  ~TestAuthority();

  std::string certificate_pem() const;
  // For a server of these names, as in "DNS:localhost,IP:127.0.0.1".
  CertifiedKey issue(const std::string& names, const Validity& validity = {}) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace bramble::test
