#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "aggregator/core/explain.hpp"
#include "common/base/duration.hpp"
#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Config keeping(int64_t days, uint64_t jobs) {
  Config config;
  config.keep_jobs_ms = days * kDayMs;
  config.keep_jobs = jobs;
  return config;
}

std::vector<FindExpired> asked(Harness& cluster) {
  std::vector<FindExpired> found;
  for (const auto& op : cluster.take_files()) {
    if (const auto* find = std::get_if<FindExpired>(&op)) found.push_back(*find);
  }
  return found;
}

void tell(Harness& cluster, const std::vector<JobId>& jobs) {
  cluster.step([&](Effects& effects) { on_expired_jobs(cluster.state(), effects, cluster.now(), jobs); });
}

TEST(Retention, LooksEveryMinuteForWhatIsTooOld) {
  Harness cluster({}, keeping(30, 500));
  cluster.pass(1000);
  const auto first = asked(cluster);
  ASSERT_THAT(first, SizeIs(1));
  EXPECT_EQ(first[0].keep, 500U);
  EXPECT_EQ(first[0].ended_before->ms, cluster.now().wall.ms - 900 - 30 * kDayMs);
  tell(cluster, {});
  cluster.pass(50'000);
  EXPECT_THAT(asked(cluster), IsEmpty());
  cluster.pass(20'000);
  EXPECT_THAT(asked(cluster), SizeIs(1));
}

TEST(Retention, ForgetsTheOldAndNotWhatIsOpenAgain) {
  Harness cluster({}, keeping(0, 500));
  cluster.connect();
  const JobId open = cluster.submit();
  cluster.pass(100);
  EXPECT_FALSE(asked(cluster).at(0).ended_before);
  tell(cluster, {open, 77});
  ASSERT_THAT(cluster.writes_of<ForgetJob>(), SizeIs(1));
  EXPECT_EQ(cluster.writes_of<ForgetJob>()[0].job, 77U);
  cluster.take_files();
}

TEST(Retention, ZeroKeepsForEver) {
  Harness cluster;
  cluster.pass(200'000);
  EXPECT_THAT(cluster.take_files(), IsEmpty());
}

TEST(Storage, ThatIsFullIsSaidOnceAndShown) {
  Harness cluster;
  cluster.connect();
  cluster.pass(3000);
  cluster.join("pi1");
  const JobId job = cluster.submit();
  cluster.take("pi1");
  auto finished = Harness::finished({job, 0, 1});
  finished.finished->out = {200'000, 0, ""};
  cluster.event("pi1", finished);
  cluster.take_wants();
  cluster.take_warnings();
  for (int i = 0; i < 3; ++i) {
    cluster.step([&](Effects& effects) { on_storage(cluster.state(), effects, {90, 100, true}); });
  }
  EXPECT_THAT(cluster.take_warnings(), SizeIs(1));
  const auto reason = explain_task(cluster.state(), cluster.now(), {job, 0});
  ASSERT_TRUE(reason);
  EXPECT_EQ(reason->reason.word, "storage_full");
  EXPECT_THAT(reason->reason.text, HasSubstr("bramble job forget"));
  const auto health = nlohmann::json::parse(health_json(cluster.state()));
  EXPECT_EQ(health["storage"]["full"], true);
  EXPECT_EQ(health["storage"]["used_bytes"], 90);
}

}  // namespace
}  // namespace bramble::aggregator::test
