// What bramble-flash does about what it finds.
#include <sys/file.h>

#include <sstream>

#include "flash_fixture.hpp"

namespace bramble::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST_F(BrambleFlashTest, ABareNodeGetsItsPackageAndItsIdentity) {
  lay_package("bramble-agent", "1.2", "arm64");
  const Ended ended = flash();
  EXPECT_EQ(ended.status.code, 0) << ended.said;
  EXPECT_THAT(ended.said, HasSubstr("pi07 is on, with bramble-agent 1.2 (arm64)"));
  EXPECT_EQ(read("node/got.deb"), read("packages/bramble-agent_1.2_arm64.deb"));
  EXPECT_EQ(read("join"), "identity of pi07, secret\n");
  EXPECT_TRUE(fs::is_empty(dir_ / "node/tmp")) << "what was copied is left";
}

TEST_F(BrambleFlashTest, TheIdentityLiesInNoFileOfTheHead) {
  lay_package("bramble-agent", "1.2", "arm64");
  expect_good();
  for (const auto& entry : fs::recursive_directory_iterator(dir_ / "state")) {
    if (!entry.is_regular_file()) continue;
    EXPECT_THAT(posix::read_file(entry.path(), 1 << 20).value(), Not(HasSubstr("identity of")));
  }
}

TEST_F(BrambleFlashTest, StartedAgainItChangesNothing) {
  lay_package("bramble-agent", "1.2", "arm64");
  expect_good();
  const std::string key = read("state/key");
  EXPECT_THAT(key, HasSubstr("PRIVATE KEY"));
  EXPECT_EQ(fs::status(dir_ / "state/key").permissions(), fs::perms(0600));
  expect_good();
  EXPECT_THAT(asked(), AllOf(Not(HasSubstr("apt-get")), Not(HasSubstr("--join")), Not(HasSubstr("restart"))));
  EXPECT_EQ(read("state/key"), key);
}

TEST_F(BrambleFlashTest, TheNewestPackageOfTheNodesArchitectureIsTaken) {
  lay_package("bramble-agent", "0.9", "arm64");
  lay_package("bramble-agent", "0.10", "arm64");
  lay_package("bramble-agent", "2.0", "armhf");
  lay_package("bramble-aggregator", "3.0", "arm64");
  write("packages/broken.deb", "no package\n");
  expect_good();
  EXPECT_EQ(read("node/installed"), "bramble-agent installed:0.10\n");
}

TEST_F(BrambleFlashTest, APiOfTheFirstKindGetsThePackageThatItCanRun) {
  lay_package("bramble-agent", "2.0", "armhf");
  lay_package("bramble-agent-armv6", "1.0", "armhf");
  write("node/architecture", "armhf\n");
  write("node/machine", "armv6l\n");
  expect_good();
  EXPECT_EQ(read("node/installed"), "bramble-agent-armv6 installed:1.0\n");
}

TEST_F(BrambleFlashTest, APackageThatIsMissingIsNamedWithItsPlace) {
  lay_package("bramble-agent", "2.0", "armhf");
  expect_failure(HasSubstr("put bramble-agent_VERSION_arm64.deb into " + dir_ / "packages"));
}

TEST_F(BrambleFlashTest, AnOlderAgentIsUpgradedAndKeepsItsIdentity) {
  lay_package("bramble-agent", "1.2", "arm64");
  node_has_package("1.1");
  node_has_identity();
  node_is("on", "0123abc");
  expect_good();
  EXPECT_EQ(read("node/installed"), "bramble-agent installed:1.2\n");
  EXPECT_THAT(asked(), Not(HasSubstr("--join")));
}

TEST_F(BrambleFlashTest, AnUpgradedNodeIsOnWhenTheNewAgentHasCome) {
  lay_package("bramble-agent", "1.2", "arm64");
  node_has_package("1.1");
  node_has_identity();
  node_is("on", "0123abc");
  write("deaf", "");  // what the head says is of the old agent
  expect_failure(HasSubstr("not on after 2 s"));
}

TEST_F(BrambleFlashTest, ANewerAgentIsLeftAsItIs) {
  lay_package("bramble-agent", "1.2", "arm64");
  node_has_package("1.3");
  node_has_identity();
  node_is("on", "0123abc");
  const Ended ended = flash();
  EXPECT_EQ(ended.status.code, 0) << ended.said;
  EXPECT_THAT(ended.said, HasSubstr("pi07 is on, with bramble-agent 1.3"));
  EXPECT_THAT(asked(), Not(HasSubstr("apt-get")));
}

