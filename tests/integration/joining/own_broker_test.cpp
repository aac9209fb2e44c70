// Nodes come in by a broker of the operator's, configured as aggregator/ca/README.md says.
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "integration/joining/fixture.hpp"
#include "support/daemon.hpp"

namespace bramble::test {
namespace {

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

// The indented lines after the sentence that begins with `heading`.
std::string block_of_readme(const std::string& heading) {
  std::ifstream readme(BRAMBLE_CA_README);
  std::string text, line;
  while (std::getline(readme, line) && !line.starts_with(heading)) continue;
  while (std::getline(readme, line) && (text.empty() || line.starts_with("    "))) {
    if (line.starts_with("    ")) text += line.substr(4) + "\n";
  }
  return text;
}

class OwnBroker : public JoiningTest {
 protected:
  OwnBroker() : JoiningTest(free_port()) {
    EXPECT_EQ(run({"mosquitto_passwd", "-b", "-c", dir_ / "passwords", "head", "sesame"}), 0);
    std::string text = block_of_readme("**With a broker of your own**");
    text = replaced(text, "STATE_DIR", dir_ / "state");
    text = replaced(text, "/etc/mosquitto/passwords", dir_ / "passwords");
    text = replaced(text, "listener 1883", "listener " + std::to_string(plain_port_));
    text = replaced(text, "listener 8883", "listener " + std::to_string(port_) + " 127.0.0.1");
    EXPECT_TRUE(posix::write_file_atomically(dir_ / "broker.conf", text + "user root\nlog_dest stderr\n"));
  }
  static int run(std::vector<std::string> argv) {
    posix::SpawnOptions options;
    options.argv = std::move(argv);
    auto process = posix::Process::spawn(options);
    if (!process) throw std::runtime_error(process.error().message);
    const auto status = process->wait(60'000);
    return status ? status->code : -1;
  }

  Daemon broker_{"mosquitto", dir_ / "broker.log", {"/usr/sbin/mosquitto", "-c", dir_ / "broker.conf"}};
};

TEST_F(OwnBroker, LetsInNodesThatWereAddedWhenItWasToldToReload) {
  aggregator_.wait_logged("the aggregator is up");
  broker_.start();
  wait_until_up();
  const std::string join_text = add("pi07");
  broker_.signal(SIGHUP);

  JoiningNode node(dir_ / "pi07", "pi07");
  ASSERT_EQ(node.take(join_text).status, 0);
  node.agent.start();
  wait_for_node("pi07", "on");
  EXPECT_EQ(bramble({"run", "--", "echo", "hello"}).out, "hello\n");

  EXPECT_EQ(bramble({"node", "remove", "pi07", "--reason", "sold"}).status, 0);
  broker_.signal(SIGHUP);
  node.agent.stop();
  node.agent.start();
  node.agent.wait_logged("bramble node add' makes a new one");
}

}  // namespace
}  // namespace bramble::test
