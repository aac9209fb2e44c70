// Which inputs a node asks for together with others.
#pragma once

#include <cstdint>

namespace bramble::wire {

// Files often are the same for many tasks, standard input is a task's own as a rule: a smaller one is asked for alone.
// Both sides go by it, so that nobody waits for one who does not come.
inline constexpr uint64_t kMinSharedStdinBytes = uint64_t{2} << 20;

}  // namespace bramble::wire
