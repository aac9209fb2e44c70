// One attempt in a keeper's hands, from its directory to its exit record.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "agent/warden/capture.hpp"
#include "agent/warden/cgroups.hpp"
#include "agent/warden/layout.hpp"
#include "agent/warden/sandbox.hpp"
#include "agent/warden/spawn.hpp"
#include "common/base/clock.hpp"
#include "common/wire/warden_messages.hpp"

namespace bramble::warden {

// What a slot's tasks run with.
struct TaskSetting {
  const RunAs* run_as = nullptr;  // null: as this process
  const RunAs* agent = nullptr;   // whose rights an input is opened with; null: this process'
  TaskCgroup* cgroup = nullptr;   // null: there are none
  const Sandbox* sandbox = nullptr;
  std::string programs = {};  // where commands are looked for last: the kernels that come with bramble
};

// The keeper calls reap() after SIGCHLD, take_output() when a pipe has something, on_time() at next_deadline(), and
// once alive() is false, finish(). All that this process ever has for children comes of the task.
class TaskRun {
 public:
  TaskRun(const Layout& layout, wire::WardenStart start, const TaskSetting& setting);
  virtual ~TaskRun() = default;
  TaskRun(const TaskRun&) = delete;
  TaskRun& operator=(const TaskRun&) = delete;

  // `record` is the start record's text. False: nothing runs, finish() tells why.
  bool begin(std::string_view record, Spawner& spawner);

  // The newest answered beat was sent at `heard`. Call on_time() first: a lease that has ended is not prolonged.
  void prolong_lease(MonoTime heard);
  bool has_lease() const { return start_.spec.lease_ms > 0; }

  // TERM to the whole tree, then KILL after the spec's grace; for memory and the lease KILL at once. The first reason
  // counts.
  virtual void end_as(wire::Outcome outcome, Now now);

  virtual void reap(Now now);
  virtual void take_output(bool out_ready, bool err_ready);
  virtual void give_input() {}
  virtual void on_time(Now now);
  virtual std::optional<MonoTime> next_deadline() const;

  bool alive() const { return alive_; }
  wire::WardenStarted started() const;
  std::optional<wire::WardenOutput> grown_output();  // since it was asked last
  bool has_grown() const;
  virtual wire::WardenUsage usage() const;  // reads /proc for what of it lives
  // Everything that came of it is dead: the rest of the output, and the exit record's contents.
  virtual wire::WardenExited finish(const SpawnFailure& failure);
  // After finish(). An error: the disk does not take it; try again later.
  Status write_record(std::string_view text) const;
  const wire::WardenTask& task() const { return start_.task; }

  virtual int out_fd() const { return out_.read_end(); }
  virtual int err_fd() const { return err_.read_end(); }
  virtual int in_fd() const { return -1; }  // wants to be written to; give_input() does

 protected:
  virtual Status lay_files();
  virtual Status launch(Spawner& spawner);
  virtual bool has_nothing_to_do() const { return false; }  // after launch()
  Status enter_sandbox(const std::string& work);
  Status prepare_cgroup();
  bool is_over(MonoTime now) const { return has_lease() && now >= lease_end_; }
  void end_lease(Now now);
  void kill_all(Now now);
  void add_usage(const rusage& usage);
  void note_interventions(wire::Finished& result) const;
  bool set_start_failure(wire::Finished& result, const SpawnFailure& failure) const;
  virtual void set_outcome(wire::Finished& result, const SpawnFailure& failure) const;
  std::string ending_text() const;
  void add_output(wire::Finished& result) const;

  wire::WardenStart start_;
  TaskSetting setting_;
  std::string state_;
  std::string directory_;
  std::vector<std::string> env_;
  Capture out_;
  Capture err_;
  Now started_;
  pid_t pid_ = 0;
  bool alive_ = false;
  std::optional<FailureText> start_failure_;
  bool sandboxed_ = false;
  std::vector<std::string> sandbox_argv_;
  MonoTime lease_end_;  // with a lease
  bool lease_ended_ = false;
  std::optional<WorkMark> work_;    // absent: there is no directory
  std::optional<int> main_status_;  // as of wait(2)
  int64_t duration_ms_ = 0;
  int64_t cpu_us_ = 0;
  uint64_t peak_memory_bytes_ = 0;
  std::optional<wire::Outcome> ended_as_;
  std::optional<MonoTime> kill_at_;  // when KILL goes to what is left; repeated while there is something
  uint64_t told_out_bytes_ = 0;
  uint64_t told_err_bytes_ = 0;
};

}  // namespace bramble::warden
