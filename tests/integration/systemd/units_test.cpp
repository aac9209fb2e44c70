// The units as systemd reads them: it warns of what it does not know and goes on, so any word of it is an error here.
#include <gtest/gtest.h>

#include <filesystem>

#include "run_program.hpp"
#include "support/places.hpp"
#include "support/temp_dir.hpp"

namespace bramble::test {
namespace {

const std::string kUnits = std::string(kSourceDir) + "/systemd";
const std::string kPath = "/usr/sbin:/usr/bin:/sbin:/bin";

bool is_unit(const std::filesystem::path& path) {
  for (const char* kind : {".service", ".path", ".socket", ".timer", ".target"}) {
    if (path.extension() == kind) return true;
  }
  return false;
}

class UnitsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists("/usr/bin/systemd-analyze")) GTEST_SKIP() << "systemd-analyze is not installed";
    const auto names = posix::list_directory(kUnits);
    for (const std::string& name : names.value()) {
      if (is_unit(name)) copy_unit(name);
    }
    ASSERT_FALSE(units_.empty());
  }

  // Their scripts stand beside them here, the daemons in the build.
  void copy_unit(const std::string& name) {
    std::string text = posix::read_file(kUnits + "/" + name, 1 << 16).value();
    replace_all(text, "=/usr/libexec/", "=" + kUnits + "/");
    replace_all(text, "=/usr/bin/", "=" + std::string(kBinaryDir) + "/bin/");
    ASSERT_TRUE(posix::write_file_atomically(dir_ / name, text));
    units_.push_back(dir_ / name);
  }

  static void replace_all(std::string& text, const std::string& from, const std::string& to) {
    for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
      text.replace(at, from.size(), to);
    }
  }

  // tenths: of 10, as systemd-analyze counts.
  void expect_exposure_at_most(int tenths, const std::string& unit) const {
    const Ended ended = analyze({"security", "--offline=true", "--threshold=" + std::to_string(tenths), dir_ / unit});
    EXPECT_TRUE(ended.status.success()) << ended.said;
    std::string name = unit;
    replace_all(name, "@.", "@i.");  // as systemd-analyze calls any one of these
    EXPECT_NE(ended.said.find("Overall exposure level for " + name), std::string::npos) << ended.said;
  }

  Ended analyze(std::vector<std::string> words) const {
    words.insert(words.begin(), "/usr/bin/systemd-analyze");
    return run_program(words, kPath, dir_ / "log");
  }

  TempDir dir_;
  std::vector<std::string> units_;
};

TEST_F(UnitsTest, SystemdHasNothingToSayAboutThem) {
  std::vector<std::string> words{"verify", "--man=no"};
  words.insert(words.end(), units_.begin(), units_.end());
  const Ended ended = analyze(words);
  EXPECT_TRUE(ended.status.success());
  EXPECT_EQ(ended.said, "");
}

TEST_F(UnitsTest, ThisTestSeesAWrongKey) {
  ASSERT_TRUE(posix::write_file_atomically(dir_ / "wrong.path", "[Path]\nPathExist=/run/x\n"));
  EXPECT_NE(analyze({"verify", "--man=no", dir_ / "wrong.path"}).said.find("PathExist"), std::string::npos);
}

TEST_F(UnitsTest, TheHaltThatIsRootMayDoLittle) { expect_exposure_at_most(15, "bramble-halt.service"); }

TEST_F(UnitsTest, AgentAggregatorAndFlashMayDoLittle) {
  expect_exposure_at_most(20, "bramble-agent.service");
  expect_exposure_at_most(20, "bramble-aggregator.service");
  expect_exposure_at_most(20, "bramble-flash@.service");
}

TEST_F(UnitsTest, NothingInTheWardensUnitKeepsItsTasksFromTheirSandbox) {
  const std::string unit = posix::read_file(kUnits + "/bramble-warden.service", 1 << 16).value();
  for (const char* key : {"ProtectKernelLogs", "ProtectKernelTunables", "ProtectProc", "ProcSubset", "PrivateUsers",
                          "RestrictNamespaces", "SystemCallFilter", "InaccessiblePaths"}) {
    EXPECT_EQ(unit.find("\n" + std::string(key) + "="), std::string::npos) << key;
  }
  EXPECT_NE(unit.find("\nNoNewPrivileges="), std::string::npos) << "this test sees a key";
}

TEST_F(UnitsTest, ThisTestSeesAnExposedUnit) {
  ASSERT_TRUE(posix::write_file_atomically(dir_ / "open.service", "[Service]\nExecStart=/bin/true\n"));
  EXPECT_FALSE(analyze({"security", "--offline=true", "--threshold=20", dir_ / "open.service"}).status.success());
}

}  // namespace
}  // namespace bramble::test
