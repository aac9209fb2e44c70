#include "common/posix/digest.hpp"

#include <fcntl.h>
#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "common/posix/error.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::posix {
namespace {

void require(bool ok) {
  if (ok) return;
  std::fputs("OpenSSL does not offer SHA-256\n", stderr);
  std::abort();
}

}  // namespace

struct Sha256::Context {
  Context() { start(); }
  ~Context() { EVP_MD_CTX_free(evp); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  void start() const { require(evp != nullptr && EVP_DigestInit_ex(evp, EVP_sha256(), nullptr) == 1); }

  EVP_MD_CTX* evp = EVP_MD_CTX_new();
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view bytes) {
  require(EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()) == 1);
}

std::string Sha256::hex() {
  std::array<unsigned char, 32> digest{};
  require(EVP_DigestFinal_ex(context_->evp, digest.data(), nullptr) == 1);
  context_->start();
  std::string text;
  for (const unsigned char byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 0x0F];
  }
  return text;
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 digest;
  digest.update(bytes);
  return digest.hex();
}

Result<std::string> sha256_hex_of_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return system_failure("cannot open " + path, errno);
  Sha256 digest;
  std::array<char, 64 << 10> buffer{};
  while (true) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got == 0) return digest.hex();
    if (got > 0) {
      digest.update({buffer.data(), static_cast<size_t>(got)});
    } else if (errno != EINTR) {
      return system_failure("cannot read " + path, errno);
    }
  }
}

}  // namespace bramble::posix
