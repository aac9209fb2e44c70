#include "aggregator/http/selection.hpp"

#include <gtest/gtest.h>

#include "integration/http/fakes.hpp"

namespace bramble::aggregator::http {
namespace {

const Caller kAda{"ada", false};
const Caller kRoot{"root", true};

// Jobs 1 to 4 are ada's, bob's, ada's, bob's; 1 has ended.
class Selection : public testing::Test {
 protected:
  Selection() {
    jobs_.add_job(1, "ada", JobState::succeeded);
    jobs_.add_job(2, "bob", JobState::running);
    jobs_.add_job(3, "ada", JobState::waiting);
    jobs_.add_job(4, "bob", JobState::running);
  }

  std::vector<JobId> listed(const std::string& selector, const std::string& owner, const Caller& caller) {
    const auto rows = select_jobs(jobs_, *parse_job_selector(selector), {owner, {}, 100}, caller);
    std::vector<JobId> ids;
    if (!rows) ADD_FAILURE() << rows.error().message;
    for (const JobRow& row : *rows) ids.push_back(row.record.id);
    return ids;
  }

  Result<std::vector<JobId>> to_cancel(const std::string& selector, const Caller& caller) {
    return select_for_cancel(jobs_, *parse_job_selector(selector), caller);
  }

  FakeJobs jobs_;
};

using Ids = std::vector<JobId>;

TEST_F(Selection, ForgetsOnlyWhatHasEnded) {
  const auto forget = [&](const std::string& selector, const Caller& caller) {
    return select_for_forget(jobs_, *parse_job_selector(selector), caller);
  };
  EXPECT_EQ(forget("1", kAda).value(), Ids{1});
  EXPECT_EQ(forget("all", kAda).value(), Ids{1}) << "what is open is passed over";
  EXPECT_EQ(forget("1,3", kAda).error(),
            (Error{ErrorCode::conflict, "job 3 has not ended: cancel it first (bramble job cancel 3)"}));
  EXPECT_EQ(forget("2", kAda).error().code, ErrorCode::denied);
}

TEST_F(Selection, ListsWhatIsNamed) {
  EXPECT_EQ(listed("all", "", kAda), (Ids{1, 2, 3, 4}));
  EXPECT_EQ(listed("2-3,9-20", "", kAda), (Ids{2, 3}));
  EXPECT_EQ(listed("all", "bob", kAda), (Ids{2, 4}));
}

TEST_F(Selection, ListsThoseOfAState) {
  const auto rows = select_jobs(jobs_, *parse_job_selector("all"), {"", JobState::waiting, 100}, kAda);
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 1u);
  EXPECT_EQ(rows->front().record.id, 3u);
  EXPECT_TRUE(select_jobs(jobs_, *parse_job_selector("2"), {"", JobState::waiting, 100}, kAda)->empty())
      << "it is there, in another state";
}

TEST_F(Selection, LastIsTheCallersOwnAndAnOperatorsOfAll) {
  EXPECT_EQ(listed("last", "", kAda), Ids{3});
  EXPECT_EQ(listed("last", "", kRoot), Ids{4});
  EXPECT_EQ(listed("last", "ada", kRoot), Ids{3});
  EXPECT_EQ(listed("1,last", "", kRoot), (Ids{1, 4}));
}

TEST_F(Selection, ListingOneThatDoesNotExistSaysSo) {
  const auto rows = select_jobs(jobs_, *parse_job_selector("9"), {}, kAda);
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error(), (Error{ErrorCode::not_found, "there is no job 9: the last one is 4"}));
}

TEST_F(Selection, LastOfSomebodyWithoutJobsIsNotFound) {
  const auto rows = select_jobs(jobs_, *parse_job_selector("last"), {}, {"eve", false});
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error(), (Error{ErrorCode::not_found, "there is no job of eve"}));
}

TEST_F(Selection, CancelsOwnJobsThatHaveNotEnded) {
  EXPECT_EQ(*to_cancel("1,3", kAda), Ids{3});
  EXPECT_EQ(*to_cancel("all", kAda), Ids{3});
  EXPECT_EQ(*to_cancel("last", kAda), Ids{3});
  EXPECT_EQ(*to_cancel("last,3,all", kAda), Ids{3});
}

TEST_F(Selection, CancellingAnothersJobIsDeniedAndNamesTheOwner) {
  for (const char* selector : {"2", "3-4", "1-9"}) {
    const auto chosen = to_cancel(selector, kAda);
    ASSERT_FALSE(chosen) << selector;
    EXPECT_EQ(chosen.error().code, ErrorCode::denied);
    EXPECT_NE(chosen.error().message.find("is bob's"), std::string::npos) << chosen.error().message;
  }
}

TEST_F(Selection, AnOperatorCancelsEverybodysJobs) {
  EXPECT_EQ(*to_cancel("all", kRoot), (Ids{2, 3, 4}));
  EXPECT_EQ(*to_cancel("2-3", kRoot), (Ids{2, 3}));
}

TEST_F(Selection, CancellingWhatDoesNotExistIsNotFound) {
  EXPECT_EQ(to_cancel("7", kAda).error(), (Error{ErrorCode::not_found, "there is no job 7: the last one is 4"}));
  EXPECT_EQ(to_cancel("7-9", kAda).error(), (Error{ErrorCode::not_found, "there is no job from 7 to 9"}));
}

TEST_F(Selection, ReadsLongListsInPages) {
  for (JobId id = 5; id <= 3500; ++id) jobs_.add_job(id, "ada", id % 2 == 0 ? JobState::running : JobState::failed);
  const auto chosen = to_cancel("all", kAda);
  ASSERT_TRUE(chosen);
  EXPECT_EQ(chosen->size(), 1 + 1748U);
  EXPECT_EQ(chosen->front(), 3U);
  EXPECT_EQ(chosen->back(), 3500U);
}

TEST_F(Selection, ListsTheNewestOfManyAcrossPages) {
  for (JobId id = 5; id <= 1000; ++id) jobs_.add_job(id, "ada", JobState::running);
  const auto rows = select_jobs(jobs_, *parse_job_selector("1-2,300-900"), {"", {}, 450}, kAda);
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 450U);
  EXPECT_EQ(rows->front().record.id, 451U);
  EXPECT_EQ(rows->back().record.id, 900U);
  EXPECT_EQ(select_jobs(jobs_, *parse_job_selector("1-2,300-900"), {"", {}, 10'000}, kAda)->size(), 603U);
  EXPECT_EQ(select_jobs(jobs_, *parse_job_selector("all"), {"ada", {}, 10'000}, kAda)->size(), 998U);
}

TEST_F(Selection, PassesOnThatTheStoreIsDamaged) {
  jobs_.break_it();
  EXPECT_EQ(to_cancel("all", kAda).error().code, ErrorCode::corrupt);
  EXPECT_EQ(to_cancel("last", kAda).error().code, ErrorCode::corrupt);
  EXPECT_EQ(to_cancel("3", kAda).error().code, ErrorCode::corrupt);
}

}  // namespace
}  // namespace bramble::aggregator::http
