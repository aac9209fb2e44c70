#include "aggregator/store/renew_store.hpp"

#include "common/base/ids.hpp"
#include "unit/store/store_builders.hpp"

namespace bramble::aggregator {
namespace {

class RenewStore : public ::testing::Test {
 protected:
  const TempDir dir_;
  const std::string path_ = dir_ / "jobs.db";
};

TEST_F(RenewStore, GivesANewNameAndQueuesWhatWasAtNodes) {
  StoreId before;
  {
    const auto store = open_jobs(path_);
    before = load(*store).store;
    commit(*store, {AddJob{make_job(1)}, AddAttempt{make_attempt({1, 0, 1})}, AddAttempt{make_attempt({1, 1, 1})},
                    StartAttempt{{1, 1, 1}, {1}}});
  }
  const auto renewed = renew_store(path_);
  ASSERT_TRUE(renewed) << renewed.error().message;
  EXPECT_NE(*renewed, before);
  EXPECT_TRUE(is_uuid(*renewed));
  const LoadedState after = load(*open_jobs(path_));
  EXPECT_EQ(after.store, *renewed);
  EXPECT_EQ(after.term, 1U) << "it begins anew";
  EXPECT_TRUE(after.open_attempts.empty());
  ASSERT_EQ(after.open_tasks.size(), 2U);
  for (const auto& task : after.open_tasks) {
    EXPECT_EQ(task.state, TaskState::queued);
    EXPECT_EQ(task.attempts, 1U) << "its number is not given out again";
  }
}

TEST_F(RenewStore, KeepsWhatHasEnded) {
  {
    const auto store = open_jobs(path_);
    Writes writes{AddJob{make_job(1)}};
    for (auto& write : task_life({1, 0})) writes.push_back(std::move(write));
    commit(*store, writes);
  }
  ASSERT_TRUE(renew_store(path_));
  EXPECT_TRUE(load(*open_jobs(path_)).open_tasks.empty());
}

TEST_F(RenewStore, ForgetsWhatWasWantedAndProvedOfTheNodesPower) {
  PowerRecord record;
  record.node = "pi1";
  record.wish = PowerWish::off;
  record.how = PowerHow::force;
  record.by_person = record.cycle = record.was_on = record.off_proved = record.press_open = true;
  record.state = PowerState::off;
  record.boot_ms = 9000;
  commit(*open_jobs(path_), {PutPower{record}});
  ASSERT_TRUE(renew_store(path_));
  const auto after = load(*open_jobs(path_)).power;
  ASSERT_EQ(after.size(), 1U);
  PowerRecord expected;
  expected.node = "pi1";
  expected.boot_ms = 9000;
  EXPECT_EQ(after.front(), expected) << "what was learned stays, the rest the lines will tell";
}

TEST_F(RenewStore, MakesNoDatabaseWhereThereIsNone) {
  const auto renewed = renew_store(path_);
  ASSERT_FALSE(renewed);
  EXPECT_EQ(renewed.error().code, ErrorCode::not_found);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace bramble::aggregator
