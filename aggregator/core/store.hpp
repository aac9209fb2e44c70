// What the reactor's loop needs of the durable store, and what the API reads from it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "aggregator/core/api.hpp"
#include "aggregator/core/records.hpp"
#include "common/base/result.hpp"

namespace bramble::aggregator {

// The state thread's; one thread only.
class JobStore {
 public:
  virtual ~JobStore() = default;

  virtual Result<LoadedState> load() = 0;

  // All writes or none, on disk when it returns. Errors: unavailable (locked, disk full: the same writes may be tried
  // again), io and corrupt (it will not get better: end the process).
  virtual Status commit(std::span<const StoreWrite> writes) = 0;
};

// --- reading, on read-only connections; thread-safe -----------------------------------------------------------------

struct JobRow {
  JobRecord record;
  uint64_t running = 0;   // tasks at nodes that have started
  uint64_t assigned = 0;  // tasks at nodes that have not
};

// What all attempts of a job that have ended cost, as far as their nodes told it.
struct JobEnergy {
  double energy_j = 0;
  double energy_measured_j = 0;  // the part of it that was measured, not modelled
};

struct AttemptRow {
  AttemptRecord record;
  std::string outcome;  // empty: open
  bool committed = false;
  std::optional<wire::Finished> result;  // without output data
  std::optional<WallTime> ended;
};

struct TaskRow {
  TaskRecord record;
  uint32_t committed_attempt = 0;
  std::vector<AttemptRow> attempts;
};

struct OutputRow {
  uint32_t attempt = 0;
  uint64_t size_bytes = 0;
  uint64_t dropped_bytes = 0;
  bool in_file = false;
  std::string data;
};

// The next rows of a forgotten job to be removed, and what goes with them.
struct ForgottenRows {
  JobId job = 0;
  std::optional<TaskIndex> through;      // tasks up to this one; none are left without it
  bool whole = false;                    // after these the job itself goes
  std::vector<AttemptKey> output_files;  // committed outputs that lie in files
  std::vector<wire::BlobRef> inputs;     // kept for another try until now, each as often as it was used
};

struct JobFilter {
  std::vector<std::pair<JobId, JobId>> ranges;  // empty: every job
  std::string owner;                            // empty: every owner
  size_t limit = 1000;                          // the newest so many
  std::optional<JobState> state = {};           // nothing: any
};

struct AuditRow {
  uint64_t id = 0;  // increasing
  AuditRecord record;
};

struct AuditFilter {
  std::vector<std::string> nodes;  // empty: all, and what concerns no node
  WallTime since;
  size_t limit = 1000;  // the newest so many
};

class JobQuery {
 public:
  virtual ~JobQuery() = default;

  virtual Result<std::vector<JobRow>> jobs(const JobFilter& filter) = 0;  // by id, ascending
  virtual Result<JobId> last_job() = 0;                                   // not_found when there is none
  // Rows of touched tasks with their attempts, from task index `first` on, at most `limit`.
  virtual Result<std::vector<TaskRow>> tasks(JobId job, TaskIndex first, size_t limit) = 0;
  virtual Result<TaskRow> task(TaskKey key) = 0;  // not_found for an untouched one
  virtual Result<JobEnergy> energy(JobId job) = 0;
  // The committed output; not_found before the commit.
  virtual Result<OutputRow> output(TaskKey key, wire::Stream stream) = 0;

  // The job as it is, with its tasks that failed or were cancelled (and, `all`, those that succeeded), at most
  // max_tasks of them. not_found when there is no such job.
  virtual Result<RetryPlan> retry_plan(JobId job, bool all, size_t max_tasks) = 0;

