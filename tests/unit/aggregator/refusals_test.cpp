// What was refused at the door stands in the audit log.
#include "aggregator/core/refusals.hpp"

#include <gmock/gmock.h>

#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {
namespace {

TEST(Refusals, StandInTheAuditLogWithWhoWhatWhyAndWhereFrom) {
  Harness cluster;
  Effects effects;
  on_refused(cluster.state(), effects, cluster.now(), {"eve", "10.0.0.1", "POST /api/v1/jobs", "a viewer", 1});
  on_refused(cluster.state(), effects, cluster.now(), {"", "10.0.0.2", "GET /metrics", "no token", 7});
  ASSERT_EQ(effects.writes.size(), 2U);
  const AuditRecord first = std::get<AddAudit>(effects.writes[0]).audit;
  EXPECT_EQ(first,
            (AuditRecord{cluster.now().wall, "eve", "", "refused: POST /api/v1/jobs", "a viewer", "from 10.0.0.1"}));
  const AuditRecord second = std::get<AddAudit>(effects.writes[1]).audit;
  EXPECT_EQ(second.who, "a stranger");
  EXPECT_EQ(second.result, "from 10.0.0.2, 7 more in ten minutes");
}

TEST(Refusals, AreNotWrittenToAStoreThatHasGoneBack) {
  Harness cluster;
  cluster.state().gone_back = "an older copy";
  Effects effects;
  on_refused(cluster.state(), effects, cluster.now(), {"eve", "x", "GET /", "no", 1});
  EXPECT_TRUE(effects.writes.empty());
}

}  // namespace
}  // namespace bramble::aggregator::test
