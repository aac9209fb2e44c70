// The units as systemd reads them: it warns of what it does not know and goes on, so any word of it is an error here.
#include <gtest/gtest.h>

#include <filesystem>

#include "run_program.hpp"
#include "support/temp_dir.hpp"

namespace bramble::test {
namespace {

const std::string kUnits = std::string(BRAMBLE_SOURCE_DIR) + "/systemd";
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

  // Their programs stand beside them here.
  void copy_unit(const std::string& name) {
    const std::string installed = "=/usr/libexec/";
    std::string text = posix::read_file(kUnits + "/" + name, 1 << 16).value();
    for (size_t at = 0; (at = text.find(installed, at)) != std::string::npos; ++at) {
      text.replace(at, installed.size(), "=" + kUnits + "/");
    }
    ASSERT_TRUE(posix::write_file_atomically(dir_ / name, text));
    units_.push_back(dir_ / name);
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

TEST_F(UnitsTest, TheOneThatIsRootMayDoLittle) {
  const Ended ended = analyze({"security", "--offline=true", "--threshold=15", dir_ / "bramble-halt.service"});
  EXPECT_TRUE(ended.status.success()) << ended.said;  // 1.5 of 10
}

}  // namespace
}  // namespace bramble::test
