// The joining half of a map: the outputs of the pieces in the order of the input, each once it is final.
#pragma once

#include <functional>
#include <set>

#include "aggregator/cli/api.hpp"
#include "aggregator/cli/console.hpp"
#include "aggregator/cli/map_window.hpp"
#include "aggregator/cli/output_stream.hpp"

namespace bramble::cli {

// What the map does with a piece's output: its begin is here, the rest may be asked for.
using PieceTaker = std::function<Status(TaskKey task, const OutputPart& begin)>;

class MapJoin {
 public:
  MapJoin(Api& api, Console& console, MapWindow& window, JobId job, bool show_progress)
      : api_(api), console_(console), window_(window), job_(job), show_progress_(show_progress) {}

  // Returns when all pieces are taken, or with the first error. A piece that failed for good is one: its standard
  // error's end has then been shown. Brings so many bytes of an output as its begin (0: 1 MiB). Stopped from outside:
  // returns well.
  Status join(const PieceTaker& take, uint64_t begin_bytes = 0);

 private:
  Status join_piece(TaskIndex piece, const PieceTaker& take, uint64_t begin_bytes);
  Status learn_states(TaskIndex first);
  Status piece_failed(TaskIndex piece, const nlohmann::json& task);
  void update_progress();

  Api& api_;
  Console& console_;
  MapWindow& window_;
  const JobId job_;
  const bool show_progress_;
  std::set<TaskIndex> succeeded_;  // of those not yet joined
  Progress progress_;
  int64_t next_progress_ms_ = 0;
};

// "; its standard error ends so:" and the text, shown where there is any.
void show_stderr_tail(Api& api, Console& console, TaskKey task);

}  // namespace bramble::cli
