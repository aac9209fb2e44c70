// systemd/bramble-flash, with the programs of flash_world.sh in the place of ssh, of the head's bramble and of the
// node's own.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "run_program.hpp"
#include "support/places.hpp"
#include "support/temp_dir.hpp"

namespace bramble::test {

namespace fs = std::filesystem;
inline const std::string kSource = kSourceDir;

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

}  // namespace bramble::test
