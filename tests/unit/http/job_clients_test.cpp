#include "aggregator/http/job_clients.hpp"

#include <gtest/gtest.h>

namespace bramble::aggregator::http {
namespace {

constexpr MonoTime kStart{100'000};

JobRecord job(JobId id, int64_t submitted_ms = 0) {
  JobRecord record;
  record.id = id;
  record.submitted = {submitted_ms};
  return record;
}

TEST(JobClients, AreSilentSinceTheyLastSpoke) {
  JobClients clients(kStart);
  clients.spoke(1, {101'000});
  clients.spoke(2, {102'000});
  clients.spoke(1, {105'000});
  EXPECT_EQ(clients.silent_ms(job(1), {{106'000}, {0}}), 1'000);
  EXPECT_EQ(clients.silent_ms(job(2), {{106'000}, {0}}), 4'000);
}

TEST(JobClients, ThatNeverSpokeAreSilentSinceTheirSubmissionOrTheStart) {
  const JobClients clients(kStart);
  EXPECT_EQ(clients.silent_ms(job(1, 5'000), {{160'000}, {7'000}}), 2'000);
  EXPECT_EQ(clients.silent_ms(job(1, 5'000), {{160'000}, {900'000}}), 60'000) << "no more is known";
  EXPECT_EQ(clients.silent_ms(job(1, 5'000), {{160'000}, {1'000}}), 0) << "the wall clock was set back";
}

TEST(JobClients, ThatWereForgottenAreNotAccused) {
  JobClients clients(kStart);
  for (JobId id = 1; id <= JobClients::kMost; ++id) clients.spoke(id, {101'000});
  clients.spoke(1, {102'000});
  EXPECT_TRUE(clients.silent_ms(job(JobClients::kMost + 1), {{103'000}, {0}}));
  clients.spoke(JobClients::kMost + 1, {102'000});
  EXPECT_FALSE(clients.silent_ms(job(2), {{103'000}, {0}})) << "it had been silent for longest";
  EXPECT_EQ(clients.silent_ms(job(1), {{103'000}, {0}}), 1'000);
  EXPECT_EQ(clients.silent_ms(job(3), {{103'000}, {0}}), 2'000);
}

}  // namespace
}  // namespace bramble::aggregator::http
