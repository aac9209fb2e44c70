// Where the configured lines were found to be on this machine. A line that is given by its name and by its offset, or a
// meter with and without its device, is one place under two names: only here is that noticed.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "aggregator/core/lines.hpp"
#include "common/base/result.hpp"

namespace bramble::aggregator {

// "pinctrl-rp1 GPIO17 is given to the supply of pi01 already: a line switches one thing".
std::string given_already(const LineSpec& line, const LineSpec& owner);

// Belongs to one thread.
class LinePlaces {
 public:
  // `line` is at `place` (any text that names it), and no more where it was before; empty: nowhere. Fails where another
  // line is.
  Status settle(const LineSpec& line, const std::string& place);

 private:
  std::map<std::pair<std::string, LineRole>, std::string> places_;  // by node and role
  std::map<std::string, LineSpec> owners_;                          // by place
};

// The same for one line.
using SettleLine = std::function<Status(const std::string& place)>;

inline Status settle_anywhere(const std::string&) { return {}; }

}  // namespace bramble::aggregator
