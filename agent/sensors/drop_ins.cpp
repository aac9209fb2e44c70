#include "agent/sensors/drop_ins.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "agent/sensors/parse.hpp"
#include "common/base/ids.hpp"
#include "common/base/utf8.hpp"
#include "common/posix/error.hpp"
#include "common/posix/files.hpp"
#include "common/wire/metrics.hpp"

namespace bramble::sensors {
namespace {

constexpr size_t kMaxFiles = 1000;
constexpr size_t kShownBytes = 60;

bool is_ours(std::string_view name) {
  return std::any_of(wire::kMetrics.begin(), wire::kMetrics.end(),
                     [&](const wire::Metric& metric) { return metric.name == name; });
}

// Empty: the line is good, and in `values`.
std::string take_line(std::string_view line, DropInValues& values) {
  const Words words = split_words(line);
  const auto value = parse_number<double>(words[1]);
  if (words.size() < 2 || words.size() > 3 || !value) return "is not `name value unit`";
  std::string metric(words[0]);
  if (words.size() == 3) metric += "_" + std::string(words[2]);
  if (!is_valid_name(metric)) return "makes no name of letters, digits, '-', '_' and '.' (63 at most)";
  if (is_ours(metric)) return "names a metric that bramble tells itself";
  values[metric] = *value;
  return {};
}

}  // namespace

DropInValues parse_drop_in(std::string_view output, std::string& complaint) {
  DropInValues values;
  for_each_line(output, [&](std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (split_words(line).size() == 0 || line.starts_with('#')) return;
    const std::string bad = take_line(line, values);
    if (!bad.empty() && complaint.empty()) complaint = "its line '" + to_utf8(line, kShownBytes) + "' " + bad;
  });
  return values;
}

DropInSource::~DropInSource() {
  if (run_) ::kill(-run_->process.pid(), SIGKILL);
  if (run_) run_->process.kill_and_wait();
}

// Somebody else's program under the agent's name: only what nobody but its owner can change.
std::string DropInSource::reason_not_to_run(const std::string& path) const {
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) return "cannot be looked at: " + posix::errno_text(errno);
  if ((file.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return "is not run, for others than its owner may write to it: chmod go-w";
  if (file.st_uid != 0 && file.st_uid != ::geteuid()) return "is not run, for it is neither root's nor the agent's";
  return {};
}

void DropInSource::begin_round(MonoTime now) {
  round_ = now;
  trouble_.clear();
  const auto names = posix::list_directory(options_.directory, kMaxFiles);
  if (!names) {
    if (names.error().code != ErrorCode::not_found) trouble_ = names.error().message;
    programs_.clear();
    return;
  }
  std::map<std::string, Program> still_there;
  for (const std::string& name : *names) {
    const std::string path = options_.directory + "/" + name;
    struct stat file {};
    const bool program = !name.starts_with('.') && !name.ends_with('~') && ::stat(path.c_str(), &file) == 0 &&
                         S_ISREG(file.st_mode) && (file.st_mode & S_IXUSR) != 0;
    if (!program) continue;
    if (waiting_.size() == kMaxDropIns) {
      trouble_ =
          options_.directory + " holds more than " + std::to_string(kMaxDropIns) + " programs: the rest is not run";
      break;
    }
    waiting_.push_back(name);
    still_there[name] = std::move(programs_[name]);
  }
  programs_ = std::move(still_there);
}

void DropInSource::begin(const std::string& name, MonoTime now) {
  const std::string path = options_.directory + "/" + name;
  Program& program = programs_[name];
  // What was wrong the last time stands until this run is over: trouble that stays is said once.
  if (std::string reason = reason_not_to_run(path); !reason.empty()) {
    program.complaint = std::move(reason);
    return;
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    program.complaint = posix::system_error("cannot make a pipe", errno).message;
    return;
  }
  posix::UniqueFd ours(ends[0]);
  const posix::UniqueFd theirs(ends[1]);
  const posix::UniqueFd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  posix::SpawnOptions spawn;
  spawn.argv = {path};
  spawn.directory = "/";
  spawn.stdout_fd = theirs.get();
  spawn.stderr_fd = nowhere.get();
  spawn.die_with_parent = true;
  spawn.own_group = true;
  auto process = posix::Process::spawn(spawn);
  if (!process) {
    program.complaint = process.error().message;
    return;
  }
  run_.emplace(Run{name, std::move(*process), std::move(ours), now, {}});
}

// What it leaves behind goes with it.
void DropInSource::end(MonoTime now, const std::string& trouble) {
  ::kill(-run_->process.pid(), SIGKILL);
  run_->process.kill_and_wait();
  Program& program = programs_[run_->name];
  program.complaint = trouble;
  if (trouble.empty()) {
    program.values = parse_drop_in(run_->text, program.complaint);
    program.told = now;
  }
  run_.reset();
}

bool DropInSource::look_after(MonoTime now) {
  const bool ended = !run_->process.running();  // asked before the last read, so that nothing is missed
  std::array<char, 1024> buffer;
  ssize_t got = 0;
  while (run_->text.size() <= kMaxDropInBytes && (got = ::read(run_->output.get(), buffer.data(), buffer.size())) > 0) {
    run_->text.append(buffer.data(), static_cast<size_t>(got));
  }
  if (run_->text.size() > kMaxDropInBytes) {
    end(now, "it printed more than " + std::to_string(kMaxDropInBytes) + " bytes and was ended");
  } else if (ended) {
    const auto status = run_->process.try_wait().value_or(posix::ExitStatus{});
    end(now, status.success() ? "" : "it ended with status " + std::to_string(status.shell_code()));
  } else if (now - run_->began >= options_.time_limit_ms) {
    end(now, "it was ended at its time limit of " + std::to_string(options_.time_limit_ms / 1000) + " s");
  }
  return !run_;
}

void DropInSource::read(Probe& probe) {
  if (run_) look_after(probe.now);
  if (!run_ && waiting_.empty() && (!round_ || probe.now - *round_ >= options_.interval_ms)) begin_round(probe.now);
  while (!run_ && !waiting_.empty()) {
    const std::string name = std::move(waiting_.front());
    waiting_.pop_front();
    begin(name, probe.now);
  }
  std::string troubles = trouble_;
  const auto add_trouble = [&](const std::string& trouble) { troubles += (troubles.empty() ? "" : "; ") + trouble; };
  size_t count = 0;
  for (const auto& [name, program] : programs_) {
    if (!program.complaint.empty()) add_trouble(options_.directory + "/" + name + ": " + program.complaint);
    // One that does not tell any more is not quoted for long.
    if (probe.now - program.told > 3 * options_.interval_ms) continue;
    for (const auto& [metric, value] : program.values) {
      if (++count <= kMaxDropInMetrics) probe.reading.values[metric] = value;
    }
  }
  if (count > kMaxDropInMetrics) {
    add_trouble("the programs in " + options_.directory + " tell more than " + std::to_string(kMaxDropInMetrics) +
                " metrics: the rest is left out");
  }
  if (!troubles.empty()) probe.trouble(troubles);
}

}  // namespace bramble::sensors
