#include "causes.hpp"

#include <algorithm>
#include <set>

#include "checker.hpp"

namespace bramble::test::chaos {
namespace {

bool silences(const Fault& fault, const std::string& node) {
  if (fault.kind == FaultKind::machine_stalled) return true;
  return is_of_a_node(fault.kind) && fault.kind != FaultKind::warden_killed &&
         fault.kind != FaultKind::warden_stopped && fault.node == node;
}

// Whether no word of the head's reaches the keepers: a lease is not prolonged.
bool deafens(const Fault& fault, const std::string& node) { return !is_of_a_node(fault.kind) || fault.node == node; }

// The longest outage that cannot end a lease: outage + min(1.25 x outage, kMaxReconnectMs) + kBeatsMs do not exceed it.
int64_t longest_harmless_ms(int64_t lease_ms) {
  const int64_t rest_ms = lease_ms - kBeatsMs;
  return std::max(rest_ms - kMaxReconnectMs, rest_ms * 4 / 9);
}

bool ends_tasks(const Fault& fault) {
  return fault.kind == FaultKind::warden_killed || fault.kind == FaultKind::power_lost;
}

}  // namespace

Causes::Causes(const std::vector<Fault>& faults, int64_t lease_ms) : faults_(faults) {
  std::set<std::string> nodes{""};
  for (const Fault& fault : faults) nodes.insert(fault.node);
  for (const std::string& node : nodes) {
    auto& lost = lost_[node] = joined(node, silences, kJoinMs, kOutageMs);
    for (const Fault& fault : faults) {
      if (ends_tasks(fault) && fault.node == node) lost.push_back({fault.begin_ns, fault.end_ns});
    }
    lease_ended_[node] = joined(node, deafens, kHeardAgainMs, longest_harmless_ms(lease_ms));
  }
}

std::vector<Causes::Span> Causes::joined(const std::string& node, Counts counts, int64_t join_ms,
                                         int64_t longest_ms) const {
  std::vector<Fault> all;
  std::copy_if(faults_.begin(), faults_.end(), std::back_inserter(all),
               [&](const Fault& fault) { return counts(fault, node); });
  std::sort(all.begin(), all.end(), [](const Fault& a, const Fault& b) { return a.begin_ns < b.begin_ns; });
  std::vector<Span> spans;
  for (size_t i = 0; i < all.size();) {
    Span span{all[i].begin_ns, all[i].end_ns};
    for (; i < all.size() && all[i].begin_ns <= span.end_ns + join_ms * kNsPerMs; ++i) {
      span.end_ns = std::max(span.end_ns, all[i].end_ns);
    }
    if (span.end_ns - span.begin_ns > longest_ms * kNsPerMs) spans.push_back(span);
  }
  return spans;
}

bool Causes::any_between(const Spans& spans, const std::string& node, int64_t begin_ns, int64_t end_ns) {
  const auto known = spans.find(node);
  const auto& own = known != spans.end() ? known->second : spans.at("");
  return std::any_of(own.begin(), own.end(), [&](const Span& span) {
    return span.begin_ns <= end_ns && span.end_ns + kSettleMs * kNsPerMs >= begin_ns;
  });
}

bool Causes::lost_between(const std::string& node, int64_t begin_ns, int64_t end_ns) const {
  return any_between(lost_, node, begin_ns, end_ns);
}

bool Causes::lease_ended_between(const std::string& node, int64_t begin_ns, int64_t end_ns) const {
  return any_between(lease_ended_, node, begin_ns, end_ns);
}

bool Causes::power_lost_between(const std::string& node, int64_t begin_ns, int64_t end_ns) const {
  return std::any_of(faults_.begin(), faults_.end(), [&](const Fault& fault) {
    return fault.kind == FaultKind::power_lost && fault.node == node && fault.begin_ns <= end_ns &&
           fault.end_ns >= begin_ns;
  });
}

std::string Causes::words_between(const std::string& node, int64_t begin_ns, int64_t end_ns) const {
  std::set<std::string> words;
  for (const Fault& fault : faults_) {
    const bool then = fault.begin_ns <= end_ns && fault.end_ns >= begin_ns;
    if (then && is_of_a_node(fault.kind) && fault.node == node) words.insert(to_string(fault.kind));
  }
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : " and ") + word;
  return all.empty() ? "head or broker away" : all;
}

}  // namespace bramble::test::chaos