  // Jobs that ended before then, and the oldest ones while more than `keep` (0: any number) are there; oldest first.
  virtual Result<std::vector<JobId>> expired_jobs(std::optional<WallTime> ended_before, uint64_t keep,
                                                  size_t limit) = 0;
  // For removing what was forgotten: about max_rows of these jobs, in their order; the first at least in part.
  virtual Result<std::vector<ForgottenRows>> forgotten_rows(std::span<const JobId> jobs, size_t max_rows) = 0;
  // Those attempts whose output files nothing names.
  virtual Result<std::vector<AttemptKey>> unnamed_outputs(std::span<const AttemptKey> keys) = 0;

  // What was asked, done and read back about nodes' power; oldest first.
  virtual Result<std::vector<AuditRow>> audit(const AuditFilter& filter) = 0;
};

// --- telemetry ------------------------------------------------------------------------------------------------------

struct TelemetryRow {
  std::string node;
  WallTime received;
  std::shared_ptr<const wire::Telemetry> reading;
};

// How the store of readings fares, since this process began.
struct TelemetryUse {
  uint64_t stored = 0;          // readings
  uint64_t waiting = 0;         // in memory now
  uint64_t shed = 0;            // dropped because too many waited
  uint64_t duplicates = 0;      // had come before
  uint64_t too_old = 0;         // from before what is kept
  uint64_t unfit = 0;           // dropped because they could never be stored
  uint64_t refused_values = 0;  // no number of a sane size
  uint64_t others_refused = 0;  // values of metrics beyond the number of names that are stored
  std::string trouble;          // why nothing can be stored now; empty: it can

  bool operator==(const TelemetryUse&) const = default;
};

// Takes rows on any thread, bounded; a writer thread of its own commits them every so often.
class TelemetrySink {
 public:
  virtual ~TelemetrySink() = default;
  virtual void add(std::vector<TelemetryRow> rows) = 0;
  virtual TelemetryUse use() const = 0;
};

// The result of one SQL question. Values as text; numbers are marked so that JSON can carry them as numbers.
struct SqlValue {
  enum class Kind { null, integer, real, text } kind = Kind::null;
  std::string text;
};

struct SqlTable {
  std::vector<std::string> columns;
  std::vector<std::vector<SqlValue>> rows;
  bool truncated = false;  // more rows than the limit
};

// Set by whoever asked and does not want the answer any more.
using CancelFlag = std::shared_ptr<std::atomic<bool>>;

class SqlQuery {
 public:
  virtual ~SqlQuery() = default;
  // Read-only over telemetry.db, with jobs.db attached as "jobs". Commits what telemetry is still in memory first.
  // Ends after time_limit_ms, or soon after `cancelled` (which may be null) is set, with error limit. Errors name what
  // is wrong with the SQL.
  virtual Result<SqlTable> sql(const std::string& text, size_t max_rows, int64_t time_limit_ms,
                               const CancelFlag& cancelled) = 0;
  // What people can ask about: names as they are written in SQL, each with its columns' names (columns: table,
  // columns).
  virtual Result<SqlTable> tables() = 0;
};

// --- questions about metrics ---

// natural: rate of a counter, mean of a gauge. Increase: of a counter, in the whole step.
enum class Aggregate { natural, mean, min, max, p95, last, rate, increase };

struct MetricQuestion {
  std::vector<std::string> metrics;
  std::vector<std::string> nodes;  // empty: all that have ever told something
  int64_t since_ms = 0;
  int64_t until_ms = 0;
  int64_t step_ms = 60'000;
  Aggregate aggregate = Aggregate::natural;
  int64_t time_limit_ms = 10'000;
  CancelFlag cancelled;
};

struct MetricSeries {
  std::string node;
  std::string metric;
  Aggregate aggregate = Aggregate::mean;      // what `natural` came to
  std::vector<std::optional<double>> points;  // one for each step; nothing where the node told nothing
  // Of power_w and energy_j: which part of the node's joules in all these steps was measured. Nothing: it told none.
  std::optional<double> measured_ratio;
};

struct MetricAnswer {
  std::string tier;      // raw, minute or hour: what the steps that have ended were made of
  int64_t since_ms = 0;  // of the first step: rounded down to a whole one
  int64_t step_ms = 0;
  size_t steps = 0;
  std::vector<MetricSeries>
      series;  // in the order of nodes, then of the question's metrics; those without any point too
};

struct EnergyQuestion {
  enum class By { node, job, owner, cluster };
  By by = By::node;
  std::vector<std::string> nodes;             // empty: all
  std::vector<std::pair<JobId, JobId>> jobs;  // by job and owner: only these; empty: all
  int64_t since_ms = 0;
  int64_t until_ms = 0;
  int64_t time_limit_ms = 10'000;
  CancelFlag cancelled;
};

struct EnergyRow {
  std::string name;   // the node, the job's number, the owner; "cluster"
  std::string owner;  // by job
  double energy_j = 0;
  double measured_j = 0;  // of energy_j
};

struct EnergyAnswer {
  std::vector<EnergyRow> rows;
  // Of the nodes asked about, in that time: what they used, and what of it no attempt is charged with.
  EnergyRow nodes;
  EnergyRow attempts;              // what all attempts on them are charged with, whether they are in `rows` or not
  double unattributed_j = 0;       // nodes less attempts
  double told_unattributed_j = 0;  // the same as the nodes themselves count it
  int64_t since_ms = 0;            // rounded to what is stored: whole minutes, or hours where minutes are gone
  int64_t until_ms = 0;
  bool by_hours = false;
};

// Thread-safe. Both commit what telemetry is still in memory first. Errors: invalid (names the nearest metric or node,
// or says what cannot be asked so), limit (too much, or too slow).
class TelemetryQuery {
 public:
  virtual ~TelemetryQuery() = default;
  virtual Result<MetricAnswer> metrics(const MetricQuestion& question) = 0;
  virtual Result<EnergyAnswer> energy(const EnergyQuestion& question) = 0;
};

// --- files: blobs and outputs ---------------------------------------------------------------------------------------

struct StorageUse {
  uint64_t used_bytes = 0;
  uint64_t quota_bytes = 0;
  bool full = false;  // something was refused for want of room, and would be again

