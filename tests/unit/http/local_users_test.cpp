#include "aggregator/http/local_users.hpp"

#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

namespace bramble::aggregator::http {
namespace {

const LocalUser kAdaHere{"ada", {"ada", "bramble"}};
const LocalUser kEve{"eve", {"eve"}};

TEST(AccessLists, UnlessSaidOtherwiseTheGroupSubmitsAndEverybodyLooks) {
  const AccessLists lists;
  EXPECT_EQ(role_of(lists, kAdaHere), Role::submitter);
  EXPECT_EQ(role_of(lists, kEve), Role::viewer);
}

TEST(AccessLists, TheHighestRoleCounts) {
  const AccessLists lists{{"ada"}, {"@bramble"}, {"*"}};
  EXPECT_EQ(role_of(lists, kAdaHere), Role::operator_);
}

TEST(AccessLists, WhoIsInNoneHasNoRole) {
  const AccessLists lists{{"@eve"}, {"bramble"}, {"@nobody", "ad"}};
  EXPECT_EQ(role_of(lists, kAdaHere), Role::none) << "a group is no user, and a part of a name is no name";
  EXPECT_EQ(role_of(lists, kEve), Role::operator_);
  EXPECT_EQ(role_of({{}, {}, {}}, kAdaHere), Role::none);
}

TEST(AccessLists, RefuseWhatNamesNobody) {
  for (const char* bad : {"", "@", "ada, eve", "ada eve"}) {
    const Status status = check_access_lists({{}, {bad}, {}});
    ASSERT_FALSE(status) << bad;
    EXPECT_NE(status.error().message.find("submitters"), std::string::npos) << status.error().message;
  }
  EXPECT_TRUE(check_access_lists({{"ada", "@adm"}, {"*"}, {"1234"}}));
}

TEST(AccessLists, SayWhatWouldHelp) {
  EXPECT_EQ(how_to_get({}, kEve, Role::submitter),
            "an administrator runs 'adduser eve bramble', or adds eve to submitters in [access] of aggregator.toml");
  EXPECT_EQ(how_to_get({{}, {}, {"root"}}, kEve, Role::viewer),
            "an administrator adds eve to viewers in [access] of aggregator.toml");
}

TEST(LocalUsers, KnowTheNameAndTheGroupsOfAUser) {
  const passwd* me = ::getpwuid(::geteuid());
  if (me == nullptr) GTEST_SKIP() << "this user has no name";
  LocalUsers users;
  const LocalUser user = users.find(::geteuid(), {0});
  EXPECT_EQ(user.name, me->pw_name);
  EXPECT_FALSE(user.groups.empty());
}

TEST(LocalUsers, CallAUserWithoutANameByItsNumber) {
  LocalUsers users;
  const LocalUser user = users.find(3'999'999'999U, {0});
  EXPECT_EQ(user.name, "3999999999");
  EXPECT_TRUE(user.groups.empty());
}

}  // namespace
}  // namespace bramble::aggregator::http
