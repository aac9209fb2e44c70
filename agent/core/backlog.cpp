#include "agent/core/backlog.hpp"

#include <algorithm>

namespace bramble::agent {
namespace {

// A reading that comes a moment early is still one of its row.
constexpr int64_t kJitterMs = 200;

}  // namespace

std::shared_ptr<const std::vector<std::string>> Backlog::names_of(const wire::Telemetry& reading) const {
  if (!kept_.empty()) {
    const auto& names = kept_.back().names;
    const bool same = std::equal(names->begin(), names->end(), reading.values.begin(), reading.values.end(),
                                 [](const std::string& name, const auto& value) { return name == value.first; });
    if (same) return names;
  }
  auto names = std::make_shared<std::vector<std::string>>();
  names->reserve(reading.values.size());
  for (const auto& [name, value] : reading.values) names->push_back(name);
  return names;
}

void Backlog::keep(const wire::Telemetry& reading, MonoTime taken) {
  if (last_kept_ && taken - *last_kept_ < spacing_ms_ - kJitterMs) {
    ++dropped_;
    return;
  }
  last_kept_ = taken;
  Kept kept{taken, reading.wall_ms, reading.number, reading.run, reading.power_measured, names_of(reading), {}};
  kept.values.reserve(reading.values.size());
  for (const auto& [name, value] : reading.values) kept.values.push_back(value);
  values_ += kept.values.size();
  kept_.push_back(std::move(kept));
  while ((values_ > kMaxValues || kept_.size() > kMaxReadings) && kept_.size() > 1) thin_out();
}

// The newest stays, and of the others every other one.
void Backlog::thin_out() {
  std::deque<Kept> thinner;
  values_ = 0;
  for (size_t i = 0; i < kept_.size(); ++i) {
    if ((kept_.size() - 1 - i) % 2 != 0) {
      ++dropped_;
      continue;
    }
    values_ += kept_[i].values.size();
    thinner.push_back(std::move(kept_[i]));
  }
  kept_ = std::move(thinner);
  spacing_ms_ *= 2;
}

std::optional<wire::Telemetry> Backlog::take_oldest(MonoTime now) {
  while (!kept_.empty()) {
    const Kept kept = std::move(kept_.front());
    kept_.pop_front();
    values_ -= kept.values.size();
    if (kept_.empty()) {
      spacing_ms_ = kFirstSpacingMs;
      last_kept_.reset();
    }
    if (now - kept.taken > wire::kMaxAgeMs) {
      ++dropped_;
      continue;
    }
    wire::Telemetry reading;
    reading.number = kept.number;
    reading.wall_ms = kept.wall_ms;
    reading.age_ms = std::max<int64_t>(0, now - kept.taken);
    reading.run = kept.run;
    reading.power_measured = kept.power_measured;
    for (size_t i = 0; i < kept.values.size(); ++i)
      reading.values.emplace_hint(reading.values.end(), (*kept.names)[i], kept.values[i]);
    return reading;
  }
  return std::nullopt;
}

}  // namespace bramble::agent
