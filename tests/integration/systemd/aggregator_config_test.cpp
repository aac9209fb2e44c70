// systemd/aggregator.toml, as the aggregator itself reads it.
#include <gtest/gtest.h>

#include "aggregator/config.hpp"
#include "commented_config.hpp"
#include "support/temp_dir.hpp"

namespace bramble::test {
namespace {

class AggregatorConfigTest : public testing::Test {
 protected:
  Result<aggregator::DaemonConfig> read(const std::string& text) const {
    EXPECT_TRUE(posix::write_file_atomically(dir_ / "aggregator.toml", text));
    return aggregator::read_config(dir_ / "aggregator.toml");
  }

  TempDir dir_;
};

TEST_F(AggregatorConfigTest, AsItIsInstalledItChangesNothing) {
  const auto config = read(config_file("aggregator.toml"));
  ASSERT_TRUE(config) << config.error().message;
  const aggregator::DaemonConfig defaults;
  EXPECT_EQ(config->state_dir, defaults.state_dir);
  EXPECT_EQ(config->api_socket, defaults.api_socket);
  EXPECT_EQ(config->broker_url, "");
  EXPECT_TRUE(config->lines.empty());
}

TEST_F(AggregatorConfigTest, EveryKeyThatItShowsIsKnownAndSound) {
  const auto config = read(uncommented(config_file("aggregator.toml")));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->alerts.size(), 1U);
  EXPECT_EQ(config->lines.size(), 1U);
  EXPECT_EQ(config->state_dir, aggregator::DaemonConfig().state_dir) << "what it shows are the defaults";
  EXPECT_EQ(config->blob_quota_bytes, aggregator::DaemonConfig().blob_quota_bytes);
}

}  // namespace
}  // namespace bramble::test
