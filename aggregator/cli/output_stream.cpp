#include "aggregator/cli/output_stream.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace bramble::cli {
namespace {

// All that is there has been written: is that all that the task wrote?
Status whole(TaskKey task, wire::Stream stream, const OutputPart& part) {
  if (part.dropped_bytes == 0) return {};
  const std::string name = stream == wire::Stream::stdout_ ? "stdout" : "stderr";
  return fail(ErrorCode::limit,
              fmt::format("the {0} of task {1} is cut off: {2} bytes were not kept, for it wrote more "
                          "than the job's {0}_cap_bytes or its node had no room",
                          name, to_string(task), part.dropped_bytes));
}

}  // namespace

Status follow_output(Api& api, TaskKey task, wire::Stream stream, const OutputHandlers& handlers) {
  OutputQuestion question{task, stream, 0, 0, false, kOutputWaitS};
  while (true) {
    const auto part = api.output(question);
    if (!part) return tl::unexpected(part.error());
    if (question.attempt != 0 && part->attempt > question.attempt) handlers.restarted(part->attempt);
    if (auto status = handlers.write(part->data); !status) return status;
    if (part->complete()) return whole(task, stream, *part);
    if (part->attempt == 0) continue;
    question.attempt = part->attempt;
    question.offset = part->offset + part->data.size();
  }
}

Status copy_output(Api& api, TaskKey task, wire::Stream stream, const ByteSink& write) {
  OutputQuestion question{task, stream, 0, 0, false, 0};
  while (true) {
    const auto part = api.output(question);
    if (!part) return tl::unexpected(part.error());
    const bool other_attempt = question.attempt != 0 && part->attempt != question.attempt;
    if (other_attempt) return {};
    if (part->data.empty()) return whole(task, stream, *part);
    if (auto status = write(part->data); !status) return status;
    question.attempt = part->attempt;
    question.offset = part->offset + part->data.size();
    if (question.offset >= part->size_bytes) return whole(task, stream, *part);
  }
}

Status copy_final_output(Api& api, TaskKey task, wire::Stream stream, const OutputPart& first, const ByteSink& write) {
  if (auto status = write(first.data); !status) return status;
  if (first.complete()) return whole(task, stream, first);
  OutputQuestion question{task, stream, first.attempt, first.offset + first.data.size(), true, 0};
  while (true) {
    const auto part = api.output(question);
    if (!part) return tl::unexpected(part.error());
    if (!part->final || part->offset != question.offset || (part->data.empty() && !part->complete())) {
      return fail(ErrorCode::corrupt, "the output of task " + to_string(task) + " changed after it was final");
    }
    if (auto status = write(part->data); !status) return status;
    if (part->complete()) return whole(task, stream, *part);
    question.offset += part->data.size();
  }
}

Result<std::string> output_tail(Api& api, TaskKey task, wire::Stream stream, uint64_t max_bytes) {
  const auto head = api.output({task, stream, 0, 0, false, 0});
  if (!head) return tl::unexpected(head.error());
  const uint64_t begin = head->size_bytes - std::min(head->size_bytes, max_bytes);
  if (head->data.size() >= head->size_bytes) return head->data.substr(std::min<uint64_t>(begin, head->data.size()));
  const auto tail = api.output({task, stream, head->attempt, begin, false, 0});
  if (!tail) return tl::unexpected(tail.error());
  return tail->data;
}

}  // namespace bramble::cli
