#include "aggregator/cli/kernel_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "aggregator/cli/map_join.hpp"
#include "aggregator/cli/output_stream.hpp"
#include "aggregator/cli/submission.hpp"
#include "common/base/utf8.hpp"
#include "common/posix/uuid.hpp"
#include "common/wire/call_frames.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

constexpr int64_t kCallLimitMs = 600'000;  // the first call of a kernel reads the data, too
constexpr int64_t kIdleMs = 300'000;
constexpr size_t kMaxShownBytes = 500;
constexpr size_t kMostAppended = 1000;

json as_json(const std::string& name, const wire::BlobRef& blob) {
  return {{"name", name}, {"blob", blob.sha256}, {"size_bytes", blob.size_bytes}};
}

}  // namespace

Status KernelJob::add_file(const KernelFile& file) {
  const auto blob = connections_.first().offer_blob(file.bytes);
  if (!blob) return tl::unexpected(blob.error());
  names_.push_back(file.name);
  blobs_.push_back(*blob);
  return {};
}

Status KernelJob::open() {
  json body = submit_body(task_, posix::random_uuid());
  body["per_task_input"] = true;
  body["stdout_cap_bytes"] = kMostTaskResultBytes;
  body["calls"] = {{"limit_ms", kCallLimitMs}, {"idle_ms", kIdleMs}, {"retries", 2}};
  for (size_t i = 0; i < blobs_.size(); ++i) body["files"].push_back(as_json(names_[i], blobs_[i]));
  const auto job = hand_in(connections_.first(), console_, body);
  if (!job) return tl::unexpected(job.error());
  job_ = *job;
  next_task_ = 0;
  stored_bytes_ = 0;
  return {};
}

// Every task that was asked has been answered by now.
Status KernelJob::make_room() {
  if (job_ == 0) return open();
  if (stored_bytes_ < limits_.bytes && next_task_ < limits_.tasks) return {};
  const auto spent = joules_of_this_job();
  if (!spent) return tl::unexpected(spent.error());
  const JobId old = job_;
  // First the new one, then away with the old one: the aggregator removes files that no job wants any more.
  if (Status status = open(); !status) return status;
  past_joules_ += *spent;
  if (checkpoint_) {
    if (Status status = connections_.first().keep_checkpoint(job_, *checkpoint_); !status) return status;
  }
  return leave(old);
}

Status KernelJob::leave(JobId job) {
  if (Status status = connections_.first().close(job); !status) return status;
  if (const auto ended = wait_for_job(connections_.first(), console_, job, false); !ended)
    return tl::unexpected(ended.error());
  const auto forgotten = connections_.first().post("/api/v1/jobs/forget", {{"jobs", std::to_string(job)}});
  if (!forgotten) return tl::unexpected(forgotten.error());
  return {};
}

Result<std::vector<std::string>> KernelJob::ask(const std::vector<std::string>& calls,
                                                const std::vector<KernelFile>& files, size_t tasks) {
  if (calls.size() > kMostAppended) return fail(ErrorCode::limit, "more than 1000 calls at once");
  if (Status status = make_room(); !status) return tl::unexpected(status.error());
  const TaskIndex first = next_task_;
  std::vector<std::string> batches(std::min(calls.size(), std::max<size_t>(tasks, 1)));
  const auto begin_of = [&](size_t batch) { return calls.size() * batch / batches.size(); };
  for (size_t batch = 0; batch < batches.size(); ++batch) {
    for (size_t i = begin_of(batch); i < begin_of(batch + 1); ++i) {
      wire::append_call(batches[batch], {static_cast<uint32_t>(i), calls[i]});
    }
  }
  if (Status status = append(batches, files); !status) return tl::unexpected(status.error());
  std::vector<std::string> results(calls.size());
  std::vector<Batch> asked;
  for (size_t batch = 0; batch < batches.size(); ++batch) {
    const size_t begin = begin_of(batch);
    asked.push_back({std::span(results).subspan(begin, begin_of(batch + 1) - begin)});
  }
  const Status answered = connections_.run(asked.size(), [&](Api& api, size_t batch) {
    return take_results(api, static_cast<TaskIndex>(first + batch), asked[batch]);
  });
  if (!answered) {
    const auto broken = std::find_if(asked.begin(), asked.end(), [](const Batch& batch) { return batch.kernel_broke; });
    const auto task = static_cast<TaskIndex>(first + (broken - asked.begin()));
    if (broken != asked.end() && !stopped_) show_stderr_tail(connections_.first(), console_, {job_, task});
    return tl::unexpected(answered.error());
  }
  for (const std::string& result : results) stored_bytes_ += result.size();
  return results;
}

