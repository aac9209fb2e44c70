// A map whose lines are shuffled by key: who has which partition, and the reduced partitions as one sorted output.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aggregator/cli/api.hpp"
#include "aggregator/cli/console.hpp"
#include "aggregator/cli/output_stream.hpp"

namespace bramble::cli {

// The command that maps a piece on its node, sorts, combines and partitions what comes of it (agent/kernels/mapreduce).
std::vector<std::string> shuffle_command(const std::string& kernel, const std::string& combine, size_t partitions,
                                         const std::vector<std::string>& command);

// Where in the outputs of the maps' tasks the parts of each partition lie.
class PartitionTable {
 public:
  explicit PartitionTable(size_t partitions) : partitions_(partitions) {}

  uint64_t begin_bytes() const;  // of a task's output: so many bytes tell the rest

  // An error where the bytes are no begin of an output of so many bytes.
  Status add(TaskIndex task, std::string_view begin, uint64_t output_bytes);

  const std::vector<std::vector<OutputSlice>>& partitions() const { return partitions_; }

 private:
  std::vector<std::vector<OutputSlice>> partitions_;
};

// Writes the lines of the tasks 0 to `tasks` - 1 of a job as one, sorted by key if each of them is. Waits for their
// end; one that failed is an error, with the end of its standard error shown. Holds at most one part (1 MiB) of each
// output, and a line of each of at most 64 MiB.
class SortedJoin {
 public:
  SortedJoin(Api& api, Console& console, JobId job, size_t tasks)
      : api_(api), console_(console), job_(job), tasks_(tasks) {}

  Status join(const ByteSink& write);

 private:
  // The lines of one output, read as they are wanted.
  struct Source {
    TaskKey task;
    OutputPart part;
    size_t at = 0;  // in part.data
    std::string line;
  };

  Result<Source> open(TaskKey task);
  Result<bool> next_line(Source& source);
  Status refill(Source& source);

  Api& api_;
  Console& console_;
  const JobId job_;
  const size_t tasks_;
};

}  // namespace bramble::cli
