// systemd/bramble-flash, with the programs of flash_world.sh in the place of ssh, of the head's bramble and of the
// node's own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>

#include <filesystem>
#include <sstream>

#include "run_program.hpp"
#include "support/temp_dir.hpp"

namespace bramble::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kSource = BRAMBLE_SOURCE_DIR;

class BrambleFlashTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* program : {"/usr/bin/jq", "/usr/bin/dpkg-deb", "/usr/bin/ssh-keygen", "/usr/bin/flock"}) {
      if (!fs::exists(program)) GTEST_SKIP() << program << " is not installed: ./bootstrap deps";
    }
    for (const char* folder : {"head", "node/bin", "node/tmp", "node/systemd", "packages", "state"}) {
      fs::create_directories(dir_ / folder);
    }
    for (const char* name : {"ssh", "bramble"}) link_world(std::string("head/") + name);
    for (const char* name : {"sudo", "id", "uname", "dpkg", "dpkg-query", "apt-get", "sha256sum", "bramble-agent",
                             "systemctl", "journalctl"}) {
      link_world(std::string("node/bin/") + name);
    }
    for (const char* name : {"sh", "true", "cat", "sed", "mktemp", "rm", "chmod", "cut"}) {
      fs::create_symlink(std::string("/bin/") + name, dir_ / "node/bin/" + name);
    }
    write("uid", "1000\n");
    write("nodes.json", "[]\n");
    write("node/architecture", "arm64\n");
    write("node/machine", "aarch64\n");
    write("node/machine-id", "0123abc\n");
    write("node/installed", "");
    configure("wait_s = 2\n");
  }

  void link_world(const std::string& name) const {
    fs::create_symlink(kSource + "/tests/integration/systemd/flash_world.sh", dir_ / name);
  }
  void write(const std::string& name, const std::string& text) const {
    ASSERT_TRUE(posix::write_file_atomically(dir_ / name, text));
  }
  void configure(const std::string& text) const {
    write("flash.conf", "packages = " + dir_ / "packages" + "\n" + text);
  }
  std::string read(const std::string& name) const { return posix::read_file(dir_ / name, 1 << 20).value_or(""); }

  // Only its papers: nothing here installs it for real.
  void lay_package(const std::string& name, const std::string& version, const std::string& architecture) const {
    const std::string tree = dir_ / "tree";
    fs::create_directories(tree + "/DEBIAN");
    write("tree/DEBIAN/control", "Package: " + name + "\nVersion: " + version + "\nArchitecture: " + architecture +
                                     "\nMaintainer: a test <test@example.org>\nDescription: of a test\n");
    fs::permissions(tree + "/DEBIAN", fs::perms(0755));
    const std::string file = dir_ / "packages/" + name + "_" + version + "_" + architecture + ".deb";
    ASSERT_TRUE(
        run_program({"/usr/bin/dpkg-deb", "-Znone", "-b", tree, file}, "/usr/sbin:/usr/bin:/bin", dir_ / "deb.log")
            .status.success());
  }

  Ended flash(const std::string& node = "pi07") const { return run_with_config("exec \"$@\" \"$0\"", node); }
  // shell: a command that is given the node as $0, and the program with its configuration as $@.
  Ended run_with_config(const std::string& shell, const std::string& node) const {
    write("log", "");
    return run_program({"/usr/bin/env", "STATE_DIRECTORY=" + dir_ / "state", "WORLD=" + dir_.path(), "/bin/sh", "-c",
                        shell, node, kSource + "/systemd/bramble-flash", "--config", dir_ / "flash.conf"},
                       dir_ / "head:/usr/sbin:/usr/bin:/sbin:/bin", dir_ / "said");
  }
  void expect_good() const {
    const Ended ended = flash();
    EXPECT_EQ(ended.status.code, 0) << ended.said << read("log");
  }
  void expect_failure(const testing::Matcher<const std::string&>& says, const std::string& node = "pi07") const {
    const Ended ended = flash(node);
    EXPECT_EQ(ended.status.code, 1) << ended.said;
    EXPECT_THAT(ended.said, says) << read("log");
  }
  std::string asked() const { return read("log"); }
  void node_is(const std::string& state, const std::string& machine) const {
    write("nodes.json",
          R"([{"node":"pi07","state":")" + state + R"(","session":5,"machine_id":")" + machine + "\"}]\n");
  }
  void node_has_package(const std::string& version) const {
    write("node/installed", "bramble-agent installed:" + version + "\n");
  }
  void node_has_identity() const {
    fs::create_directories(dir_ / "node/bramble/agent/identity");
    write("node/bramble/agent/identity/joined.toml", "node = \"pi07\"\ncluster = \"bramble\"\n");
  }

  TempDir dir_;
};

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

TEST_F(BrambleFlashTest, EveryWayInWhichSshFailsHasItsAdvice) {
  const std::vector<std::pair<std::string, std::string>> ways = {
      {"pi@pi07: Permission denied (publickey,password).",
       "ssh-copy-id -i " + dir_ / "state/key.pub" + " -p 22 pi@pi07"},
      {"@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @",
       "ssh-keygen -f " + dir_ / "state/known_hosts" + " -R pi07"},
      {"ssh: Could not resolve hostname pi07: Name or service not known", "host.pi07 = ADDRESS"},
      {"ssh: connect to host pi07 port 22: Connection refused", "apt install openssh-server"},
      {"ssh: connect to host pi07 port 22: Connection timed out", "switch it on"},
      {"something new", "ssh pi@pi07 failed: something new"}};
  for (const auto& [said, advice] : ways) {
    SCOPED_TRACE(said);
    write("ssh_says", said + "\n");
    expect_failure(HasSubstr(advice));
  }
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

TEST_F(BrambleFlashTest, WhatIsNoNodesNameReachesNoShell) {
  for (const std::string name : {"", "-oProxyCommand=x", "a b", "$(touch x)", "../x", "a;b", "a\nb"}) {
    SCOPED_TRACE(name);
    expect_failure(HasSubstr("is no node's name"), name);
    EXPECT_EQ(asked(), "");
  }
  expect_failure(HasSubstr("is no node's name"), std::string(64, 'a'));
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
      {"port = 0\n", "flash.conf:2: '0' is no port"},
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

TEST_F(BrambleFlashTest, AHostKeyThatChangesIsRefusedAndOnlyItsOwnListCounts) {
  lay_package("bramble-agent", "1.2", "arm64");
  expect_good();
  EXPECT_THAT(asked(), AllOf(HasSubstr("StrictHostKeyChecking=accept-new"), HasSubstr("HostKeyAlias=pi07"),
                             HasSubstr("UserKnownHostsFile=" + dir_ / "state/known_hosts"), HasSubstr("BatchMode=yes"),
                             HasSubstr("ssh -F none ")));
}

}  // namespace
}  // namespace bramble::test
