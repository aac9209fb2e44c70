// The certificates that the authority has issued and that have not ended, as they stand in issued.json.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/clock.hpp"
#include "common/base/result.hpp"

namespace bramble::aggregator {

struct IssuedCertificate {
  std::string node;
  std::string serial;  // lower-case hexadecimal
  WallTime issued;
  WallTime not_after;
  WallTime revoked;  // 0: it is not
};

struct IssuedList {
  uint64_t number = 0;  // grows with each one written
  std::vector<IssuedCertificate> certificates;
};

Result<IssuedList> read_issued_list(const std::string& path);  // empty where there is no file

std::string to_text(const IssuedList& list);

}  // namespace bramble::aggregator
