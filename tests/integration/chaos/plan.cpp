#include "plan.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace bramble::test::chaos {
namespace {

constexpr int64_t kFirstMs = 1'500;  // let there be something to break
constexpr int64_t kMinGapMs = 100;   // between the begins of two faults
constexpr int64_t kMaxGapMs = 1'800;
constexpr int64_t kCalmMaxGapMs = 8'000;  // every other minute, so that there is much at work when something breaks
constexpr int64_t kMinuteMs = 60'000;
constexpr int kTogetherChance = 25;  // that two faults begin in one moment
constexpr int kLongChance = 35;      // that a fault outlasts the limits of silence and loss
constexpr int64_t kShortestCutMs = 2'000;

struct Shape {
  FaultKind kind;
  int weight;
  std::array<const char*, 3> parts;  // what it has in hand
  int64_t min_ms, short_ms, long_ms;
};

constexpr std::array kShapes{
    Shape{FaultKind::agent_killed, 14, {"agent"}, 0, 1'500, 9'000},
    Shape{FaultKind::agent_stopped, 12, {"agent"}, 200, 3'000, 12'000},
    Shape{FaultKind::warden_killed, 12, {"warden"}, 0, 1'500, 6'000},
    Shape{FaultKind::warden_stopped, 8, {"warden"}, 200, 3'000, 10'000},
    Shape{FaultKind::power_lost, 8, {"agent", "warden", "link"}, 300, 3'000, 12'000},
    Shape{FaultKind::link_cut, 10, {"link"}, kShortestCutMs, 4'000, 0},
    Shape{FaultKind::link_stalled, 10, {"link"}, kShortestCutMs, 4'000, 0},
    Shape{FaultKind::aggregator_killed, 10, {"head"}, 0, 1'000, 6'000},
    Shape{FaultKind::aggregator_stopped, 8, {"head"}, 200, 3'000, 12'000},
    Shape{FaultKind::head_link_cut, 5, {"head's link"}, 200, 3'000, 10'000},
    Shape{FaultKind::broker_killed, 6, {"broker"}, 0, 1'500, 8'000},
    Shape{FaultKind::broker_stopped, 5, {"broker"}, 200, 3'000, 8'000},
    Shape{FaultKind::broker_emptied, 6, {"broker"}, 0, 1'500, 8'000},
    Shape{FaultKind::disk_full, 6, {"disk"}, 500, 3'000, 9'000},
    Shape{FaultKind::disk_slow, 7, {"disk"}, 4'000, 6'000, 15'000},
};

const Shape& pick(Random& random) {
  int total = 0;
  for (const Shape& shape : kShapes) total += shape.weight;
  int64_t at = random.between(0, total - 1);
  for (const Shape& shape : kShapes) {
    at -= shape.weight;
    if (at < 0) return shape;
  }
  return kShapes.back();
}

int64_t length_of(const Shape& shape, Random& random, const PlanLimits& limits) {
  const int64_t long_ms = shape.long_ms > 0 ? shape.long_ms : limits.longest_cut_ms;
  const bool is_long = random.chance(kLongChance) && long_ms > shape.short_ms;
  return is_long ? random.between(shape.short_ms, long_ms) : random.between(shape.min_ms, shape.short_ms);
}

std::vector<std::string> parts_of(const Shape& shape, size_t node) {
  std::vector<std::string> parts;
  for (const char* part : shape.parts) {
    if (part) parts.push_back(part + (is_of_a_node(shape.kind) ? std::to_string(node) : ""));
  }
  return parts;
}

int64_t gap_ms(Random& random, int64_t now_ms) {
  const bool calm = now_ms / kMinuteMs % 2 == 1;
  if (random.chance(kTogetherChance)) return 0;
  return random.between(kMinGapMs, calm ? kCalmMaxGapMs : kMaxGapMs);
}

}  // namespace

std::string to_string(const PlannedFault& fault) {
  return std::to_string(fault.begin_ms) + " to " + std::to_string(fault.end_ms) + " ms: " + to_string(fault.kind) +
         (is_of_a_node(fault.kind) ? " n" + std::to_string(fault.node + 1) : "");
}

std::vector<PlannedFault> make_plan(uint64_t seed, const PlanLimits& limits) {
  Random random(seed);
  std::vector<PlannedFault> plan;
  std::map<std::string, int64_t> busy_until_ms;
  for (int64_t now_ms = kFirstMs; now_ms < limits.total_ms; now_ms += gap_ms(random, now_ms)) {
    const Shape& shape = pick(random);
    const auto node = static_cast<size_t>(random.between(0, static_cast<int64_t>(limits.agents) - 1));
    const int64_t length_ms = length_of(shape, random, limits);
    const auto parts = parts_of(shape, node);
    const auto busy = [&](const std::string& part) { return busy_until_ms[part] > now_ms; };
    if (std::any_of(parts.begin(), parts.end(), busy) || now_ms + length_ms > limits.total_ms) continue;
    if (shape.kind == FaultKind::disk_full && !limits.disk_may_be_full) continue;
    for (const std::string& part : parts) busy_until_ms[part] = now_ms + length_ms + kMinGapMs;
    plan.push_back({shape.kind, node, now_ms, now_ms + length_ms});
  }
  return plan;
}

}  // namespace bramble::test::chaos
