#include "agent/warden/call_run.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include "agent/warden/inputs.hpp"
#include "agent/warden/process_table.hpp"
#include "common/base/duration.hpp"
#include "common/base/utf8.hpp"
#include "common/posix/error.hpp"
#include "common/posix/files.hpp"
#include "common/posix/process.hpp"
#include "common/posix/system_clock.hpp"
#include "common/wire/frame.hpp"

namespace bramble::warden {
namespace {

using wire::CallStatus;

constexpr size_t kReadBytes = 256 << 10;
constexpr size_t kMaxShownBytes = 200;
std::array<char, kReadBytes> read_buffer;  // a keeper is one thread; never touched where there are no calls

ssize_t read_some(int fd) {
  ssize_t got = 0;
  do {
    got = ::read(fd, read_buffer.data(), read_buffer.size());
  } while (got < 0 && errno == EINTR);
  return got;
}

// The most that it ever had, also for earlier batches.
uint64_t peak_memory_of(pid_t pid) {
  if (pid == 0) return 0;
  const std::string status = posix::read_file("/proc/" + std::to_string(pid) + "/status", 1 << 16).value_or("");
  const size_t at = status.find("VmHWM:");
  return at == std::string::npos ? 0 : std::strtoull(status.c_str() + at + 6, nullptr, 10) * 1024;
}

// A kernel serves many tasks: what names one of them would be wrong for the next.
std::vector<std::string> kernel_environment(const wire::TaskSpec& spec, const Kernel& kernel) {
  std::vector<std::string> env = task_environment(spec.env, kernel.directory());
  std::erase_if(env, [](const std::string& entry) {
    return entry.starts_with("BRAMBLE_TASK_ID=") || entry.starts_with("BRAMBLE_ATTEMPT=");
  });
  for (std::string& entry : env) {
    if (entry.starts_with("PATH=") && !kernel.programs().empty()) entry.insert(5, kernel.programs() + ":");
  }
  return env;
}

}  // namespace

CallRun::CallRun(const Layout& layout, wire::WardenStart start, const TaskSetting& setting, Kernel& kernel)
    : TaskRun(layout, std::move(start), setting), kernel_(kernel) {
  env_ = kernel_environment(start_.spec, kernel_);
}

CallRun::~CallRun() {
  if (batch_ != nullptr) ::munmap(const_cast<char*>(batch_), batch_bytes_);
}

Status CallRun::lay_files() {
  if (kernel_.runs()) cpu_before_us_ = cpu_us_of_descendants();
  if (const Status read = read_batch(); !read || is_done()) return read;
  if (has_quiet_kernel()) {
    const Status laid = kernel_.lay_files(start_.files, setting_.agent, setting_.run_as);
    if (!laid) end_kernel();  // the next one begins in a directory without what was half done
    return laid;
  }
  end_kernel();
  return make_directory();
}

Status CallRun::launch(Spawner& spawner) {
  spawner_ = &spawner;
  call_since_ = posix::mono_now();
  deaths_ = FruitlessDeaths(call_since_);
  if (is_done()) return {};
  if (!kernel_.runs()) return start_kernel();
  pid_ = kernel_.pid();
  sandboxed_ = setting_.sandbox != nullptr && setting_.sandbox->wanted_by(start_.spec);
  return {};
}

void CallRun::end_kernel() {
  kernel_.end(setting_.cgroup);
  cpu_before_us_ = 0;  // what it has used went with it
}

// What one has written unasked would be taken for a reply of this batch.
bool CallRun::has_quiet_kernel() const { return kernel_.serves(start_.task) && read_some(kernel_.out()) < 0; }

// Mapped, not copied: a batch may be large, and a keeper small.
Status CallRun::read_batch() {
  if (start_.stdin_path.empty()) return {};
  const auto file = open_input(start_.stdin_path, setting_.agent);
  if (!file) return tl::unexpected(file.error());
  struct stat info {};
  if (::fstat(file->get(), &info) != 0) return posix::system_failure("cannot look at the batch", errno);
  if (info.st_size == 0) return {};
  batch_bytes_ = static_cast<size_t>(info.st_size);
  void* const mapped = ::mmap(nullptr, batch_bytes_, PROT_READ, MAP_PRIVATE, file->get(), 0);
  if (mapped == MAP_FAILED) return posix::system_failure("cannot map the batch", errno);
  batch_ = static_cast<const char*>(mapped);
  auto calls = wire::split_calls({batch_, batch_bytes_});
  if (!calls) return fail("the task's input is no batch of calls: " + calls.error().message);
  calls_ = std::move(*calls);
  return {};
}

Status CallRun::make_directory() {
  if (const Status made = kernel_.make_directory(setting_.run_as); !made) return made;
  return kernel_.lay_files(start_.files, setting_.agent, setting_.run_as);
}

Status CallRun::start_kernel() {
  if (const Status entered = enter_sandbox(kernel_.directory()); !entered) return entered;
  if (const Status set = prepare_cgroup(); !set) return set;
  const auto ends = kernel_.make_pipes();
  if (!ends) return tl::unexpected(ends.error());
  const auto pid =
      spawner_->spawn({sandboxed_ ? &sandbox_argv_ : &start_.spec.argv, &env_, kernel_.directory(), (*ends)->in.get(),
                       (*ends)->out.get(), (*ends)->err.get(), setting_.run_as, setting_.cgroup});
  if (!pid) return tl::unexpected(pid.error());
  kernel_.started(*pid, start_.task);
  pid_ = *pid;
  kernel_died_ = false;
  blamed_.reset();
  received_.clear();
  written_ = written_from_ = begin_of(next_);
  call_since_ = posix::mono_now();
  return {};
}

size_t CallRun::begin_of(size_t call) const {
  if (call == calls_.size()) return batch_bytes_;
  return static_cast<size_t>(calls_[call].input.data() - batch_) - wire::kCallHeadBytes;
}

size_t CallRun::write_limit() const { return next_ < alone_until_ ? begin_of(next_ + 1) : batch_bytes_; }

size_t CallRun::calls_written() const {
  size_t low = next_, high = calls_.size();  // the first whose begin is not before written_
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (begin_of(middle) < written_) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

int CallRun::in_fd() const { return kernel_.runs() && !blamed_ && written_ < write_limit() ? kernel_.in() : -1; }

void CallRun::give_input() {
  while (in_fd() >= 0) {
    const ssize_t done = ::write(kernel_.in(), batch_ + written_, write_limit() - written_);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return;  // full; or it is dying, which its end will tell
    written_ += static_cast<size_t>(done);
  }
}

void CallRun::take_output(bool out_ready, bool err_ready) {
  if (err_ready) take_errors();
  if (out_ready) take_replies(posix::now());
}

void CallRun::take_errors() {
  if (const ssize_t got = read_some(kernel_.err()); got > 0) err_.keep(read_buffer.data(), static_cast<size_t>(got));
}

void CallRun::take_replies(Now now) {
  const ssize_t got = read_some(kernel_.out());
  if (got <= 0 || blamed_) return;
  received_.append(read_buffer.data(), static_cast<size_t>(got));
  std::string_view rest = received_;
  while (take_reply(rest, now)) continue;
  const size_t taken = received_.size() - rest.size();
  out_.keep(received_.data(), taken);
  received_.erase(0, taken);
  if (!is_done()) return;
  if (!received_.empty()) kernel_.spoil();  // all was answered; but it talks on, and the next batch must not hear that
  end_batch(now);
}

// The whole one at the front, if there is one and it is the next call's.
bool CallRun::take_reply(std::string_view& rest, Now now) {
  if (is_done()) return false;
  const auto reply = wire::first_reply(rest);
  if (reply && !*reply) return false;
  const bool was_asked = begin_of(next_) < written_;
  if (!reply || !was_asked || (*reply)->number != calls_[next_].number || !wire::is_kernels((*reply)->status)) {
    blame(CallStatus::nonsense,
          "what the kernel wrote is no reply to it (agent/kernels/README.md, installed as "
          "/usr/share/doc/bramble-agent/KERNELS.md.gz, says what one is)",
          now);
    return false;
  }
  if ((*reply)->status != CallStatus::good && failed_++ == 0) {
    const std::string_view said = (*reply)->bytes;  // behind a zero byte stands what is for programs
    first_failure_ = about_call((*reply)->number, to_utf8(said.substr(0, said.find('\0')), kMaxShownBytes));
  }
  rest.remove_prefix(wire::kReplyHeadBytes + (*reply)->bytes.size());
  ++next_;
  tries_ = 0;
  deaths_.answered(now.mono);
  call_since_ = now.mono;
  return true;
}

void CallRun::blame(CallStatus status, std::string why, Now now) {
  blamed_ = status;
  blame_text_ = std::move(why);
  kill_all(now);
}

void CallRun::end_as(wire::Outcome outcome, Now now) {
  // Memory is a matter between the kernel and its call, not the batch's.
  if (outcome != wire::Outcome::memory) return TaskRun::end_as(outcome, now);
  if (ended_as_ || blamed_ || !kernel_.runs()) return;
  blame(CallStatus::died,
        "its processes together used more than the limit of " + std::to_string(start_.spec.memory_bytes >> 20) +
            " MiB of memory",
        now);
}

void CallRun::reap(Now now) {
  bool childless = false;
  while (true) {
    int status = 0;
    rusage usage{};
    const pid_t pid = ::wait4(-1, &status, WNOHANG, &usage);
    if (pid < 0 && errno == EINTR) continue;
    childless = pid < 0;
    if (pid <= 0) break;
    add_usage(usage);
    if (pid != kernel_.pid()) continue;
    kernel_status_ = status;
    kernel_had_read_ = written_ - written_from_ > kernel_.unread_bytes();
    kernel_died_ = true;
    kernel_.died();
  }
  if (!kernel_died_) return;
  if (!childless) return kill_all(now);  // what it leaves behind has no reason to live on
  kernel_died_ = false;
  kill_at_.reset();
  after_death(now);
}

void CallRun::after_death(Now now) {
  while (!blamed_ && kernel_.out() >= 0 && !is_done()) {  // what it wrote before
    const size_t before = received_.size() + next_;
    take_replies(now);
    if (received_.size() + next_ == before) break;
  }
  take_errors();
  if (!alive_ || is_done()) return end_batch(now);
  const bool never_began = spawner_->failure().step != SpawnFailure::none;
  if (ended_as_ || never_began) {
    main_status_ = kernel_status_;
    duration_ms_ = now.mono - started_.mono;
    alive_ = false;
    return;
  }
  const size_t written = std::max(calls_written(), next_ + 1);
  const bool it_was_this_one = written == next_ + 1;
  if (!it_was_this_one) alone_until_ = written;
  deaths_.died(kernel_had_read_);
  if (it_was_this_one && tries_++ >= start_.spec.calls->retries) {
    const CallStatus of_itself = kernel_had_read_ ? CallStatus::died : CallStatus::unread;
    answer_for_kernel(blamed_.value_or(of_itself), blamed_ ? blame_text_ : how_it_died());
  }
  if (const auto why = deaths_.hopeless(now.mono)) {
    while (!is_done()) answer_for_kernel(CallStatus::skipped, "not tried: " + *why);
  }
  if (is_done()) return end_batch(now);
  Status started = make_directory();
  if (started) started = start_kernel();
  if (!started) {
    start_failure_ = FailureText{126, started.error().message};
    alive_ = false;
  }
}

// Counted from one, as the lines of `bramble call`. The first call of its job that is alone in its batch needs no
// number: most often it is the only one.
std::string CallRun::about_call(uint32_t number, const std::string& why) const {
  return calls_.size() > 1 || number > 0 ? "call " + std::to_string(uint64_t{number} + 1) + ": " + why : why;
}

void CallRun::answer_for_kernel(CallStatus status, const std::string& why) {
  std::string reply;
  wire::append_reply(reply, {calls_[next_].number, status, why});
  out_.keep(reply.data(), reply.size());
  if (failed_++ == 0) first_failure_ = about_call(calls_[next_].number, why);
  ++next_;
  tries_ = 0;
}

std::string CallRun::how_it_died() const {
  if (setting_.cgroup != nullptr && setting_.cgroup->interventions().over_memory) {
    return "the kernel was over its memory of " + std::to_string(start_.spec.memory_bytes >> 20) +
           " MiB: killed by the system";
  }
  const posix::ExitStatus outside = posix::exit_status_of(kernel_status_);
  const posix::ExitStatus status = sandboxed_ ? end_inside(outside) : outside;
  if (status.signal != 0) return "the kernel was ended by signal " + std::to_string(status.signal);
  return "the kernel ended with status " + std::to_string(status.code) +
         (kernel_had_read_ ? " and gave no answer" : " before it read anything of the call");
}

void CallRun::on_time(Now now) {
  TaskRun::on_time(now);
  const int64_t limit_ms = start_.spec.calls->limit_ms;
  if (limit_ms <= 0 || blamed_ || ended_as_ || !kernel_.runs() || now.mono < call_since_ + limit_ms) return;
  blame(CallStatus::timed_out, "it took longer than " + format_duration(limit_ms) + ", the limit of a call", now);
}

std::optional<MonoTime> CallRun::next_deadline() const {
  std::optional<MonoTime> next = TaskRun::next_deadline();
  const int64_t limit_ms = start_.spec.calls->limit_ms;
  if (limit_ms <= 0 || blamed_ || ended_as_ || !kernel_.runs()) return next;
  return std::min(next.value_or(call_since_ + limit_ms), call_since_ + limit_ms);
}

void CallRun::end_batch(Now now) {
  if (!alive_) return;
  duration_ms_ = now.mono - started_.mono;
  alive_ = false;
  kernel_.rest_until(now.mono + start_.spec.calls->idle_ms);
}

wire::WardenUsage CallRun::usage() const {
  const uint64_t all = static_cast<uint64_t>(cpu_us_) + cpu_us_of_descendants();
  return {start_.task, all - std::min(all, cpu_before_us_)};
}

wire::WardenExited CallRun::finish(const SpawnFailure& failure) {
  if (kernel_.err() >= 0) take_errors();
  cpu_us_ = static_cast<int64_t>(usage().cpu_us);
  if (next_ > 0) peak_memory_bytes_ = std::max(peak_memory_bytes_, peak_memory_of(kernel_.pid()));
  return TaskRun::finish(failure);
}

void CallRun::set_outcome(wire::Finished& result, const SpawnFailure& failure) const {
  const bool died = !is_done() && !kernel_.runs();
  if (start_failure_ || died) {
    if (ended_as_) return TaskRun::set_outcome(result, {});
    if (set_start_failure(result, failure)) return;
  }
  if (ended_as_) {
    result.outcome = *ended_as_;
    result.text = ending_text();
    return;
  }
  result.outcome = wire::Outcome::exited;
  result.code = failed_ == 0 && out_.dropped_bytes() == 0 ? 0 : 1;
  if (failed_ > 0) {
    const std::string calls = std::to_string(failed_) + " of " + std::to_string(calls_.size()) + " calls failed; ";
    result.text = (calls_.size() > 1 ? calls : "") + first_failure_;
  } else if (out_.dropped_bytes() > 0) {
    result.text = "the results of this batch are more than " + std::to_string(start_.spec.stdout_cap_bytes) + " bytes";
  }
}

}  // namespace bramble::warden
