// Judges a history in the manner of Jepsen's checker for Chronos: from the outside only, what the attempts wrote
// themselves against what the aggregator said. Pure.
//
// When a second run of a task has a cause. Two runs of one task that follow each other by their starts, the second of
// them starting at T, are justified if
//   1. the first ended by itself with a status other than 0, before T, and the job has retries; or
//   2. the warden of the older attempt's node was killed, or the node lost its power: the tasks die with them; or
//   3. the older attempt's node had an outage of more than kOutageMs; or
//   4. the job has `fence`, and it may be that no word of the head's reached the keepers there for a lease;
// where 2 to 4 must have been going on between the start of the first run and T, or have ended at most kSettleMs
// before (a revocation and a launch cross each other). The older attempt is the one with the lower number; it may be
// the second to start, on a node that was cut off with the task in its queue. An outage is a time in which a node could
// not be heard: its agent killed or stopped, its link cut or stalled, its power lost, or the whole machine stalled.
// Outages at most kJoinMs apart are one. What befalls broker, head or disk justifies nothing and lengthens nothing, for
// silence counts only while the head listens: a restarted broker, a stopped aggregator, a stalled disk are no reason to
// run anything twice; nor is a warden that was only stopped. kOutageMs is the limit after which tasks run elsewhere (5
// s), less the second since the last beat, and less 2 s for an agent to start or to find that its link is back (it
// tries after 0.2, 0.4, 0.8, 1.6... s). A lease is another matter: whatever is broken between the head's disk and a
// keeper, a stopped warden too, ends it. Once that is mended the agent first has to try again - it pauses at most 1.25
// times as long as the outage was, and at most kMaxReconnectMs - and a beat has to be echoed; what is broken anew
// within kHeardAgainMs was not mended for the lease.
//
// One attempt (by its number) is never started twice, whatever was broken. A task with `fail` runs again only by 1.
// Two runs of a task with `fence` never live at the same time, as far as their own lines tell; the verdict says how far
// apart they were. A task may fail by the crash limit: its runs met that many losses of power.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "history.hpp"

namespace bramble::test::chaos {

inline constexpr int64_t kOutageMs = 2'000;
inline constexpr int64_t kJoinMs = 1'000;
inline constexpr int64_t kSettleMs = 5'000;
inline constexpr int64_t kMaxReconnectMs = 6'250;  // an agent's longest pause between two tries, with jitter
inline constexpr int64_t kBeatsMs = 3'000;  // the beat before, and a beat and its echo once there is a connection
inline constexpr int64_t kHeardAgainMs = kMaxReconnectMs + kBeatsMs;
inline constexpr int64_t kUnreportedMs = 60'000;  // so long a result may lie on a node that is cut off
inline constexpr int64_t kAliveMs = 250;          // between two lines of a run that is alive
inline constexpr size_t kCrashLimit = 3;          // the default of --crash-limit

enum class Violation {
  run_lost,            // called succeeded without an attempt that ended well, or the job is not there any more
  never_ended,         // no final state though all faults are over
  commit_doubled,      // another result than the committed attempt's, or a final state or a result that changed
  wrong_result,        // of another job or task, or not byte for byte what the attempt wrote
  run_doubled,         // without cause
  attempt_doubled,     // one attempt started twice
  fence_overlap,       // two live runs of a `fence` task
  fail_ran_again,      // a `fail` task, after a run that did not end badly by itself
  ended_without_cause  // failed without a bad end or a loss, or cancelled though nobody asked
};
inline constexpr int kViolations = static_cast<int>(Violation::ended_without_cause) + 1;
const char* to_string(Violation violation);

struct Finding {
  Violation violation = Violation::run_lost;
  std::string text;
};

// A `fence` task that ran again because its node was lost: from the last line of the old run to the first of the new.
struct Handover {
  std::string cause;
  int64_t gap_ns = 0;
};

struct Verdict {
  std::vector<Finding> findings;
  size_t runs = 0;
  size_t tasks = 0;
  size_t succeeded = 0;
  size_t doubled_with_cause = 0;  // and not by a retry
  size_t retried = 0;
  std::map<std::string, size_t> tries;  // as the aggregator tells them, by how they ended
  std::vector<Handover> handovers;
  std::map<FaultKind, size_t> faults;
  std::map<FaultKind, size_t> met;  // runs that were alive while there was such a fault, on their node or of all

  size_t count(Violation violation) const;
  // The smallest gap in seconds between two runs of a `fence` task, and how many, for each cause.
  std::string fence_text() const;
  std::string text() const;  // every number, then every finding
};

Verdict check(const History& history);

}  // namespace bramble::test::chaos
