// A task's output, brought here in order. Of one that is cut off all that there is comes, and then an error: nobody
// shall take it for the whole.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "aggregator/cli/api.hpp"
#include "common/base/result.hpp"

namespace bramble::cli {

using ByteSink = std::function<Status(std::string_view bytes)>;

struct OutputHandlers {
  ByteSink write;
  // The attempt whose output was written will not commit; what follows is that of another, from its begin.
  std::function<void(uint32_t new_attempt)> restarted;
};

// Writes the stream as it comes, until it is final.
Status follow_output(Api& api, TaskKey task, wire::Stream stream, const OutputHandlers& handlers);

// Writes what there is of the stream by now.
Status copy_output(Api& api, TaskKey task, wire::Stream stream, const ByteSink& write);

// Writes the stream of a task that is final, from `first` on: a part of it that the caller has already.
Status copy_final_output(Api& api, TaskKey task, wire::Stream stream, const OutputPart& first, const ByteSink& write);

// The last bytes of what there is of the stream, at most max_bytes.
Result<std::string> output_tail(Api& api, TaskKey task, wire::Stream stream, uint64_t max_bytes);

}  // namespace bramble::cli
