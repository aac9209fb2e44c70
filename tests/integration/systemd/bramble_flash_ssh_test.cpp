// How bramble-flash reaches a node, and how little it believes of what comes from there.
#include "flash_fixture.hpp"

namespace bramble::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

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

// A node that was taken over could fill the head's disk by it.
TEST_F(BrambleFlashTest, ANodeThatSaysWithoutEndIsHungUpOn) {
  lay_package("bramble-agent", "1.2", "arm64");
  for (const char* way : {"floods", "floods_errors"}) {
    for (const char* command : {"echo asked", "tell machine", "apt-get -q -y", "systemctl restart"}) {
      SCOPED_TRACE(std::string(way) + " at " + command);
      write("node/installed", "");
      write(way, command);
      const Ended ended = flash();
      EXPECT_EQ(ended.status.code, 1);
      const size_t sentence = ended.said.find("bramble-flash: pi07 says more than bramble-flash listens to");
      ASSERT_NE(sentence, std::string::npos) << ended.said.substr(0, 1000);
      EXPECT_EQ(ended.said.find("bramble-flash: ", sentence + 1), std::string::npos) << "more than one sentence";
      EXPECT_LT(ended.said.size(), 600'000U);
    }
    fs::remove(dir_ / way);
  }
  expect_good();
}

TEST_F(BrambleFlashTest, WhatIsNoNodesNameReachesNoShell) {
  for (const std::string name : {"", "-oProxyCommand=x", "a b", "$(touch x)", "../x", "a;b", "a\nb"}) {
    SCOPED_TRACE(name);
    expect_failure(HasSubstr("is no node's name"), name);
    EXPECT_EQ(asked(), "");
  }
  expect_failure(HasSubstr("is no node's name"), std::string(64, 'a'));
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