TEST_F(BrambleFlashTest, AnAgentThatWasStoppedIsStarted) {
  lay_package("bramble-agent", "1.2", "arm64");
  node_has_package("1.2");
  node_has_identity();
  node_is("stopped", "0123abc");
  expect_good();
  EXPECT_THAT(asked(), AllOf(HasSubstr("systemctl restart bramble-agent"), Not(HasSubstr("--join"))));
}

TEST_F(BrambleFlashTest, ANodeThatIsNotLetInGetsANewIdentity) {
  lay_package("bramble-agent", "1.2", "arm64");
  node_has_package("1.2");
  node_has_identity();
  node_is("lost", "0123abc");
  write("deaf", "");
  write("deaf_until_joined", "");
  expect_good();
  EXPECT_THAT(asked(), HasSubstr("bramble node add pi07 --replace"));
}

TEST_F(BrambleFlashTest, ANodeThatHasItsPackageNeedsNoneHereToBeStartedOrJoined) {
  node_has_package("1.2");
  const Ended ended = flash();
  EXPECT_EQ(ended.status.code, 0) << ended.said;
  EXPECT_THAT(ended.said, HasSubstr("pi07 is on, with bramble-agent 1.2 (arm64)"));
  EXPECT_THAT(asked(), AllOf(HasSubstr("bramble-agent --join -"), Not(HasSubstr("apt-get"))));
  node_is("stopped", "0123abc");
  expect_good();
  EXPECT_THAT(asked(), AllOf(HasSubstr("systemctl restart bramble-agent"), Not(HasSubstr("--join"))));
}

TEST_F(BrambleFlashTest, APackageThatWasRemovedThereIsNeededHere) {
  write("node/installed", "bramble-agent config-files:1.2\n");
  expect_failure(HasSubstr("put bramble-agent_VERSION_arm64.deb into " + dir_ / "packages"));
}

TEST_F(BrambleFlashTest, ANodeThatWasRemovedIsJoinedAnew) {
  lay_package("bramble-agent", "1.2", "arm64");
  node_has_package("1.2");
  node_has_identity();
  expect_good();
  EXPECT_THAT(asked(), HasSubstr("bramble-agent --join -"));
}

TEST_F(BrambleFlashTest, AnotherMachineOfThatNameIsNotThrownOut) {
  lay_package("bramble-agent", "1.2", "arm64");
  node_is("on", "another");
  expect_failure(HasSubstr("bramble node remove pi07"));
  EXPECT_THAT(asked(), AllOf(Not(HasSubstr("apt-get")), Not(HasSubstr("node add"))));
}

TEST_F(BrambleFlashTest, AnotherMachineThatIsGoneIsReplaced) {
  lay_package("bramble-agent", "1.2", "arm64");
  node_is("lost", "another");
  expect_good();
}

TEST_F(BrambleFlashTest, ANodeThatDoesNotComeIsAskedWhy) {
  lay_package("bramble-agent", "1.2", "arm64");
  write("deaf", "");
  expect_failure(AllOf(HasSubstr("on the node: connecting to the broker"),
                       HasSubstr("on the node: no way to the broker: connection refused"),
                       HasSubstr("not on after 2 s")));
}

TEST_F(BrambleFlashTest, AHeadThatLetsNobodyInSaysSo) {
  lay_package("bramble-agent", "1.2", "arm64");
  write("no_identity", "");
  expect_failure(AllOf(HasSubstr("set node_listen"), HasSubstr("this head made no identity for pi07")));
}

TEST_F(BrambleFlashTest, AHeadThatDoesNotAnswerIsNamed) {
  fs::remove(dir_ / "nodes.json");
  expect_failure(HasSubstr("systemctl status bramble-aggregator"));
}

TEST_F(BrambleFlashTest, WithoutAMirrorThereIsOnlyWhatIsNeeded) {
  lay_package("bramble-agent", "1.2", "arm64");
  write("no_mirror", "");
  expect_good();
}

TEST_F(BrambleFlashTest, APackageThatDoesNotInstallIsTold) {
  lay_package("bramble-agent", "1.2", "arm64");
  write("apt_fails", "");
  expect_failure(
      AllOf(HasSubstr("it depends on what is not there"), HasSubstr("could not install bramble-agent_1.2_arm64.deb")));
  EXPECT_TRUE(fs::is_empty(dir_ / "node/tmp"));
}

TEST_F(BrambleFlashTest, APackageThatArrivesDamagedIsNotInstalled) {
  lay_package("bramble-agent", "1.2", "arm64");
  write("damaged", "");
  expect_failure(HasSubstr("did not arrive whole"));
  EXPECT_THAT(asked(), Not(HasSubstr("apt-get")));
}

