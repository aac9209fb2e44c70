#include "integration/http/fakes.hpp"

#include <algorithm>
#include <chrono>

namespace bramble::aggregator {
namespace {

constexpr auto kPatience = std::chrono::seconds(20);

}  // namespace

void Gate::shut() {
  const std::lock_guard lock(mutex_);
  shut_ = true;
}

void Gate::open() {
  const std::lock_guard lock(mutex_);
  shut_ = false;
  changed_.notify_all();
}

void Gate::pass() {
  std::unique_lock lock(mutex_);
  ++waiting_;
  changed_.notify_all();
  changed_.wait(lock, [this] { return !shut_; });
  --waiting_;
}

bool Gate::wait_for_waiting(int count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return waiting_ >= count; });
}

FakePort::~FakePort() {
  for (const Expected& left : expected_) ADD_FAILURE() << "a call of kind " << left.kind << " never came";
  if (!held_.empty()) ADD_FAILURE() << held_.size() << " calls were never answered";
}

void FakePort::answer_the_rest(ApiReply reply) {
  const std::lock_guard lock(mutex_);
  rest_ = std::move(reply);
}

size_t FakePort::rest_answered() {
  const std::lock_guard lock(mutex_);
  return rest_answered_;
}

void FakePort::set_full(bool full) {
  const std::lock_guard lock(mutex_);
  full_ = full;
}

size_t FakePort::wait_for_held(size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience, [&] { return held_.size() >= count; });
  return held_.size();
}

void FakePort::reply_held(const ApiReply& reply) {
  ReplyHandler handler;
  {
    const std::lock_guard lock(mutex_);
    ASSERT_FALSE(held_.empty());
    handler = std::move(held_.front().reply);
    held_.pop_front();
  }
  handler(reply);
}

ApiPort FakePort::port() {
  return [this](ApiRequest request) { return put(std::move(request)); };
}

bool FakePort::put(ApiRequest request) {
  if (const auto* keep = std::get_if<KeepBlobRequest>(&request.call)) {
    keep_blob(*keep, request.reply);
    return true;
  }
  std::optional<ApiReply> reply;
  {
    const std::lock_guard lock(mutex_);
    if (full_) return false;
    const auto found = std::find_if(expected_.begin(), expected_.end(),
                                    [&](const Expected& expected) { return expected.kind == request.call.index(); });
    if (found == expected_.end() && rest_) {
      ++rest_answered_;
      reply = rest_;
    } else if (found == expected_.end()) {
      ADD_FAILURE() << "a call of kind " << request.call.index() << " was not expected";
      reply = ApiReply{500, "{}", {}};
    } else {
      const auto answer = std::move(found->answer);
      expected_.erase(found);
      reply = answer(request);
      if (!reply) held_.push_back(request);
    }
    changed_.notify_all();
  }
  if (reply) request.reply(std::move(*reply));
  return true;
}

void FakePort::keep_blob(const KeepBlobRequest& keep, const ReplyHandler& reply) {
  ApiReply kept{201, R"({"blob":")" + keep.blob.sha256 + R"(","size_bytes":)", {}};
  kept.body += std::to_string(keep.blob.size_bytes) + "}";
  reply(std::move(kept));
}

void FakeJobs::add_job(JobId id, const std::string& owner, JobState state, TaskRange range) {
  const std::lock_guard lock(mutex_);
  JobRow& row = jobs_[id];
  row.record.id = id;
  row.record.spec.owner = owner;
  row.record.spec.task.argv = {"true"};
  row.record.progress.state = state;
  row.record.progress.range = range;
  row.record.progress.counts.total = range.size();
}

void FakeJobs::set_open(JobId id) {
  const std::lock_guard lock(mutex_);
  jobs_.at(id).record.progress.open = true;
  jobs_.at(id).record.submitted = {1};
}

void FakeJobs::keep_checkpoint(JobId id, const wire::BlobRef& blob) {
  const std::lock_guard lock(mutex_);
  jobs_.at(id).record.progress.checkpoint = blob;
}

void FakeJobs::add_output(TaskKey task, wire::Stream stream, OutputRow row) {
  const std::lock_guard lock(mutex_);
  outputs_[{task, stream}] = std::move(row);
}

void FakeJobs::add_task(TaskRow row) {
  const std::lock_guard lock(mutex_);
  tasks_[row.record.key] = row;
}

void FakeJobs::break_it() {
  const std::lock_guard lock(mutex_);
  broken_ = true;
}

Status FakeJobs::usable() {
  gate.pass();
  const std::lock_guard lock(mutex_);
  if (broken_) return fail(ErrorCode::corrupt, "jobs.db: database disk image is malformed");
  return {};
}

