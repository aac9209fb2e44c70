// One daemon of a local cluster: started, started again when it dies, ended.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "aggregator/cli/console.hpp"
#include "common/posix/event_loop.hpp"
#include "common/posix/process.hpp"

namespace bramble::cli {

// Belongs to the loop's thread, which must be the one that made it: the daemon is told to end when that thread dies.
class LocalPart {
 public:
  struct Plan {
    std::string name;  // for people: "agent local02"
    std::vector<std::string> argv;
    std::string log;             // standard output and error are appended there
    bool ends_for_good = false;  // when it ends by itself soon after its first start, that is no accident
  };

  LocalPart(posix::EventLoop& loop, Console& console, Plan plan, std::function<void()> on_change)
      : loop_(loop), console_(console), plan_(std::move(plan)), on_change_(std::move(on_change)) {}
  LocalPart(const LocalPart&) = delete;
  LocalPart& operator=(const LocalPart&) = delete;

  Status start();     // also after it was ended, when it is gone
  void ask_to_end();  // TERM, and it is not started again by itself
  void kill();        // KILL

  pid_t pid() const { return process_ ? process_->pid() : 0; }  // 0: it does not run
  uint32_t deaths() const { return deaths_; }
  bool refused() const { return refused_; }  // ended by itself at its first start: another will not go better
  const Plan& plan() const { return plan_; }

 private:
  void died(posix::ExitStatus status);
  void start_again(const std::string& what_happened);

  posix::EventLoop& loop_;
  Console& console_;
  Plan plan_;
  std::function<void()> on_change_;  // a new pid, or none any more
  std::optional<posix::Process> process_;
  MonoTime started_;
  int64_t back_off_ms_ = 0;
  uint32_t deaths_ = 0;
  bool ending_ = false;
  bool refused_ = false;
};

std::string last_line(const std::string& text);  // that is not empty

// The end of a log, for the report of a failure.
std::string log_tail(const std::string& path);

// --- processes that outlived the part that started them: they are handed to us, for we are their subreaper

void adopt_orphans();                                             // from now on
void reap_orphans(const std::function<bool(pid_t)>& is_part);     // those that have ended
void end_orphans();                                               // TERM, then KILL; when all parts have ended
pid_t find_child(pid_t parent, const std::string& program_name);  // 0: none

}  // namespace bramble::cli
