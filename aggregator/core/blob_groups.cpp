#include "aggregator/core/blob_groups.hpp"

#include <algorithm>

namespace bramble::aggregator {
namespace {

int64_t gather_ms(uint64_t size_bytes) {
  const auto chunks = static_cast<int64_t>(size_bytes / wire::kBlobChunkBytes);
  return std::min(BlobGroups::kMaxGatherMs, BlobGroups::kGatherMs + chunks);
}

bool is_less(const std::pair<const uint32_t, uint64_t>& one, const std::pair<const uint32_t, uint64_t>& other) {
  return one.second < other.second;
}

}  // namespace

// What others pull already it gets alone. Those that are done are followed by the next.
void BlobGroups::expect(uint32_t node, const wire::BlobRef& blob, MonoTime now) {
  if (all_.size() >= kMaxBlobs && !all_.contains(blob.sha256)) return;
  Group& group = all_[blob.sha256];
  group.heard = now;
  group.size_bytes = blob.size_bytes;
  if (group.phase == Phase::together || group.came.contains(node) || group.came.size() >= kMaxNodes) return;
  if (group.phase == Phase::apart) {
    group.phase = Phase::gathering;
    group.asked.clear();
    group.sent = 0;
  }
  if (group.asked.size() < kMaxNodes) group.asked.try_emplace(node, 0);
}

BlobGroups::Sends BlobGroups::ask(uint32_t node, const std::string& sha256, BlobRange range, MonoTime now) {
  const auto entry = all_.find(sha256);
  if (entry == all_.end()) return {{node, range}};
  Group& group = entry->second;
  const auto member = group.asked.find(node);
  const bool goes_on = member != group.asked.end() && member->second == range.begin;
  if (!goes_on) return ask_alone(node, sha256, range, now);
  group.heard = now;
  group.came.insert(node);
  member->second = range.end;
  if (group.phase == Phase::apart) {
    const uint64_t begin = std::max(range.begin, group.sent);  // the rest is on its way
    return begin < range.end ? Sends{{node, {begin, range.end}}} : Sends{};
  }
  if (group.phase == Phase::gathering && !group.due) wait_until(entry, now + gather_ms(group.size_bytes));
  return advance(entry, now);
}

BlobGroups::Sends BlobGroups::ask_alone(uint32_t node, const std::string& sha256, BlobRange range, MonoTime now) {
  Sends sends{{node, range}};
  const auto entry = all_.find(sha256);
  if (entry == all_.end()) return sends;
  entry->second.heard = now;
  entry->second.came.insert(node);
  if (entry->second.asked.erase(node) == 0) return sends;
  const Sends others = advance(entry, now);
  sends.insert(sends.end(), others.begin(), others.end());
  return sends;
}

BlobGroups::Sends BlobGroups::advance(Entry entry, MonoTime now) {
  Group& group = entry->second;
  Sends sends;
  if (group.phase == Phase::gathering) {
    const auto is_awaited = [](const auto& member) { return member.second == 0; };
    if (std::any_of(group.asked.begin(), group.asked.end(), is_awaited)) return {};
    wait_until(entry, {});
    group.phase = Phase::together;
  }
  if (group.phase == Phase::together && group.asked.size() > 1) {
    send_to_all(entry, sends, now);
  } else if (group.phase == Phase::together) {
    sends = part(entry);
  }
  return sends;
}

// Nobody waits for a slower one, within limits: what it has not asked for yet waits for it at the broker.
void BlobGroups::send_to_all(Entry entry, Sends& sends, MonoTime now) {
  Group& group = entry->second;
  const auto [low, high] = std::minmax_element(group.asked.begin(), group.asked.end(), is_less);
  const uint64_t end = std::min(high->second, low->second + kAheadBytes);
  if (end > group.sent) {
    sends.push_back({{}, {group.sent, end}});
    group.sent = end;
  }
  if (high->second <= group.sent) {
    wait_until(entry, {});
  } else if (!group.due) {
    wait_until(entry, now + kMaxGatherMs);
  }
  if (low->second == group.size_bytes) group.phase = Phase::apart;  // all have all
}

// From now on each is answered alone.
BlobGroups::Sends BlobGroups::part(Entry entry) {
  Group& group = entry->second;
  wait_until(entry, {});
  group.phase = Phase::apart;
  Sends sends;
  for (const auto& [node, asked] : group.asked) {
    if (asked > group.sent) sends.push_back({node, {group.sent, asked}});
  }
  return sends;
}

// Who did not come is not waited for any longer; nor is one that is far behind.
BlobGroups::Sends BlobGroups::stop_waiting(Entry entry, MonoTime now) {
  Group& group = entry->second;
  wait_until(entry, {});
  std::erase_if(group.asked, [](const auto& member) { return member.second == 0; });
  Sends sends = advance(entry, now);
  if (!group.due) return sends;
  const Sends apart = part(entry);
  sends.insert(sends.end(), apart.begin(), apart.end());
  return sends;
}

std::vector<BlobGroups::Due> BlobGroups::due(MonoTime now) {
  std::vector<Due> all;
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    const auto entry = all_.find(waiting_.begin()->second);
    all.push_back({entry->first, stop_waiting(entry, now)});
  }
  return all;
}

std::optional<MonoTime> BlobGroups::next_due() const {
  return waiting_.empty() ? std::nullopt : std::optional(waiting_.begin()->first);
}

void BlobGroups::wait_until(Entry entry, std::optional<MonoTime> due) {
  Group& group = entry->second;
  if (group.due) waiting_.erase({*group.due, entry->first});
  group.due = due;
  if (due) waiting_.emplace(*due, entry->first);
}

void BlobGroups::sweep(MonoTime now) {
  std::erase_if(all_, [&](const auto& entry) { return !entry.second.due && now - entry.second.heard > kForgetMs; });
}

void BlobGroups::forget(uint32_t node) {
  for (auto& [sha256, group] : all_) {
    group.asked.erase(node);
    group.came.erase(node);
  }
}

}  // namespace bramble::aggregator
