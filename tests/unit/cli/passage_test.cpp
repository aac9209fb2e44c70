#include "aggregator/cli/passage.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/temp_dir.hpp"

namespace bramble::cli {
namespace {

using testing::HasSubstr;

class Passage : public testing::Test {
 protected:
  void SetUp() override {
    if (!check_passage(dir_.path(), "nobody")) GTEST_SKIP() << "others cannot enter the folder of temporary files";
    EXPECT_EQ(::mkdir(outer_.c_str(), 0755), 0);
    EXPECT_EQ(::mkdir((outer_ + "/inner").c_str(), 0700), 0);
    let_others(0755, outer_);
    let_others(0755, dir_.path());
  }

  static void let_others(mode_t mode, const std::string& folder) { EXPECT_EQ(::chmod(folder.c_str(), mode), 0); }

  test::TempDir dir_;
  const std::string outer_ = dir_ / "outer";
};

TEST_F(Passage, IsGivenByTheFoldersAboveAlone) { EXPECT_TRUE(check_passage(outer_ + "/inner", "nobody")); }

TEST_F(Passage, IsBlockedByAFolderThatOthersCannotEnter) {
  let_others(0750, outer_);
  const Status blocked = check_passage(outer_ + "/inner", "nobody");
  ASSERT_FALSE(blocked);
  EXPECT_THAT(blocked.error().message, HasSubstr("the user nobody cannot enter " + outer_ + " (its mode is 0750)"));
  EXPECT_TRUE(check_passage(outer_ + "/inner", "root"));
}

TEST_F(Passage, NeedsNoRightToList) {
  let_others(0711, outer_);
  EXPECT_TRUE(check_passage(outer_ + "/inner", "nobody"));
}

TEST_F(Passage, OfAUserWhoDoesNotExistIsNotJudged) {
  let_others(0700, outer_);
  EXPECT_TRUE(check_passage(outer_ + "/inner", "no-such-user"));
}

}  // namespace
}  // namespace bramble::cli
