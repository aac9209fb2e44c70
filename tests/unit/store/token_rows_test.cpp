#include <gmock/gmock.h>

#include "unit/store/store_builders.hpp"

namespace bramble::aggregator {
namespace {

using ::testing::ElementsAre;

TEST(TokenRows, AreThereAfterTheStoreWasOpenedAgain) {
  const TempDir dir;
  const TokenRecord ci{"ci", Role::submitter, "ada", std::string(64, 'a'), {5}, "root", WallTime{9}};
  const TokenRecord grafana{"grafana", Role::viewer, "root", std::string(64, 'b'), {6}, "ada", {}};
  const TokenRecord admin{"admin", Role::operator_, "root", std::string(64, 'c'), {7}, "ada", {}};
  {
    const auto store = open_jobs(dir / "jobs.db");
    commit(*store, {PutToken{ci}, PutToken{grafana}, PutToken{admin}});
    commit(*store, {RemoveToken{"admin"}});
  }
  const auto store = open_jobs(dir / "jobs.db");
  EXPECT_THAT(load(*store).tokens, ElementsAre(ci, grafana));
}

}  // namespace
}  // namespace bramble::aggregator
