#include "common/base/nearest.hpp"

#include <algorithm>
#include <cstddef>

#include "common/base/utf8.hpp"

namespace bramble {
namespace {

constexpr size_t kMaxWordBytes = 64;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same(char a, char b) { return lower(a) == lower(b); }

// Optimal string alignment distance, with the last three rows of its table.
size_t slips(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last(b.size() + 1), last(b.size() + 1), current(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1);
      current[j] = std::min({replaced, last[j] + 1, current[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]);
      if (swapped) current[j] = std::min(current[j], before_last[j - 2] + 1);
    }
    std::swap(before_last, last);
    std::swap(last, current);
  }
  return last[b.size()];
}

// One slip in three letters is still that word; shorter words are too much alike to guess.
size_t allowed_slips(std::string_view word) { return word.size() / 3; }

}  // namespace

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.empty() || word.size() > kMaxWordBytes) return std::nullopt;
  const std::string* best = nullptr;
  size_t best_slips = 0;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kMaxWordBytes) continue;
    const size_t found = slips(word, candidate);
    if (found > std::max(allowed_slips(word), allowed_slips(candidate))) continue;
    if (best != nullptr && found >= best_slips) continue;
    best = &candidate;
    best_slips = found;
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

std::string unknown(std::string_view what, std::string_view word, const std::vector<std::string>& candidates) {
  std::string message = "unknown " + std::string(what) + " '" + to_utf8(word, kMaxWordBytes) + "'";
  if (const auto meant = nearest(word, candidates))
    message += "; did you mean '" + to_utf8(*meant, kMaxWordBytes) + "'?";
  return message;
}

}  // namespace bramble
