#include "aggregator/store/reading_filter.hpp"

#include <utility>

namespace bramble::aggregator {

bool SeenNumbers::add(uint64_t number) {
  auto after = last_of_.upper_bound(number);
  if (after != last_of_.begin()) {
    const auto before = std::prev(after);
    if (number <= before->second) return false;
    if (number == before->second + 1) {
      before->second = number;
      if (after != last_of_.end() && after->first == number + 1) {
        before->second = after->second;
        last_of_.erase(after);
      }
      return true;
    }
  }
  uint64_t last = number;
  if (after != last_of_.end() && after->first == number + 1) {
    last = after->second;
    last_of_.erase(after);
  }
  last_of_.emplace(number, last);
  if (last_of_.size() > kMaxRanges) last_of_.erase(last_of_.begin());
  return true;
}

ReadingFilter::Verdict ReadingFilter::judge(const std::string& node, const wire::Telemetry& reading) {
  if (max_age_ms_ > 0 && reading.age_ms > max_age_ms_) return Verdict::too_old;
  if (reading.run == 0) return Verdict::take;
  if (nodes_.size() >= kMaxNodes && !nodes_.contains(node)) nodes_.clear();
  Node& known = nodes_[node];
  if (known.before.run == reading.run)
    return known.before.seen.add(reading.number) ? Verdict::take : Verdict::duplicate;
  if (known.newest.run != reading.run) {
    known.before = std::exchange(known.newest, {});
    known.newest.run = reading.run;
  }
  return known.newest.seen.add(reading.number) ? Verdict::take : Verdict::duplicate;
}

}  // namespace bramble::aggregator