  bool operator==(const StorageUse&) const = default;
};

// A blob being taken in; dropped without finish() it leaves nothing behind.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  virtual Status write(std::string_view bytes) = 0;
  virtual Result<wire::BlobRef> finish() = 0;  // on disk when it returns
};

// Thread-safe.
class BlobFiles {
 public:
  virtual ~BlobFiles() = default;
  virtual Result<std::unique_ptr<BlobWriter>> begin_blob() = 0;
  virtual std::optional<uint64_t> blob_size(const std::string& sha256) = 0;
  virtual Result<std::string> read_blob(const std::string& sha256, uint64_t offset, size_t max_bytes) = 0;
  // Nothing happens to a blob that was stored after `known`.
  virtual void remove_blob(const std::string& sha256, MonoTime known) = 0;

  // Output files, one for each attempt and stream. Bytes beyond the end of the file leave no hole: it is an error.
  virtual Status append_output(const AttemptKey& key, wire::Stream stream, uint64_t offset, std::string_view bytes) = 0;
  virtual Status sync_output(const AttemptKey& key, wire::Stream stream) = 0;  // durable when it returns
  virtual Result<std::string> read_output(const AttemptKey& key, wire::Stream stream, uint64_t offset,
                                          size_t max_bytes) = 0;
  virtual uint64_t output_size(const AttemptKey& key, wire::Stream stream) = 0;  // 0 when there is none
  virtual void remove_output(const AttemptKey& key) = 0;                         // both streams
  // A walk over all output files, one call after the other: the next attempts that have some; empty at its end, after
  // which it begins again. For one thread.
  virtual std::vector<AttemptKey> next_outputs(size_t max_attempts) = 0;

  virtual StorageUse storage() = 0;
};

}  // namespace bramble::aggregator
