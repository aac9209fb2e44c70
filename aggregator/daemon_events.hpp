// What comes into the aggregator's state thread, with the time at which it was received.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "aggregator/core/api.hpp"
#include "aggregator/core/identities.hpp"
#include "aggregator/core/lines.hpp"
#include "aggregator/core/refusals.hpp"
#include "aggregator/core/store.hpp"

namespace bramble::aggregator {

struct Connected {};
struct Disconnected {
  std::string reason;
};
struct Incoming {
  std::string topic;
  std::string payload;
};
struct Sealed {
  AttemptKey key;
};
struct Failed {
  AttemptKey key;
  wire::Stream stream = wire::Stream::stdout_;
  uint64_t have_bytes = 0;
};
struct Forgotten {
  std::vector<ForgottenRows> rows;
};
struct Expired {
  std::vector<JobId> jobs;
};
struct LineReported {
  LineReport report;
};
struct IdentitiesChanged {};  // the broker is to read its lists anew
struct Event {
  Now at;
  std::variant<Connected, Disconnected, Incoming, Sealed, Failed, Forgotten, Expired, LineReported, IdentitiesChanged,
               IdentityReport, ApiRequest, Refused>
      what;
};

}  // namespace bramble::aggregator
