// How bad the simulated world is, and the bugs that can be planted to see that the simulator finds them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bramble::sim {

struct Faults {
  double message_lost = 0.03;
  double message_twice = 0.03;
  double message_late = 0.02;   // by up to 3 s: others overtake it
  double broken_step = 0.25;    // of each half second of the bad time: something breaks
  double damaged_chunk = 0.01;  // of an input, as a bad disk or memory gives it
};

// Each is what a daemon with that bug would do, played by the simulator around the real reactors (planted.hpp).
enum class Bug {
  none,
  effects_before_commit,  // the aggregator lets effects out before its transaction is durable
  done_when_sent,         // an agent forgets a result when it was sent instead of when it was acknowledged
  skipped_ack,            // the aggregator never acknowledges the results of one node
  ack_up_to,              // a result's acknowledgement is taken for all results before it
  dropped_fence,          // a node that is silent counts as proved dead
  old_session,            // the aggregator accepts what was said in an old session
  lease_by_late_echo,     // an agent counts the lease from the echo instead of from its beat
  commit_twice,           // a result that comes again is committed again
  stall_is_silence,       // the aggregator counts its own stall as silence of the nodes
  pressed_again,          // a press is done a second time without a record of its own
  started_together,       // a node is switched on beside another one
};

inline constexpr std::pair<std::string_view, Bug> kBugs[] = {
    {"effects-before-commit", Bug::effects_before_commit},
    {"done-when-sent", Bug::done_when_sent},
    {"skipped-ack", Bug::skipped_ack},
    {"ack-up-to", Bug::ack_up_to},
    {"dropped-fence", Bug::dropped_fence},
    {"old-session", Bug::old_session},
    {"lease-by-late-echo", Bug::lease_by_late_echo},
    {"commit-twice", Bug::commit_twice},
    {"stall-is-silence", Bug::stall_is_silence},
    {"pressed-again", Bug::pressed_again},
    {"started-together", Bug::started_together},
};

struct Options {
  uint64_t seed = 1;
  uint32_t nodes = 3;
  int64_t bad_ms = 60'000;     // faults and submissions
  int64_t settle_ms = 60'000;  // without faults: while jobs are open, something must move in each such time
  Faults faults;
  Bug bug = Bug::none;
  double files = 0.3;  // of the jobs have input files
  int64_t longest_pause_ms =
      4000;            // between two submissions: where it is long, nodes are idle and begin a job together
  bool trace = false;  // print what the head logs and does to lines
  bool power = false;  // the nodes hang on lines, and people switch them
};

// Pieces of input files that the head has sent.
struct InputChunks {
  uint64_t shared = 0;  // once to all nodes
  uint64_t alone = 0;   // to one
  uint64_t damaged = 0;
};

struct Report {
  std::vector<std::string> violations;  // empty: all held
  uint64_t steps = 0;
  uint64_t jobs = 0;
  uint64_t tasks_committed = 0;
  uint64_t attempts_run = 0;
  uint64_t leases_ended = 0;  // attempts that were killed because of it
  uint64_t restores = 0;      // backups that were put back
  uint64_t jobs_forgotten = 0;
  InputChunks input_chunks;
  uint64_t faults = 0;
  int64_t simulated_ms = 0;
  // With Options::power:
  uint64_t power_starts = 0;
  uint64_t power_cuts = 0;
  uint64_t power_presses = 0;
  uint64_t power_fenced = 0;
  uint64_t power_faults = 0;
  uint64_t power_restarts = 0;  // of the head while something was being switched
};

Report run(const Options& options);

}  // namespace bramble::sim
