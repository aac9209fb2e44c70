// What keeps tasks within their limits on a node, as its warden found out when it started.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace bramble::wire {

enum class Enforcement {
  unknown,  // an older agent, or one that has not heard its warden yet
  none,     // nothing holds a task back
  polled,   // looked at four times a second
  kernel,   // by control groups
};

struct Containment {
  Enforcement memory = Enforcement::unknown;
  Enforcement cpus = Enforcement::unknown;
  Enforcement processes = Enforcement::unknown;
  bool sandbox = false;    // tasks can be isolated
  std::string no_sandbox;  // why not; empty as well: not known
  bool files = false;      // tasks find their input files in their directories; an older one would start them without

  bool operator==(const Containment&) const = default;
};

std::string_view to_string(Enforcement enforcement);
Enforcement parse_enforcement(std::string_view text);  // a newer peer's word: unknown

// "memory by the kernel, cpus not, processes not"; empty where nothing is known.
std::string limits_text(const Containment& containment);

// One line of JSON, for a database.
std::string encode_containment(const Containment& containment);
Result<Containment> decode_containment(std::string_view json);

}  // namespace bramble::wire
