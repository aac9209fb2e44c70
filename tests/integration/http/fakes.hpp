// What stands behind the HTTP server in its tests: a reactor that answers as told and complains about what it was not
// told of, a store in memory, SQL and files that can be made to wait.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "aggregator/core/api.hpp"
#include "aggregator/core/store.hpp"

namespace bramble::aggregator {

// A door that tests open; whoever passes waits before it.
class Gate {
 public:
  void shut();
  void open();
  void pass();                       // waits while it is shut
  bool wait_for_waiting(int count);  // until so many wait before it; false after 20 s

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool shut_ = false;
  int waiting_ = 0;
};

// Calls must be expected, in any order of their kinds; one that is not, and one that does not come, is a failure.
class FakePort {
 public:
  ~FakePort();

  // Answers the next call of this kind; with no reply it is held for reply_held().
  template <typename Call>
  void expect(std::function<std::optional<ApiReply>(const Call&, const Caller&)> answer) {
    const std::lock_guard lock(mutex_);
    expected_.push_back({ApiCall(Call{}).index(), [answer = std::move(answer)](const ApiRequest& request) {
                           return answer(std::get<Call>(request.call), request.caller);
                         }});
  }
  template <typename Call>
  void expect(ApiReply reply) {
    expect<Call>([reply = std::move(reply)](const Call&, const Caller&) { return std::optional(reply); });
  }
  template <typename Call>
  void expect_and_hold(size_t count = 1) {
    for (size_t i = 0; i < count; ++i) {
      expect<Call>([](const Call&, const Caller&) { return std::optional<ApiReply>(); });
    }
  }

  void answer_the_rest(ApiReply reply);  // to calls that were not expected
  size_t rest_answered();
  void set_full(bool full);                // refuses everything
  size_t wait_for_held(size_t count);      // how many are held when it ends: count, or fewer after 20 s
  void reply_held(const ApiReply& reply);  // to the oldest

  ApiPort port();

 private:
  struct Expected {
    size_t kind;
    std::function<std::optional<ApiReply>(const ApiRequest&)> answer;
  };

  bool put(ApiRequest request);
  static void keep_blob(const KeepBlobRequest& keep, const ReplyHandler& reply);  // every upload is taken

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Expected> expected_;
  std::deque<ApiRequest> held_;
  std::optional<ApiReply> rest_;
  size_t rest_answered_ = 0;
  bool full_ = false;
};

class FakeJobs : public JobQuery {
 public:
  void add_job(JobId id, const std::string& owner, JobState state, TaskRange range = {});
  void set_open(JobId id);  // submitted long ago
  void add_output(TaskKey task, wire::Stream stream, OutputRow row);
  void add_task(TaskRow row);
  void keep_checkpoint(JobId id, const wire::BlobRef& blob);
  void break_it();  // every question fails from now on
  Gate gate;        // every question passes it

  Result<std::vector<JobRow>> jobs(const JobFilter& filter) override;
  Result<JobId> last_job() override;
  Result<std::vector<TaskRow>> tasks(JobId job, TaskIndex first, size_t limit) override;
  Result<TaskRow> task(TaskKey key) override;
  Result<JobEnergy> energy(JobId) override { return JobEnergy{}; }
  Result<OutputRow> output(TaskKey key, wire::Stream stream) override;
  Result<RetryPlan> retry_plan(JobId job, bool all, size_t max_tasks) override;
  Result<std::vector<JobId>> expired_jobs(std::optional<WallTime> ended_before, uint64_t keep, size_t limit) override;
  Result<std::vector<ForgottenRows>> forgotten_rows(std::span<const JobId> jobs, size_t max_rows) override;
  Result<std::vector<AttemptKey>> unnamed_outputs(std::span<const AttemptKey> keys) override;
  Result<std::vector<AuditRow>> audit(const AuditFilter&) override { return audit_rows; }

  std::vector<AuditRow> audit_rows;

 private:
  Status usable();

  std::mutex mutex_;
  std::map<JobId, JobRow> jobs_;
  std::map<TaskKey, TaskRow> tasks_;
  std::map<std::pair<TaskKey, wire::Stream>, OutputRow> outputs_;
  bool broken_ = false;
};

class FakeSql : public SqlQuery {
 public:
  Gate gate;
  Result<SqlTable> answer;

  Result<SqlTable> sql(const std::string& text, size_t max_rows, int64_t time_limit_ms,
                       const CancelFlag& cancelled) override;
  Result<SqlTable> tables() override { return answer; }
  std::string last_sql();

 private:
  std::mutex mutex_;
  std::string last_sql_;
};

class FakeTelemetry : public TelemetryQuery {
 public:
  Result<MetricAnswer> metric_answer;
  Result<EnergyAnswer> energy_answer;

  Result<MetricAnswer> metrics(const MetricQuestion& question) override;
  Result<EnergyAnswer> energy(const EnergyQuestion& question) override;
  MetricQuestion last_metrics();
  EnergyQuestion last_energy();

 private:
  std::mutex mutex_;
  MetricQuestion last_metrics_;
  EnergyQuestion last_energy_;
};

// Blobs are named by their contents' size, 64 digits long; what is being written is counted, not kept.
class FakeFiles : public BlobFiles {
 public:
  struct Counts {
    size_t writers = 0;  // begun, and neither finished nor dropped
    size_t dropped = 0;  // without finish()
    uint64_t written_bytes = 0;
    size_t largest_piece = 0;
    std::string last_bytes;  // the end of what was written, at most 1 KiB
  };

  ~FakeFiles() override;
  Gate gate;  // every write passes it

  static std::string name_of(uint64_t size_bytes);
  void add_output(const AttemptKey& key, wire::Stream stream, std::string bytes);
  void add_blob(const std::string& sha256, std::string bytes);
  void fill_disk();
  Counts counts();
  bool wait_until_writers(size_t number);  // false after 20 s

  Result<std::unique_ptr<BlobWriter>> begin_blob() override;
  std::optional<uint64_t> blob_size(const std::string& sha256) override;
  Result<std::string> read_blob(const std::string& sha256, uint64_t offset, size_t max_bytes) override;
  void remove_blob(const std::string& sha256, MonoTime known) override;
  Status append_output(const AttemptKey& key, wire::Stream stream, uint64_t offset, std::string_view bytes) override;
  Status sync_output(const AttemptKey& key, wire::Stream stream) override;
  Result<std::string> read_output(const AttemptKey& key, wire::Stream stream, uint64_t offset,
                                  size_t max_bytes) override;
  uint64_t output_size(const AttemptKey& key, wire::Stream stream) override;
  void remove_output(const AttemptKey& key) override;
  std::vector<AttemptKey> next_outputs(size_t max_attempts) override;
  StorageUse storage() override { return {}; }

 private:
  class Writer;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> blobs_;
  std::map<std::string, std::string> bytes_;  // of those that can be read
  std::map<std::pair<AttemptKey, wire::Stream>, std::string> outputs_;
  Counts counts_;
  bool full_ = false;
};

}  // namespace bramble::aggregator
