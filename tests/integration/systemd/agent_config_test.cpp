// systemd/agent.toml, as the agent itself reads it.
#include <gtest/gtest.h>

#include "agent/settings.hpp"
#include "commented_config.hpp"
#include "support/temp_dir.hpp"

namespace bramble::test {
namespace {

class AgentConfigTest : public testing::Test {
 protected:
  Result<agent::Settings> read(std::string text) const {
    // A container may lack an identity, and nobody has this password.
    const std::string password = "/etc/bramble/broker-password";
    EXPECT_TRUE(posix::write_file_atomically(dir_ / "password", "secret\n"));
    if (const size_t at = text.find(password); at != std::string::npos) {
      text.replace(at, password.size(), dir_ / "password");
    }
    EXPECT_TRUE(posix::write_file_atomically(dir_ / "agent.toml", text));
    return agent::read_settings(dir_ / "agent.toml");
  }

  TempDir dir_;
};

TEST_F(AgentConfigTest, AsItIsInstalledItChangesNothing) {
  const auto settings = read(config_file("agent.toml") + "machine_id = \"machine\"\n");
  ASSERT_TRUE(settings) << settings.error().message;
  const agent::Settings defaults;
  EXPECT_EQ(settings->broker_url, defaults.broker_url);
  EXPECT_EQ(settings->state_dir, defaults.state_dir);
  EXPECT_EQ(settings->warden_socket, defaults.warden_socket);
  EXPECT_EQ(settings->halt.request_file, defaults.halt.request_file);
}

TEST_F(AgentConfigTest, EveryKeyThatItShowsIsKnownAndSound) {
  const auto settings = read(uncommented(config_file("agent.toml")));
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->config.node, "pi01");
  EXPECT_EQ(settings->broker_password, "secret");
  EXPECT_EQ(settings->config.labels.at("case"), "top");
}

}  // namespace
}  // namespace bramble::test
