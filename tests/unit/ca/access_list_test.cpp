#include "aggregator/ca/access_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bramble::aggregator {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(AccessList, GivesANodeItsOwnTopicsOnly) {
  const std::string text = access_list("home", {"pi01", "pi02"});
  EXPECT_THAT(text, HasSubstr("\nuser pi01\ntopic write bramble/home/node/pi01/status\n"));
  EXPECT_THAT(text, HasSubstr("topic read bramble/home/node/pi02/tasks\n"));
  EXPECT_THAT(text, HasSubstr("topic read bramble/home/aggregator/status\n"));
  const size_t second = text.find("user pi02");
  EXPECT_EQ(text.find("pi02"), second + 5);
  EXPECT_EQ(text.find("pi01", second), std::string::npos);
}

TEST(AccessList, LetsNoNodeHandOutWorkOrSpeakForTheAggregator) {
  const std::string text = access_list("home", {"pi01"});
  for (const char* const topic : {"/tasks", "/control", "/blob/want", "/blob/down/#", "/certificate\n"}) {
    EXPECT_THAT(text, Not(HasSubstr("topic write bramble/home/node/pi01" + std::string(topic)))) << topic;
  }
  EXPECT_THAT(text, Not(HasSubstr("write bramble/home/aggregator")));
  EXPECT_THAT(text, Not(HasSubstr("topic readwrite")));
  EXPECT_THAT(text, Not(HasSubstr("/+/")));
}

TEST(AccessList, WithoutNodesNamesNobody) { EXPECT_THAT(access_list("home", {}), Not(HasSubstr("\nuser "))); }

}  // namespace
}  // namespace bramble::aggregator
