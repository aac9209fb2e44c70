#include "aggregator/store/telemetry_columns.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "aggregator/store/telemetry_schema.hpp"

namespace bramble::aggregator {
namespace {

wire::Telemetry reading(std::map<std::string, double> values) {
  wire::Telemetry made;
  made.values = std::move(values);
  return made;
}

TEST(TelemetryColumns, ScalesToIntegers) {
  const auto scaled = scale_reading(reading({{"temperature_celsius", 51.237}, {"power_w", 3.2}, {"load1", 0}}));
  EXPECT_EQ(scaled.values[*column_of("temperature_celsius")], 5124);
  EXPECT_EQ(scaled.values[*column_of("power_w")], 3200);
  EXPECT_EQ(scaled.values[*column_of("load1")], 0);
  EXPECT_EQ(scaled.values[*column_of("load5")], std::nullopt);
  EXPECT_EQ(scaled.refused, 0u);
}

TEST(TelemetryColumns, TellsApartWhatHasNoColumnAndWhatHasNoSaneValue) {
  const double inf = std::numeric_limits<double>::infinity();
  const auto told = reading({{"aaa", 1},
                             {"energy_j", 1e300},
                             {"load1", std::numeric_limits<double>::quiet_NaN()},
                             {"power_w", inf},
                             {"uptime_s", 5},
                             {"zzz", 2},
                             {"zzzz", inf}});
  const auto scaled = scale_reading(told);
  EXPECT_EQ(scaled.refused, 4u);
  ASSERT_EQ(scaled.others.size(), 2u);
  EXPECT_EQ(scaled.others[1].first, "zzz");
  EXPECT_EQ(scaled.values[*column_of("energy_j")], std::nullopt);
  EXPECT_EQ(scaled.values[*column_of("uptime_s")], 5);
}

TEST(TelemetryColumns, CountersAreNeitherNegativeNorBeyondReason) {
  EXPECT_EQ(scale_reading(reading({{"energy_j", -1}, {"net_receive_bytes", 9e18}, {"power_w", 1e15}})).refused, 3u);
  const auto sane = scale_reading(reading({{"energy_j", 1e12}, {"net_receive_bytes", 1e18}, {"wifi_signal_dbm", -61}}));
  EXPECT_EQ(sane.refused, 0u);
  EXPECT_EQ(sane.values[*column_of("wifi_signal_dbm")], -61);
}

TEST(TelemetryColumns, EveryMetricOfBrambleHasOne) {
  for (const auto& metric : wire::kMetrics) EXPECT_TRUE(column_of(metric.name)) << metric.name;
  EXPECT_EQ(kTelemetryColumnCount, wire::kMetrics.size());
}

TEST(TelemetryColumns, ValuesComeBackInTheirUnit) {
  EXPECT_EQ(in_unit(*column_of("power_w"), "x"), "x / 1000.0");
  EXPECT_EQ(in_unit(*column_of("disk_free_bytes"), "x"), "x * 1048576");
  EXPECT_EQ(in_unit(*column_of("cpu_frequency_hz"), "x"), "x * 1000000");
  EXPECT_EQ(in_unit(*column_of("uptime_s"), "x"), "x");
}

}  // namespace
}  // namespace bramble::aggregator