TEST_F(BrambleFlashTest, ANodeWithoutRoomIsTold) {
  lay_package("bramble-agent", "1.2", "arm64");
  fs::remove(dir_ / "node/tmp");
  expect_failure(HasSubstr("make room in its /var/tmp"));
}

TEST_F(BrambleFlashTest, AUserWhoMayNotBecomeRootIsTold) {
  lay_package("bramble-agent", "1.2", "arm64");
  write("sudo_asks", "");
  expect_failure(HasSubstr("NOPASSWD: ALL' >/etc/sudoers.d/bramble-flash"));
  fs::remove(dir_ / "node/bin/sudo");
  expect_failure(HasSubstr("apt install sudo"));
  write("uid", "0\n");
  expect_good();
}

TEST_F(BrambleFlashTest, AMachineThatIsNoDebianWithSystemdIsRefused) {
  fs::remove(dir_ / "node/systemd");
  expect_failure(HasSubstr("does not run systemd"));
  fs::remove(dir_ / "node/bin/apt-get");
  expect_failure(HasSubstr("has no apt"));
}

TEST_F(BrambleFlashTest, ANodeHasItsOwnAddressWhereThatIsConfigured) {
  lay_package("bramble-agent", "1.2", "arm64");
  configure("user = \"debian\"   # everywhere\nhost = %n.local\nport.pi07 = 2222\nhost.pi08 = 10.0.0.8\n");
  expect_good();
  EXPECT_THAT(asked(), AllOf(HasSubstr("-l debian -p 2222 "), HasSubstr("-- pi07.local\n")));
}

TEST_F(BrambleFlashTest, AWrongConfigurationIsRefusedByItsLine) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"usr = pi\n", "flash.conf:2: there is no key 'usr': the keys are connect_timeout_s, host"},
      {"host = -oProxyCommand=x\n", "flash.conf:2: '-oProxyCommand=x' is no host"},
      {"user = $(id)\n", "flash.conf:2: '$(id)' is no user"},
      {"port = 0\n", "flash.conf:2: '0' is no port: it must be a number from 1 to 65535"},
      {"port = 65536\n", "'65536' is no port"},
      {"wait_s.pi07 = 5\n", "only user, host and port"},
      {"[pi07]\n", "flash.conf:2: write KEY = VALUE"}};
  for (const auto& [text, says] : wrong) {
    SCOPED_TRACE(text);
    configure(text);
    expect_failure(HasSubstr(says));
    EXPECT_EQ(asked(), "");
  }
}

TEST_F(BrambleFlashTest, TheInstalledConfigurationShowsTheDefaults) {
  lay_package("bramble-agent", "1.2", "arm64");
  std::string all;
  std::istringstream lines(posix::read_file(kSource + "/systemd/flash.conf", 1 << 16).value());
  for (std::string line; std::getline(lines, line);) {
    if (line.size() > 1 && line[0] == '#' && line[1] != ' ' && !line.starts_with("#packages"))
      all += line.substr(1) + "\n";
  }
  configure(all);
  expect_good();
  EXPECT_THAT(asked(), AllOf(HasSubstr("-l pi -p 22 "), HasSubstr("ConnectTimeout=10 "), HasSubstr("-- pi07\n")));
}

TEST_F(BrambleFlashTest, TwoAreNotAtWorkOnOneNode) {
  fs::create_directories(dir_ / "state/locks");
  const posix::UniqueFd lock(::open((dir_ / "state/locks/pi07").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);
  expect_failure(HasSubstr("another bramble-flash is at work on pi07"));
}

TEST_F(BrambleFlashTest, ManyAtOnceMakeOneKey) {
  write("ssh_says", "Permission denied (publickey).\n");
  const Ended ended = run_with_config("for node in pi01 pi02 pi03 pi04; do \"$@\" $node & done; wait", "");
  const std::string made = "made a key for the nodes to let in: ";
  const size_t first = ended.said.find(made);
  ASSERT_NE(first, std::string::npos) << ended.said;
  EXPECT_EQ(ended.said.find(made, first + 1), std::string::npos) << ended.said;
  const Ended shown = run_program({"/usr/bin/ssh-keygen", "-y", "-f", dir_ / "state/key"}, "/usr/bin", dir_ / "shown");
  EXPECT_EQ(shown.said, read("state/key.pub")) << "the public half is of another key";
  EXPECT_THAT(ended.said, AllOf(HasSubstr("pi01 does not let pi in"), HasSubstr("pi04 does not let pi in")));
}

}  // namespace
}  // namespace bramble::test
