#include "aggregator/core/blob_groups.hpp"

#include <algorithm>

namespace bramble::aggregator {

std::vector<ChunkSend> BlobGroups::ask(uint32_t node, const ChunkRange& range, MonoTime now) {
  const auto [entry, is_new] = waiting_.try_emplace(range);
  if (is_new) entry->second.due = now + kGatherMs;
  entry->second.nodes.insert(node);
  if (!all_have_asked(node, range.sha256, entry->second)) return {};
  return {answer(entry, now)};
}

bool BlobGroups::all_have_asked(uint32_t node, const std::string& sha256, const Waiting& waiting) const {
  const auto group = groups_.find({node, sha256});
  if (group == groups_.end()) return false;
  const auto& nodes = group->second.nodes;
  return std::includes(waiting.nodes.begin(), waiting.nodes.end(), nodes.begin(), nodes.end());
}

ChunkSend BlobGroups::answer(std::map<ChunkRange, Waiting>::iterator entry, MonoTime now) {
  const auto& [range, waiting] = *entry;
  ChunkSend send{range, {waiting.nodes.begin(), waiting.nodes.end()}};
  for (const uint32_t node : waiting.nodes) groups_[{node, range.sha256}] = {waiting.nodes, now};
  waiting_.erase(entry);
  return send;
}

std::vector<ChunkSend> BlobGroups::due(MonoTime now) {
  std::vector<ChunkSend> sends;
  for (auto entry = waiting_.begin(); entry != waiting_.end();) {
    const auto next = std::next(entry);
    if (entry->second.due <= now) sends.push_back(answer(entry, now));
    entry = next;
  }
  std::erase_if(groups_, [&](const auto& group) { return now - group.second.answered > kForgetMs; });
  return sends;
}

std::optional<MonoTime> BlobGroups::next_due() const {
  std::optional<MonoTime> next;
  for (const auto& [range, waiting] : waiting_) next = std::min(next.value_or(waiting.due), waiting.due);
  return next;
}

void BlobGroups::forget(uint32_t node) {
  for (auto& [range, waiting] : waiting_) waiting.nodes.erase(node);
  std::erase_if(waiting_, [](const auto& entry) { return entry.second.nodes.empty(); });
  std::erase_if(groups_, [&](const auto& group) { return group.first.first == node; });
  for (auto& [key, group] : groups_) group.nodes.erase(node);
}

}  // namespace bramble::aggregator
