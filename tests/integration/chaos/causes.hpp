// Which faults justify that a task ran twice: the rule at the head of checker.hpp.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "history.hpp"

namespace bramble::test::chaos {

class Causes {
 public:
  explicit Causes(const std::vector<Fault>& faults);

  // Whether a task on that node may have been taken for lost at some time from begin_ns to end_ns.
  bool lost_between(const std::string& node, int64_t begin_ns, int64_t end_ns) const;

 private:
  struct Span {
    int64_t begin_ns = 0;
    int64_t end_ns = 0;
  };

  std::vector<Span> outages_of(const std::string& node) const;

  const std::vector<Fault>& faults_;
  std::map<std::string, std::vector<Span>> spans_;  // of each node's long outages and its warden's deaths
};

}  // namespace bramble::test::chaos
