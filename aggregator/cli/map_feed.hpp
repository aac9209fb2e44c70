// The feeding half of a map: reads the inputs, cuts them, and makes a task of each piece.
#pragma once

#include <string>
#include <vector>

#include "aggregator/cli/api.hpp"
#include "aggregator/cli/map_window.hpp"
#include "aggregator/cli/splitter.hpp"

namespace bramble::cli {

// An error if one of the inputs is missing, a directory, or not to be read. "-" is standard input.
Status check_inputs(const std::vector<std::string>& inputs);

class MapFeed {
 public:
  // as_calls: a task's input is a batch with one call, whose input is the piece.
  MapFeed(Api& api, MapWindow& window, JobId job, SplitRule rule, bool as_calls)
      : api_(api), window_(window), job_(job), as_calls_(as_calls), splitter_(rule) {}

  // Returns when all inputs are tasks and the job is closed, or when the window was stopped. Holds one piece at most.
  Status feed(const std::vector<std::string>& inputs);

  TaskIndex pieces() const { return next_; }  // that are tasks

 private:
  Status feed_file(int fd, const std::string& name);
  Status wait_for_bytes(int fd);
  Status send_whole_pieces();
  Status send_piece(const std::string& piece);
  Result<wire::BlobRef> put_as_call(const std::string& piece);
  Status append_batch();

  Api& api_;
  MapWindow& window_;
  const JobId job_;
  const bool as_calls_;
  Splitter splitter_;
  std::vector<wire::BlobRef> batch_;  // uploaded, and not yet tasks
  TaskIndex next_ = 0;
};

}  // namespace bramble::cli
