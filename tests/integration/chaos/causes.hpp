// Which faults justify that a task ran twice: the rule at the head of checker.hpp.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "history.hpp"

namespace bramble::test::chaos {

class Causes {
 public:
  Causes(const std::vector<Fault>& faults, int64_t lease_ms);

  // Whether a task on that node may have been taken for lost at some time from begin_ns to end_ns.
  bool lost_between(const std::string& node, int64_t begin_ns, int64_t end_ns) const;
  // Whether a lease may have ended there.
  bool lease_ended_between(const std::string& node, int64_t begin_ns, int64_t end_ns) const;
  bool power_lost_between(const std::string& node, int64_t begin_ns, int64_t end_ns) const;

  // What befell the node at some time from begin_ns to end_ns, in words.
  std::string words_between(const std::string& node, int64_t begin_ns, int64_t end_ns) const;

 private:
  struct Span {
    int64_t begin_ns = 0;
    int64_t end_ns = 0;
  };

  using Spans = std::map<std::string, std::vector<Span>>;  // by node; "": one that nothing befell of its own
  using Counts = bool (*)(const Fault& fault, const std::string& node);

  // Those longer than longest_ms, once those at most join_ms apart are taken for one.
  std::vector<Span> joined(const std::string& node, Counts counts, int64_t join_ms, int64_t longest_ms) const;
  static bool any_between(const Spans& spans, const std::string& node, int64_t begin_ns, int64_t end_ns);

  const std::vector<Fault>& faults_;
  Spans lost_;
  Spans lease_ended_;
};

}  // namespace bramble::test::chaos
