// The bytes that a task wrote: from the attempt's file while it runs, from the store once it is committed.
#include <algorithm>
#include <limits>

#include "aggregator/http/service.hpp"

namespace bramble::aggregator::http {
namespace {

constexpr uint64_t kPartBytes = 1 << 20;  // of a checkpoint

// Another attempt's output begins at 0, whatever offset was reached in the one before.
uint64_t start_of(const OutputQuestion& question, uint32_t attempt) {
  return question.attempt != 0 && question.attempt != attempt ? 0 : question.offset;
}

size_t length_from(uint64_t offset, uint64_t size_bytes, uint64_t limit) {
  return static_cast<size_t>(std::min(limit, size_bytes - std::min(size_bytes, offset)));
}

HttpReply to_reply(const OutputPlace& place, uint64_t offset, std::string bytes, uint64_t dropped_bytes = 0) {
  HttpReply reply;
  reply.content_type = "application/octet-stream";
  reply.body = std::move(bytes);
  reply.headers = {{"X-Bramble-Attempt", std::to_string(place.attempt)},
                   {"X-Bramble-Offset", std::to_string(offset)},
                   {"X-Bramble-Size", std::to_string(place.size_bytes)},
                   {"X-Bramble-Final", place.final ? "1" : "0"}};
  if (dropped_bytes > 0) reply.headers.emplace_back("X-Bramble-Dropped", std::to_string(dropped_bytes));
  return reply;
}

}  // namespace

HttpReply Service::output_reply(const OutputQuestion& question, const ApiReply& place) {
  if (place.http_status == 410 || place.output.final) return committed_output(question);
  return running_output(question, place.output);
}

HttpReply Service::running_output(const OutputQuestion& question, const OutputPlace& place) {
  const uint64_t offset = start_of(question, place.attempt);
  const size_t length = place.attempt == 0 ? 0 : length_from(offset, place.size_bytes, question.limit);
  if (length == 0) return to_reply(place, offset, "");
  const AttemptKey key{question.task.job, question.task.task, place.attempt};
  auto bytes = backend_.files.read_output(key, question.stream, offset, length);
  if (bytes) return to_reply(place, offset, std::move(*bytes));
  if (bytes.error().code != ErrorCode::not_found) return error_reply(bytes.error());
  return error_reply(503, "the attempt ended just now: try again");  // its file is gone, its result is on its way
}

HttpReply Service::committed_output(const OutputQuestion& question) {
  const auto row = backend_.jobs.output(question.task, question.stream);
  if (!row) return row.error().code == ErrorCode::not_found ? no_output(question) : error_reply(row.error());
  const OutputPlace place{row->attempt, row->size_bytes, true};
  const uint64_t offset = start_of(question, row->attempt);
  const size_t length = length_from(offset, row->size_bytes, question.limit);
  if (length == 0) return to_reply(place, offset, "", row->dropped_bytes);
  if (!row->in_file) {
    const auto begin = static_cast<size_t>(std::min<uint64_t>(offset, row->data.size()));
    return to_reply(place, offset, row->data.substr(begin, length), row->dropped_bytes);
  }
  const AttemptKey key{question.task.job, question.task.task, row->attempt};
  auto bytes = backend_.files.read_output(key, question.stream, offset, length);
  return bytes ? to_reply(place, offset, std::move(*bytes), row->dropped_bytes) : error_reply(bytes.error());
}

// A part names its blob: who reads in parts sees when another one has taken its place.
void Service::read_checkpoint(const Route& route, HttpRequest& request, const Answer& answer) {
  Params params(request.params, {"offset"});
  const uint64_t offset = params.number("offset", 0, 0, std::numeric_limits<int64_t>::max());
  if (!params.status()) return answer(error_reply(params.status().error()));
  const auto job = find_job(route.job);
  if (!job) return answer(error_reply(job.error()));
  const auto& blob = job->record.progress.checkpoint;
  if (!blob) return answer(error_reply(404, "job " + std::to_string(route.job) + " has no checkpoint"));
  auto bytes = backend_.files.read_blob(blob->sha256, offset, length_from(offset, blob->size_bytes, kPartBytes));
  if (!bytes && bytes.error().code != ErrorCode::not_found) return answer(error_reply(bytes.error()));
  if (!bytes) return answer(error_reply(503, "another checkpoint took its place just now: try again"));
  HttpReply reply;
  reply.content_type = "application/octet-stream";
  reply.body = std::move(*bytes);
  reply.headers = {{"X-Bramble-Blob", blob->sha256}, {"X-Bramble-Size", std::to_string(blob->size_bytes)}};
  answer(std::move(reply));
}

HttpReply Service::no_output(const OutputQuestion& question) {
  const auto job = find_job(question.task.job);
  if (!job) return error_reply(job.error());
  if (!job->record.progress.range.contains(question.task.task)) {
    return error_reply(
        404, "job " + std::to_string(question.task.job) + " has no task " + std::to_string(question.task.task));
  }
  return to_reply({0, 0, true}, 0, "");
}

}  // namespace bramble::aggregator::http
