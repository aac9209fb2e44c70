#include "aggregator/store/telemetry_columns.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "aggregator/store/telemetry_table.hpp"
#include "unit/store/store_builders.hpp"

namespace bramble::aggregator {
namespace {

std::optional<int64_t> value_of(const ScaledValues& values, std::string_view metric) {
  for (size_t i = 0; i < kTelemetryColumnCount; ++i) {
    if (kTelemetryColumns[i].metric == metric) return values[i];
  }
  return std::nullopt;
}

TEST(TelemetryColumns, ScalesToIntegers) {
  uint64_t unknown = 0;
  const auto values =
      scale_reading({1, 0, 0, 0, false, {{"temperature_celsius", 51.237}, {"power_w", 3.2}, {"load1", 0}}}, unknown);
  EXPECT_EQ(value_of(values, "temperature_celsius"), 5124);
  EXPECT_EQ(value_of(values, "power_w"), 3200);
  EXPECT_EQ(value_of(values, "load1"), 0);
  EXPECT_EQ(value_of(values, "load5"), std::nullopt);
  EXPECT_EQ(unknown, 0u);
}

TEST(TelemetryColumns, CountsWhatHasNoColumnOrNoSaneValue) {
  uint64_t unknown = 0;
  const auto values = scale_reading({1,
                                     0,
                                     0,
                                     0,
                                     false,
                                     {{"aaa", 1},
                                      {"energy_j", 1e300},
                                      {"load1", std::numeric_limits<double>::quiet_NaN()},
                                      {"power_w", std::numeric_limits<double>::infinity()},
                                      {"uptime_s", 5},
                                      {"zzz", 1}}},
                                    unknown);
  EXPECT_EQ(unknown, 5u);
  EXPECT_EQ(value_of(values, "energy_j"), std::nullopt);
  EXPECT_EQ(value_of(values, "uptime_s"), 5);
}

TEST(TelemetryColumns, AllHaveAColumnInTheSchemaAndInTheView) {
  const TempDir dir;
  const auto table = TelemetryTable::open(dir / "telemetry.db");
  ASSERT_TRUE(table) << table.error().message;
  auto connection = sqlite::Connection::open(dir / "telemetry.db", sqlite::OpenMode::read_only, 0);
  ASSERT_TRUE(connection);
  for (const auto& column : kTelemetryColumns) {
    EXPECT_TRUE(connection->prepare("SELECT " + std::string(column.metric) + " FROM telemetry")) << column.metric;
  }
}

}  // namespace
}  // namespace bramble::aggregator
