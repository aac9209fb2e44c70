#include "causes.hpp"

#include <algorithm>
#include <set>

#include "checker.hpp"

namespace bramble::test::chaos {
namespace {

bool silences(const Fault& fault, const std::string& node) {
  if (fault.kind == FaultKind::machine_stalled) return true;
  const bool unheard = fault.kind == FaultKind::agent_killed || fault.kind == FaultKind::agent_stopped ||
                       fault.kind == FaultKind::link_cut || fault.kind == FaultKind::link_stalled;
  return unheard && fault.node == node;
}

}  // namespace

Causes::Causes(const std::vector<Fault>& faults) : faults_(faults) {
  std::set<std::string> nodes;
  for (const Fault& fault : faults) nodes.insert(fault.node);
  for (const std::string& node : nodes) {
    auto& spans = spans_[node] = outages_of(node);
    for (const Fault& fault : faults) {
      if (fault.kind == FaultKind::warden_killed && fault.node == node) spans.push_back({fault.begin_ns, fault.end_ns});
    }
  }
}

std::vector<Causes::Span> Causes::outages_of(const std::string& node) const {
  std::vector<Fault> all;
  const auto counts = [&](const Fault& fault) { return silences(fault, node); };
  std::copy_if(faults_.begin(), faults_.end(), std::back_inserter(all), counts);
  std::sort(all.begin(), all.end(), [](const Fault& a, const Fault& b) { return a.begin_ns < b.begin_ns; });
  std::vector<Span> spans;
  for (size_t i = 0; i < all.size();) {
    Span span{all[i].begin_ns, all[i].end_ns};
    for (; i < all.size() && all[i].begin_ns <= span.end_ns + kJoinMs * kNsPerMs; ++i) {
      span.end_ns = std::max(span.end_ns, all[i].end_ns);
    }
    if (span.end_ns - span.begin_ns > kOutageMs * kNsPerMs) spans.push_back(span);
  }
  return spans;
}

bool Causes::lost_between(const std::string& node, int64_t begin_ns, int64_t end_ns) const {
  auto known = spans_.find(node);
  if (known == spans_.end()) known = spans_.find("");  // nothing befell it but what befell the machine
  if (known == spans_.end()) return false;
  return std::any_of(known->second.begin(), known->second.end(), [&](const Span& span) {
    return span.begin_ns <= end_ns && span.end_ns + kSettleMs * kNsPerMs >= begin_ns;
  });
}

}  // namespace bramble::test::chaos
