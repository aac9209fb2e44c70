// A batch of calls in a keeper's hands: an attempt whose process, the kernel, was there before and stays.
//
// A kernel answers one call after the other, so the next reply is the next call's, and calls are written ahead. Where
// the kernel dies, talks nonsense or is too slow with several unanswered, which of them it was shows when they are made
// again, one at a time; so a call may be made more often than once, and has one reply.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/warden/fruitless_deaths.hpp"
#include "agent/warden/kernel.hpp"
#include "agent/warden/task_run.hpp"
#include "common/wire/call_frames.hpp"

namespace bramble::warden {

class CallRun final : public TaskRun {
 public:
  // start.spec.calls is there. The kernel must outlive the run, and is left at rest where the batch has ended well.
  CallRun(const Layout& layout, wire::WardenStart start, const TaskSetting& setting, Kernel& kernel);
  ~CallRun() override;

  void end_as(wire::Outcome outcome, Now now) override;
  void reap(Now now) override;
  void take_output(bool out_ready, bool err_ready) override;
  void give_input() override;
  void on_time(Now now) override;
  std::optional<MonoTime> next_deadline() const override;
  wire::WardenUsage usage() const override;
  wire::WardenExited finish(const SpawnFailure& failure) override;

  int out_fd() const override { return kernel_.out(); }
  int err_fd() const override { return kernel_.err(); }
  int in_fd() const override;

 protected:
  Status lay_files() override;  // where the kernel finds them; ends one that cannot go on
  Status launch(Spawner& spawner) override;
  bool has_nothing_to_do() const override { return is_done(); }
  void set_outcome(wire::Finished& result, const SpawnFailure& failure) const override;

 private:
  Status read_batch();
  Status make_directory();
  void end_kernel();
  Status start_kernel();
  bool has_quiet_kernel() const;
  size_t begin_of(size_t call) const;  // where its frame begins in the batch
  size_t write_limit() const;          // nothing behind it is written now
  size_t calls_written() const;        // begun to
  bool is_done() const { return next_ >= calls_.size(); }

  void take_replies(Now now);
  void take_errors();
  bool take_reply(std::string_view& rest, Now now);
  void blame(wire::CallStatus status, std::string why, Now now);
  void after_death(Now now);
  std::string about_call(uint32_t number, const std::string& why) const;
  void answer_for_kernel(wire::CallStatus status, const std::string& why);
  std::string how_it_died() const;
  void end_batch(Now now);

  Kernel& kernel_;
  Spawner* spawner_ = nullptr;
  const char* batch_ = nullptr;  // mapped
  size_t batch_bytes_ = 0;
  std::vector<wire::Call> calls_;  // views into it
  size_t written_ = 0;             // of the batch's bytes, to this kernel
  size_t written_from_ = 0;
  size_t next_ = 0;         // the call whose reply is awaited
  size_t alone_until_ = 0;  // calls before this one are made one at a time
  MonoTime call_since_;
  std::string received_;  // not yet a whole reply
  uint32_t tries_ = 0;    // of the next call, in which the kernel died
  FruitlessDeaths deaths_;
  std::optional<wire::CallStatus> blamed_;  // why the kernel is being killed
  std::string blame_text_;
  int kernel_status_ = 0;
  bool kernel_had_read_ = false;
  bool kernel_died_ = false;  // and something of it may still live
  size_t failed_ = 0;
  std::string first_failure_;
  uint64_t cpu_before_us_ = 0;  // of a kernel that was there already
};

}  // namespace bramble::warden
