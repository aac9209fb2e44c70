#include "aggregator/store/power_rows.hpp"

#include <algorithm>

namespace bramble::aggregator {
namespace {

constexpr std::string_view kPutPower =
    "INSERT OR REPLACE INTO power_raw (node, wish, how, by_person, cycle, who, why, asked_ms, state, since_ms, cause, "
    "was_on, off_proved, boot_before, presses, press_open, boot_ms, starts, lines) VALUES "
    "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";

constexpr std::string_view kPutPause =
    "UPDATE meta SET value = CASE name WHEN 'power_paused' THEN ?1 WHEN 'power_paused_by' THEN ?2 "
    "WHEN 'power_paused_why' THEN ?3 ELSE ?4 END WHERE name IN ('power_paused', 'power_paused_by', "
    "'power_paused_why', 'power_paused_ms')";

constexpr std::string_view kAddAudit =
    "INSERT INTO audit_raw (at_ms, who, node, action, why, result) VALUES (?,?,?,?,?,?)";

// By id and not by time: a clock that jumps must neither empty the log nor let it grow.
constexpr std::string_view kPurgeAudit = "DELETE FROM audit_raw WHERE id <= (SELECT max(id) FROM audit_raw) - ?";

// A name that a later version wrote says nothing here: what is observed will tell.
PowerRecord read_power(const sqlite::Statement& row) {
  PowerRecord record;
  record.node = row.string(0);
  record.wish = parse_power_wish(row.text(1)).value_or(PowerWish::none);
  record.how = parse_power_how(row.text(2)).value_or(PowerHow::clean);
  record.by_person = row.integer(3) != 0;
  record.cycle = row.integer(4) != 0;
  record.who = row.string(5);
  record.why = row.string(6);
  record.asked = {row.integer(7)};
  record.state = parse_power_state(row.text(8)).value_or(PowerState::unknown);
  record.since = {row.integer(9)};
  record.cause = row.string(10);
  record.was_on = row.integer(11) != 0;
  record.off_proved = row.integer(12) != 0;
  record.boot_before = row.string(13);
  record.presses = row.natural(14);
  record.press_open = row.integer(15) != 0;
  record.boot_ms = row.integer(16);
  record.starts = row.natural32(17);
  record.lines = row.string(18);
  return record;
}

template <typename OnRow>
Status each_row(sqlite::Connection& connection, std::string_view sql, OnRow on_row) {
  auto statement = connection.prepare(sql);
  if (!statement) return tl::unexpected<Error>(statement.error());
  return statement->each([&](const sqlite::Statement& row) -> Status {
    on_row(row);
    return {};
  });
}

}  // namespace

Status PowerWriter::prepare(sqlite::Connection& connection) {
  const std::pair<sqlite::Statement*, std::string_view> statements[] = {
      {&power_, kPutPower}, {&pause_, kPutPause}, {&audit_, kAddAudit}, {&purge_, kPurgeAudit}};
  for (const auto& [target, sql] : statements) {
    auto statement = connection.prepare(sql);
    if (!statement) return tl::unexpected<Error>(statement.error());
    *target = std::move(*statement);
  }
  return {};
}

Status PowerWriter::put(const PutPower& write) {
  const PowerRecord& power = write.power;
  return power_.run(power.node, to_string(power.wish), to_string(power.how), power.by_person, power.cycle, power.who,
                    power.why, power.asked.ms, to_string(power.state), power.since.ms, power.cause, power.was_on,
                    power.off_proved, power.boot_before, power.presses, power.press_open, power.boot_ms, power.starts,
                    power.lines);
}

Status PowerWriter::put(const PutPowerPause& write) {
  const PowerPause& pause = write.pause;
  return pause_.run(pause.paused, pause.who, pause.why, pause.at.ms);
}

Status PowerWriter::put(const AddAudit& write) {
  const AuditRecord& audit = write.audit;
  if (Status status = audit_.run(audit.at.ms, audit.who, audit.node, audit.action, audit.why, audit.result); !status) {
    return status;
  }
  return write.keep == 0 ? Status{} : purge_.run(write.keep);
}

Status load_power(sqlite::Connection& connection, LoadedState& state) {
  Status status = each_row(connection,
                           "SELECT node, wish, how, by_person, cycle, who, why, asked_ms, state, since_ms, cause, "
                           "was_on, off_proved, boot_before, presses, press_open, boot_ms, starts, lines "
                           "FROM power_raw ORDER BY node",
                           [&](const auto& row) { state.power.push_back(read_power(row)); });
  if (!status) return status;
  return each_row(connection,
                  "SELECT (SELECT value FROM meta WHERE name = 'power_paused'), "
                  "(SELECT value FROM meta WHERE name = 'power_paused_by'), "
                  "(SELECT value FROM meta WHERE name = 'power_paused_why'), "
                  "(SELECT value FROM meta WHERE name = 'power_paused_ms')",
                  [&](const auto& row) {
                    state.power_pause = {row.integer(0) != 0, row.string(1), row.string(2), {row.integer(3)}};
                  });
}

Result<std::vector<AuditRow>> read_audit(sqlite::Connection& connection, const AuditFilter& filter) {
  std::string sql = "SELECT id, at_ms, who, node, action, why, result FROM audit_raw WHERE at_ms >= ?";
  if (!filter.nodes.empty()) {
    sql += " AND node IN (?";
    for (size_t i = 1; i < filter.nodes.size(); ++i) sql += ",?";
    sql += ")";
  }
  auto statement = connection.prepare(sql + " ORDER BY id DESC LIMIT ?");
  if (!statement) return tl::unexpected<Error>(statement.error());
  int place = 0;
  statement->bind_at(++place, filter.since.ms);
  for (const auto& node : filter.nodes) statement->bind_at(++place, node);
  statement->bind_at(++place, static_cast<int64_t>(filter.limit));
  std::vector<AuditRow> rows;
  for (auto row = statement->step();; row = statement->step()) {
    if (!row) return tl::unexpected<Error>(row.error());
    if (!*row) break;
    rows.push_back({statement->natural(0),
                    {{statement->integer(1)},
                     statement->string(2),
                     statement->string(3),
                     statement->string(4),
                     statement->string(5),
                     statement->string(6)}});
  }
  std::reverse(rows.begin(), rows.end());
  return rows;
}

}  // namespace bramble::aggregator
