// SHA-256, the name of every blob.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace bramble::posix {

// One digest, fed piece by piece. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::string_view bytes);
  std::string hex();  // 64 lower-case digits; starts a new digest

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::string sha256_hex(std::string_view bytes);
Result<std::string> sha256_hex_of_file(const std::string& path);

}  // namespace bramble::posix
