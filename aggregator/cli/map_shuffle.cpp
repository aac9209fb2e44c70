#include "aggregator/cli/map_shuffle.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "aggregator/cli/map_join.hpp"
#include "aggregator/cli/submission.hpp"
#include "common/base/keyed_line.hpp"
#include "common/wire/call_frames.hpp"
#include "common/wire/frame.hpp"

namespace bramble::cli {
namespace {

constexpr size_t kLengthBytes = 4;
constexpr size_t kMaxKeyedLineBytes = size_t{64} << 20;
constexpr size_t kWriteBytes = size_t{256} << 10;

}  // namespace

std::vector<std::string> shuffle_command(const std::string& kernel, const std::string& combine, size_t partitions,
                                         const std::vector<std::string>& command) {
  std::vector<std::string> argv{"mapreduce", "map", "--partitions", std::to_string(partitions)};
  if (!kernel.empty()) argv.insert(argv.end(), {"--kernel", kernel});
  if (!combine.empty()) argv.insert(argv.end(), {"--combine", combine});
  if (command.empty()) return argv;
  argv.emplace_back("--");
  argv.insert(argv.end(), command.begin(), command.end());
  return argv;
}

uint64_t PartitionTable::begin_bytes() const { return wire::kReplyHeadBytes + kLengthBytes * partitions_.size(); }

Status PartitionTable::add(TaskIndex task, std::string_view begin, uint64_t output_bytes) {
  const auto not_understood = [task] {
    return fail(ErrorCode::corrupt, fmt::format("the output of piece {} holds no partitions", task));
  };
  if (begin.size() < begin_bytes() || begin[wire::kReplyHeadBytes - 1] != static_cast<char>(wire::CallStatus::good)) {
    return not_understood();
  }
  uint64_t offset = begin_bytes();
  std::vector<uint64_t> lengths;
  for (size_t at = wire::kReplyHeadBytes; lengths.size() < partitions_.size(); at += kLengthBytes) {
    lengths.push_back(wire::frame_length(begin.substr(at)));
    offset += lengths.back();
  }
  if (offset != output_bytes) return not_understood();
  offset = begin_bytes();
  for (size_t i = 0; i < lengths.size(); ++i) {
    if (lengths[i] > 0) partitions_[i].push_back({task, offset, lengths[i]});
    offset += lengths[i];
  }
  return {};
}

Status SortedJoin::join(const ByteSink& write) {
  std::vector<Source> heads;  // a heap, the first line at its front
  const auto comes_later = [](const Source& a, const Source& b) { return comes_before(b.line, a.line); };
  for (TaskIndex task = 0; task < tasks_; ++task) {
    auto source = open({job_, task});
    if (!source) return tl::unexpected(source.error());
    const auto any = next_line(*source);
    if (!any) return tl::unexpected(any.error());
    if (*any) heads.push_back(std::move(*source));
  }
  std::make_heap(heads.begin(), heads.end(), comes_later);
  std::string waiting;
  while (!heads.empty()) {
    std::pop_heap(heads.begin(), heads.end(), comes_later);
    (waiting += heads.back().line) += '\n';
    if (waiting.size() >= kWriteBytes) {
      if (auto status = write(waiting); !status) return status;
      waiting.clear();
    }
    const auto more = next_line(heads.back());
    if (!more) return tl::unexpected(more.error());
    if (!*more) heads.pop_back();
    if (*more) std::push_heap(heads.begin(), heads.end(), comes_later);
  }
  return write(waiting);
}

Result<SortedJoin::Source> SortedJoin::open(TaskKey task) {
  while (true) {
    auto part = api_.output({task, wire::Stream::stdout_, 0, 0, true, kOutputWaitS});
    if (!part) return tl::unexpected(part.error());
    if (!part->final) continue;
    const auto report = fetch_task_report(api_, task);
    if (!report) return tl::unexpected(report.error());
    if (report->state == "succeeded") return Source{task, std::move(*part), 0, {}};
    show_stderr_tail(api_, console_, task);
    return fail(ErrorCode::io, fmt::format("the reduce command (task {}) {}", to_string(task), describe_end(*report)));
  }
}

// Without its newline. False: that was all.
Result<bool> SortedJoin::next_line(Source& source) {
  source.line.clear();
  while (true) {
    const size_t newline = source.part.data.find('\n', source.at);
    source.line.append(source.part.data, source.at, newline - source.at);  // npos: to the end
    source.at = newline == std::string::npos ? source.part.data.size() : newline + 1;
    if (newline != std::string::npos) return true;
    if (source.line.size() > kMaxKeyedLineBytes) {
      return fail(ErrorCode::limit, "a line of the output of task " + to_string(source.task) + " has more than 64 MiB");
    }
    if (source.part.complete()) return !source.line.empty();  // one that lacks its newline
    if (auto status = refill(source); !status) return tl::unexpected(status.error());
  }
}

Status SortedJoin::refill(Source& source) {
  const uint64_t offset = source.part.offset + source.part.data.size();
  auto part = api_.output({source.task, wire::Stream::stdout_, source.part.attempt, offset, true, 0});
  if (!part) return tl::unexpected(part.error());
  if (!part->final || part->offset != offset || part->data.empty()) {
    return fail(ErrorCode::corrupt, "the output of task " + to_string(source.task) + " changed after it was final");
  }
  source.part = std::move(*part);
  source.at = 0;
  return {};
}

}  // namespace bramble::cli
