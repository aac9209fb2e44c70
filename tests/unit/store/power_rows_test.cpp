// The power of nodes and the audit log: what is loaded after the store was opened again, and what is asked of it.
#include <gmock/gmock.h>

#include "aggregator/store/job_query.hpp"
#include "unit/store/store_builders.hpp"

namespace bramble::aggregator {
namespace {

using ::testing::ElementsAre;

class PowerRows : public testing::Test {
 protected:
  void put(const Writes& writes) {
    if (!store_) store_ = open_jobs(dir_ / "jobs.db");
    commit(*store_, writes);
  }
  LoadedState reopened() {
    store_.reset();
    store_ = open_jobs(dir_ / "jobs.db");
    return load(*store_);
  }
  std::vector<std::string> actions(const AuditFilter& filter) {
    auto query = SqliteJobQuery::open(dir_ / "jobs.db");
    EXPECT_TRUE(query);
    const auto rows = (*query)->audit(filter);
    EXPECT_TRUE(rows);
    std::vector<std::string> found;
    for (const auto& row : *rows) found.push_back(row.record.action);
    return found;
  }
  static AddAudit audit(int64_t at_ms, const std::string& node, const std::string& action, size_t keep = 0) {
    return {{{at_ms}, "ada", node, action, "idle", "reads off"}, keep};
  }

  TempDir dir_;
  std::unique_ptr<SqliteJobStore> store_;
};

PowerRecord full_record() {
  PowerRecord record;
  record.node = "pi1";
  record.wish = PowerWish::off;
  record.how = PowerHow::asap;
  record.by_person = record.cycle = record.was_on = record.off_proved = record.press_open = true;
  record.who = "ada";
  record.why = "new fan";
  record.asked = {5};
  record.state = PowerState::cool_down;
  record.since = {6};
  record.cause = "it has halted";
  record.boot_before = "boot-7";
  record.presses = 8;
  record.boot_ms = 9;
  record.starts = 2;
  record.lines = "GPIO17, GPIO27";
  return record;
}

PowerRecord named(const std::string& node) {
  PowerRecord record;
  record.node = node;
  return record;
}

TEST_F(PowerRows, ARecordIsKeptAsLastPut) {
  PowerRecord other = full_record();
  other.node = "pi2";
  put({PutPower{named("pi1")}, PutPower{full_record()}, PutPower{other}});
  EXPECT_THAT(reopened().power, ElementsAre(full_record(), other));
}

TEST_F(PowerRows, EveryStateWishAndHowIsReadBack) {
  Writes writes;
  for (int state = 0; state <= static_cast<int>(PowerState::fault); ++state) {
    PowerRecord record = named("pi" + std::to_string(10 + state));
    record.state = static_cast<PowerState>(state);
    record.wish = static_cast<PowerWish>(state % 3);
    record.how = static_cast<PowerHow>(state / 3 % 3);
    writes.push_back(PutPower{record});
  }
  put(writes);
  const auto loaded = reopened().power;
  ASSERT_EQ(loaded.size(), writes.size());
  for (size_t i = 0; i < loaded.size(); ++i) EXPECT_EQ(loaded[i], std::get<PutPower>(writes[i]).power);
}

TEST_F(PowerRows, APauseOutlivesARestart) {
  put({PutSession{1}});
  EXPECT_EQ(reopened().power_pause, PowerPause{});
  const PowerPause pause{true, "ada", "new wiring", {77}};
  put({PutPowerPause{pause}});
  EXPECT_EQ(reopened().power_pause, pause);
  put({PutPowerPause{{}}});
  EXPECT_EQ(reopened().power_pause, PowerPause{});
}

TEST_F(PowerRows, TheAuditLogIsToldByNodeAndTimeNewestWithinTheLimit) {
  put({audit(1, "pi1", "a"), audit(2, "pi2", "b"), audit(3, "", "c"), audit(4, "pi1", "d")});
  EXPECT_THAT(actions({}), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(actions({{"pi1", "pi2"}, {}, 1000}), ElementsAre("a", "b", "d"));
  EXPECT_THAT(actions({{}, {3}, 1000}), ElementsAre("c", "d"));
  EXPECT_THAT(actions({{"pi1"}, {}, 1}), ElementsAre("d"));
}

TEST_F(PowerRows, TheAuditLogKeepsTheNewestRowsWhateverTheClockDid) {
  for (int i = 0; i < 10; ++i) put({audit(1000 - i, "pi1", std::to_string(i), 3)});
  EXPECT_THAT(actions({}), ElementsAre("7", "8", "9"));
}

}  // namespace
}  // namespace bramble::aggregator