Result<std::vector<JobRow>> FakeJobs::jobs(const JobFilter& filter) {
  if (Status good = usable(); !good) return tl::unexpected(good.error());
  const std::lock_guard lock(mutex_);
  std::vector<JobRow> rows;
  for (auto entry = jobs_.rbegin(); entry != jobs_.rend() && rows.size() < filter.limit; ++entry) {
    const auto& [id, row] = *entry;
    const bool named = filter.ranges.empty() ||
                       std::any_of(filter.ranges.begin(), filter.ranges.end(),
                                   [job = id](const auto& range) { return job >= range.first && job <= range.second; });
    const bool owned = filter.owner.empty() || filter.owner == row.record.spec.owner;
    if (named && owned && filter.state.value_or(row.record.progress.state) == row.record.progress.state) {
      rows.push_back(row);
    }
  }
  std::reverse(rows.begin(), rows.end());
  return rows;
}

Result<JobId> FakeJobs::last_job() {
  if (Status good = usable(); !good) return tl::unexpected(good.error());
  const std::lock_guard lock(mutex_);
  if (jobs_.empty()) return fail(ErrorCode::not_found, "there is no job");
  return jobs_.rbegin()->first;
}

Result<std::vector<TaskRow>> FakeJobs::tasks(JobId job, TaskIndex first, size_t limit) {
  if (Status good = usable(); !good) return tl::unexpected(good.error());
  const std::lock_guard lock(mutex_);
  std::vector<TaskRow> rows;
  for (auto entry = tasks_.lower_bound({job, first}); entry != tasks_.end() && entry->first.job == job; ++entry) {
    if (rows.size() < limit) rows.push_back(entry->second);
  }
  return rows;
}

Result<TaskRow> FakeJobs::task(TaskKey key) {
  if (Status good = usable(); !good) return tl::unexpected(good.error());
  const std::lock_guard lock(mutex_);
  const auto found = tasks_.find(key);
  if (found == tasks_.end()) return fail(ErrorCode::not_found, "there is no such task");
  return found->second;
}

Result<OutputRow> FakeJobs::output(TaskKey key, wire::Stream stream) {
  if (Status good = usable(); !good) return tl::unexpected(good.error());
  const std::lock_guard lock(mutex_);
  const auto found = outputs_.find({key, stream});
  if (found == outputs_.end()) return fail(ErrorCode::not_found, "there is no such output");
  return found->second;
}

Result<RetryPlan> FakeJobs::retry_plan(JobId job, bool, size_t max_tasks) {
  if (Status good = usable(); !good) return tl::unexpected(good.error());
  const std::lock_guard lock(mutex_);
  RetryPlan plan;
  plan.job = jobs_.at(job).record;
  for (const auto& [key, row] : tasks_) {
    if (key.job == job && row.record.state == TaskState::failed && plan.tasks.size() < max_tasks) {
      plan.tasks.push_back(row.record);
    }
  }
  return plan;
}

// The HTTP server has no business with these.
Result<std::vector<JobId>> FakeJobs::expired_jobs(std::optional<WallTime>, uint64_t, size_t) {
  ADD_FAILURE() << "expired_jobs";
  return std::vector<JobId>();
}

Result<std::vector<ForgottenRows>> FakeJobs::forgotten_rows(std::span<const JobId>, size_t) {
  ADD_FAILURE() << "forgotten_rows";
  return std::vector<ForgottenRows>();
}

Result<std::vector<AttemptKey>> FakeJobs::unnamed_outputs(std::span<const AttemptKey>) {
  ADD_FAILURE() << "unnamed_outputs";
  return std::vector<AttemptKey>();
}

Result<SqlTable> FakeSql::sql(const std::string& text, size_t, int64_t, const CancelFlag& cancelled) {
  gate.pass();
  if (cancelled && *cancelled) return fail(ErrorCode::limit, "the question was cancelled");
  const std::lock_guard lock(mutex_);
  last_sql_ = text;
  return answer;
}

Result<MetricAnswer> FakeTelemetry::metrics(const MetricQuestion& question) {
  const std::lock_guard lock(mutex_);
  last_metrics_ = question;
  return metric_answer;
}

Result<EnergyAnswer> FakeTelemetry::energy(const EnergyQuestion& question) {
  const std::lock_guard lock(mutex_);
  last_energy_ = question;
  return energy_answer;
}

MetricQuestion FakeTelemetry::last_metrics() {
  const std::lock_guard lock(mutex_);
  return last_metrics_;
}

EnergyQuestion FakeTelemetry::last_energy() {
  const std::lock_guard lock(mutex_);
  return last_energy_;
}

std::string FakeSql::last_sql() {
  const std::lock_guard lock(mutex_);
  return last_sql_;
}

