// What becomes of the readings of one node in one minute, and of the minutes of one hour. Pure arithmetic on scaled
// integers: increases are sums of whole numbers, so energy is exact in every tier.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "aggregator/store/telemetry_columns.hpp"

namespace bramble::aggregator {

// Of one metric. A gauge has min, mean, max (of the readings that told it); a counter has last and increase.
struct MetricSummary {
  bool told = false;  // in this span. A counter that was not told carries `last` on, and has no increase
  bool has_last = false;
  int64_t min = 0;
  int64_t mean = 0;
  int64_t max = 0;
  int64_t last = 0;
  int64_t increase = 0;

  bool operator==(const MetricSummary&) const = default;
};

// A life of a node's agent (a row of `sources`); power_measured apart, it is the life that counts.
struct Life {
  int64_t run = 0;              // 0: not known
  bool from_its_begin = false;  // its first readings were heard: its counters began at 0 when it did
  int64_t order = 0;            // grows from one life of a node to the next, in the order of their first hearing

  bool operator==(const Life&) const = default;
};

struct Rollup {
  int64_t readings = 0;
  int64_t covered_us = 0;  // from the reading before the span to its last one
  int64_t last_us = 0;     // when the last reading that was no leftover was taken
  int64_t last_source = 0;
  Life last_life;
  std::array<MetricSummary, kTelemetryColumnCount> metrics;

  bool operator==(const Rollup&) const = default;
};

// How long after the newest life's last reading one of an older life is a leftover: a head that starts again with a
// clock that stood still for an hour writes new lives in among the old ones. After that the older life is back, say
// because the second one of a cloned card is gone.
inline constexpr int64_t kLivesOverlapUs = int64_t{2} * 3600 * 1'000'000;

// What the life of a reading is to that of the reading before it.
enum class Succession { same, newer, leftover, back, unknown };
Succession succession(const Life& before, int64_t before_us, const Life& now, int64_t now_us);

// What a reading of a counter adds to it.
//
// A value below its predecessor has begun anew and counts from 0, and so does energy in a newer life of the agent,
// whatever it says. Within one life energy never falls, so a value below its predecessor is out of order (late, or from
// before a jump of the head's clock) and adds nothing; of the other counters one is, that is more than half of it.
// A leftover is out of order, too, or every switch between two lives would count all that both have ever used. Of a
// life that is back, what it counted meanwhile is not known. A counter's first reading ever adds nothing, but energy of
// a life that was heard from its begin counts from 0.
struct CounterStep {
  int64_t increase = 0;
  std::optional<int64_t> last;  // with which the next one is compared

  bool operator==(const CounterStep&) const = default;
};
CounterStep count_on(size_t column, std::optional<int64_t> last, int64_t value, const Life& life,
                     Succession succession);

// What a counter that a reading does not tell goes on from: that of an agent's new life is known to have begun anew
// also where its first readings leave it out (energy needs two).
std::optional<int64_t> carry_on(size_t column, std::optional<int64_t> last, Succession succession);

// The readings of one node and span, added in the order of time.
class RollupBuilder {
 public:
  // before: the newest summary of an earlier span of that node, if there is any.
  explicit RollupBuilder(const std::optional<Rollup>& before);

  void add(int64_t ts_us, int64_t source, const Life& life, const ScaledValues& values);
  Rollup finish();  // readings > 0

 private:
  struct Running {
    int64_t count = 0;
    long double sum = 0;  // of scaled integers below 2^63: exact up to 2^64
  };

  Rollup rollup_;
  bool has_before_ = false;
  std::array<Running, kTelemetryColumnCount> running_;
};

// Minutes of one node, in the order of time, at least one. Means are weighted with the number of readings.
Rollup combine(std::span<const Rollup> minutes);

}  // namespace bramble::aggregator
