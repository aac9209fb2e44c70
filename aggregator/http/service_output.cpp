// The bytes that a task wrote: from the attempt's file while it runs, from the store once it is committed.
#include <algorithm>

#include "aggregator/http/service.hpp"

namespace bramble::aggregator::http {
namespace {

constexpr uint64_t kCopyBytes = 1 << 20;

// Another attempt's output begins at 0, whatever offset was reached in the one before.
uint64_t start_of(const OutputQuestion& question, uint32_t attempt) {
  return question.attempt != 0 && question.attempt != attempt ? 0 : question.offset;
}

size_t length_from(uint64_t offset, uint64_t size_bytes, uint64_t limit) {
  return static_cast<size_t>(std::min(limit, size_bytes - std::min(size_bytes, offset)));
}

HttpReply to_reply(const OutputPlace& place, uint64_t offset, std::string bytes) {
  HttpReply reply;
  reply.content_type = "application/octet-stream";
  reply.body = std::move(bytes);
  reply.headers = {{"X-Bramble-Attempt", std::to_string(place.attempt)},
                   {"X-Bramble-Offset", std::to_string(offset)},
                   {"X-Bramble-Size", std::to_string(place.size_bytes)},
                   {"X-Bramble-Final", place.final ? "1" : "0"}};
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
  if (length == 0) return to_reply(place, offset, "");
  if (!row->in_file) {
    const auto begin = static_cast<size_t>(std::min<uint64_t>(offset, row->data.size()));
    return to_reply(place, offset, row->data.substr(begin, length));
  }
  const AttemptKey key{question.task.job, question.task.task, row->attempt};
  auto bytes = backend_.files.read_output(key, question.stream, offset, length);
  return bytes ? to_reply(place, offset, std::move(*bytes)) : error_reply(bytes.error());
}

void Service::gather_blob(const Route&, HttpRequest& request, const Answer& answer) {
  const auto gathering = parse_gather(request.body);
  if (!gathering) return answer(error_reply(gathering.error()));
  auto writer = backend_.files.begin_blob();
  if (!writer) return answer(error_reply(writer.error()));
  for (const Gathering::Part& part : gathering->parts) {
    if (const Status copied = copy_part(**writer, gathering->job, part); !copied) {
      return answer(error_reply(copied.error()));
    }
  }
  const auto blob = (*writer)->finish();
  if (!blob) return answer(error_reply(blob.error()));
  keep_blob(*blob, answer);
}

Status Service::copy_part(BlobWriter& writer, JobId job, const Gathering::Part& part) {
  const TaskKey task{job, part.task};
  const auto row = backend_.jobs.output(task, wire::Stream::stdout_);
  if (!row) return tl::unexpected(row.error());
  if (part.offset > row->size_bytes || part.size_bytes > row->size_bytes - part.offset) {
    return fail(ErrorCode::invalid, "the output of task " + to_string(task) + " has " +
                                        std::to_string(row->size_bytes) + " bytes, which end before the part does");
  }
  if (!row->in_file) {
    return writer.write(std::string_view(row->data).substr(static_cast<size_t>(part.offset), part.size_bytes));
  }
  const AttemptKey attempt{job, part.task, row->attempt};
  for (uint64_t done = 0; done < part.size_bytes;) {
    const auto length = static_cast<size_t>(std::min(kCopyBytes, part.size_bytes - done));
    const auto bytes = backend_.files.read_output(attempt, wire::Stream::stdout_, part.offset + done, length);
    if (!bytes) return tl::unexpected(bytes.error());
    if (bytes->empty()) return fail(ErrorCode::corrupt, "the output of task " + to_string(task) + " is cut off");
    if (const Status written = writer.write(*bytes); !written) return written;
    done += bytes->size();
  }
  return {};
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
