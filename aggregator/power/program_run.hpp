// A person's program, run to its end without waiting for it: limited in time and in what it prints.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/posix/event_loop.hpp"
#include "common/posix/process.hpp"

namespace bramble::aggregator {

struct ProgramEnd {
  std::optional<posix::ExitStatus> status;  // absent: it did not end in time and was killed with its process group
  std::string output;                       // the first kMaxProgramOutputBytes of what it printed, errors too
};

inline constexpr size_t kMaxProgramOutputBytes = 4096;

// Belongs to the loop's thread. The program dies with that thread, so that it switches no line after a new aggregator
// has read it; but what the program has started itself lives on where this process is killed (README, pitfalls).
class ProgramRun {
 public:
  using Done = std::function<void(ProgramEnd)>;

  explicit ProgramRun(posix::EventLoop& loop) : loop_(loop) {}
  ~ProgramRun();  // a program that runs is killed
  ProgramRun(const ProgramRun&) = delete;
  ProgramRun& operator=(const ProgramRun&) = delete;

  // One at a time. `done` may start the next. An error (no such program) is told here, and `done` is not called.
  Status start(const std::vector<std::string>& argv, int64_t limit_ms, Done done);

 private:
  void read_output();
  void finish(std::optional<posix::ExitStatus> status);
  void kill();

  posix::EventLoop& loop_;
  std::optional<posix::Process> process_;
  posix::UniqueFd output_;
  std::string text_;
  posix::EventLoop::TimerId limit_ = 0;
  Done done_;
};

}  // namespace bramble::aggregator
