// Rows of the store as the JSON that people and programs get (README.md names every field). Pure.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "aggregator/core/store.hpp"

namespace bramble::aggregator::http {

// For how long the client of an open job has not spoken; nothing: not known.
using SilentMs = std::function<std::optional<int64_t>(const JobRecord& job)>;

std::string render_jobs(std::span<const JobRow> rows, const SilentMs& silent_ms = {});
std::string render_job(const JobRow& row, const JobEnergy& energy, const SilentMs& silent_ms = {});  // with `spec`
std::string render_tasks(std::span<const TaskRow> rows);

std::string render_audit(std::span<const AuditRow> rows);

// What a watch tells of a job that the reactor no longer holds.
std::string render_ended_watch(const JobRow& row, uint64_t version);

// At most about max_bytes: rows that do not fit are left out and `truncated` says so.
std::string render_table(const SqlTable& table, size_t max_bytes);

// argv for people, quoted as a shell would want it; cut where it is long.
std::string command_text(const std::vector<std::string>& argv);

}  // namespace bramble::aggregator::http