// The files' blobs first.
Result<std::vector<wire::BlobRef>> KernelJob::put_all(const std::vector<std::string>& batches,
                                                      const std::vector<KernelFile>& files) {
  std::vector<wire::BlobRef> blobs(files.size() + batches.size());
  const Status put = connections_.run(blobs.size(), [&](Api& api, size_t i) -> Status {
    const auto blob = api.put_blob(i < files.size() ? files[i].bytes : batches[i - files.size()]);
    if (!blob) return tl::unexpected(blob.error());
    blobs[i] = *blob;
    return {};
  });
  if (!put) return tl::unexpected(put.error());
  for (const wire::BlobRef& blob : blobs) stored_bytes_ += blob.size_bytes;
  return blobs;
}

// Each batch a task that has the files.
Status KernelJob::append(const std::vector<std::string>& batches, const std::vector<KernelFile>& files) {
  const auto blobs = put_all(batches, files);
  if (!blobs) return tl::unexpected(blobs.error());
  json own = json::array();
  for (size_t i = 0; i < files.size(); ++i) own.push_back(as_json(files[i].name, (*blobs)[i]));
  json tasks = json::array();
  for (size_t i = files.size(); i < blobs->size(); ++i) {
    tasks.push_back({{"stdin", {{"blob", (*blobs)[i].sha256}, {"size_bytes", (*blobs)[i].size_bytes}}}});
    if (!own.empty()) tasks.back()["files"] = own;
  }
  const std::string path = fmt::format("/api/v1/jobs/{}/tasks", job_.load());
  const auto reply = connections_.first().post(path, {{"first", next_task_}, {"tasks", std::move(tasks)}});
  if (!reply) return tl::unexpected(reply.error());
  next_task_ += static_cast<TaskIndex>(batches.size());
  return {};
}

Status KernelJob::take_results(Api& api, TaskIndex task, Batch& batch) {
  while (!stopped_) {
    const TaskKey key{job_, task};
    const auto part = api.output({key, wire::Stream::stdout_, 0, 0, true, kOutputLookS});
    if (!part) return tl::unexpected(part.error());
    if (!part->final) continue;
    std::string text;
    const auto keep = [&text](std::string_view bytes) -> Status {
      text += bytes;
      return {};
    };
    if (Status status = copy_final_output(api, key, wire::Stream::stdout_, *part, keep); !status) return status;
    return take_replies(api, task, text, batch);
  }
  return fail(ErrorCode::unavailable, "stopped");
}

// Where one failed, its sentence. A task that lacks replies is told by how it ended.
Status KernelJob::take_replies(Api& api, TaskIndex task, const std::string& text, Batch& batch) {
  const TaskKey key{job_, task};
  const std::span<std::string> results = batch.results;
  const auto replies = wire::split_replies(text);
  if (replies && replies->size() == results.size()) {
    for (size_t i = 0; i < results.size(); ++i) {
      const wire::Reply& reply = (*replies)[i];
      batch.kernel_broke = !wire::is_kernels(reply.status);
      if (reply.status != wire::CallStatus::good) {
        const std::string_view said = reply.bytes.substr(0, reply.bytes.find('\0'));  // what follows is for programs
        return fail(ErrorCode::io, to_utf8(said, kMaxShownBytes));
      }
      results[i] = reply.bytes;
    }
    return {};
  }
  batch.kernel_broke = true;
  const auto report = fetch_task_report(api, key);
  if (!report) return tl::unexpected(report.error());
  return fail(ErrorCode::io, fmt::format("task {} {}", to_string(key), describe_end(*report)));
}

Result<uint64_t> KernelJob::slots() { return count_slots(connections_.first(), task_); }

Result<double> KernelJob::joules_of_this_job() {
  if (job_ == 0) return 0.0;
  const auto job = connections_.first().get(fmt::format("/api/v1/jobs/{}", job_.load()));
  if (!job) return tl::unexpected(job.error());
  const auto joules = job->find("energy_j");
  return joules != job->end() && joules->is_number() ? joules->get<double>() : 0.0;
}

Result<double> KernelJob::joules() {
  const auto now = joules_of_this_job();
  if (!now) return now;
  return past_joules_ + *now;
}

Status KernelJob::keep_checkpoint(std::string_view bytes) {
  Api& api = connections_.first();
  const auto blob = api.put_blob(bytes);
  if (!blob) return tl::unexpected(blob.error());
  if (Status status = api.keep_checkpoint(job_, *blob); !status) return status;
  checkpoint_ = *blob;
  return {};
}

Status KernelJob::close() { return job_ == 0 ? Status() : connections_.first().close(job_); }

}  // namespace bramble::cli