class FakeFiles::Writer : public BlobWriter {
 public:
  explicit Writer(FakeFiles& files) : files_(files) {}

  ~Writer() override {
    const std::lock_guard lock(files_.mutex_);
    --files_.counts_.writers;
    if (!finished_) ++files_.counts_.dropped;
    files_.changed_.notify_all();
  }

  Status write(std::string_view bytes) override {
    files_.gate.pass();
    const std::lock_guard lock(files_.mutex_);
    if (files_.full_) return fail(ErrorCode::io, "cannot write the blob: no space left on device");
    Counts& counts = files_.counts_;
    size_ += bytes.size();
    counts.written_bytes += bytes.size();
    counts.largest_piece = std::max(counts.largest_piece, bytes.size());
    counts.last_bytes = counts.last_bytes + std::string(bytes);
    if (counts.last_bytes.size() > 1024) counts.last_bytes.erase(0, counts.last_bytes.size() - 1024);
    return {};
  }

  Result<wire::BlobRef> finish() override {
    const std::lock_guard lock(files_.mutex_);
    finished_ = true;
    files_.blobs_.insert(name_of(size_));
    return wire::BlobRef{name_of(size_), size_};
  }

 private:
  FakeFiles& files_;
  uint64_t size_ = 0;
  bool finished_ = false;
};

FakeFiles::~FakeFiles() {
  if (counts_.writers != 0) ADD_FAILURE() << counts_.writers << " blobs were left half-written";
}

std::string FakeFiles::name_of(uint64_t size_bytes) {
  const std::string digits = std::to_string(size_bytes);
  return std::string(64 - digits.size(), '0') + digits;
}

void FakeFiles::add_output(const AttemptKey& key, wire::Stream stream, std::string bytes) {
  const std::lock_guard lock(mutex_);
  outputs_[{key, stream}] = std::move(bytes);
}

void FakeFiles::fill_disk() {
  const std::lock_guard lock(mutex_);
  full_ = true;
}

FakeFiles::Counts FakeFiles::counts() {
  const std::lock_guard lock(mutex_);
  return counts_;
}

bool FakeFiles::wait_until_writers(size_t number) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [this, number] { return counts_.writers == number; });
}

Result<std::unique_ptr<BlobWriter>> FakeFiles::begin_blob() {
  const std::lock_guard lock(mutex_);
  ++counts_.writers;
  changed_.notify_all();
  return std::make_unique<Writer>(*this);
}

std::optional<uint64_t> FakeFiles::blob_size(const std::string& sha256) {
  const std::lock_guard lock(mutex_);
  if (!blobs_.contains(sha256)) return std::nullopt;
  return std::stoull(sha256);
}

void FakeFiles::add_blob(const std::string& sha256, std::string bytes) {
  const std::lock_guard lock(mutex_);
  bytes_[sha256] = std::move(bytes);
}

Result<std::string> FakeFiles::read_blob(const std::string& sha256, uint64_t offset, size_t max_bytes) {
  const std::lock_guard lock(mutex_);
  const auto found = bytes_.find(sha256);
  if (found == bytes_.end()) return fail(ErrorCode::not_found, "there is no such blob");
  return found->second.substr(std::min<size_t>(offset, found->second.size()), max_bytes);
}

Result<std::string> FakeFiles::read_output(const AttemptKey& key, wire::Stream stream, uint64_t offset,
                                           size_t max_bytes) {
  const std::lock_guard lock(mutex_);
  const auto found = outputs_.find({key, stream});
  if (found == outputs_.end()) return fail(ErrorCode::not_found, "there is no such output file");
  return found->second.substr(std::min<size_t>(offset, found->second.size()), max_bytes);
}

uint64_t FakeFiles::output_size(const AttemptKey& key, wire::Stream stream) {
  const std::lock_guard lock(mutex_);
  const auto found = outputs_.find({key, stream});
  return found == outputs_.end() ? 0 : found->second.size();
}

// The HTTP server has no business with these.
void FakeFiles::remove_blob(const std::string&, MonoTime) { ADD_FAILURE() << "remove_blob"; }

Status FakeFiles::append_output(const AttemptKey&, wire::Stream, uint64_t, std::string_view) {
  ADD_FAILURE() << "append_output";
  return {};
}

Status FakeFiles::sync_output(const AttemptKey&, wire::Stream) {
  ADD_FAILURE() << "sync_output";
  return {};
}

void FakeFiles::remove_output(const AttemptKey&) { ADD_FAILURE() << "remove_output"; }

std::vector<AttemptKey> FakeFiles::next_outputs(size_t) {
  ADD_FAILURE() << "next_outputs";
  return {};
}

}  // namespace bramble::aggregator
