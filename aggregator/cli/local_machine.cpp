#include "aggregator/cli/local_machine.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "common/posix/error.hpp"
#include "common/posix/files.hpp"
#include "common/posix/system_clock.hpp"
#include "common/posix/uuid.hpp"

namespace bramble::cli {
namespace {

constexpr int64_t kBootMs = 2'000;  // long enough to be seen, short for those who wait
constexpr size_t kMaxLevelBytes = 16;
constexpr mode_t kPassThrough = 0111;

// Tasks' user then meets nothing but what is on the way to a task's directory. What a folder grants besides stays.
Status let_pass(const std::string& folder) {
  struct stat about {};
  if (::stat(folder.c_str(), &about) != 0) return posix::system_failure("cannot look at " + folder, errno);
  const mode_t mode = about.st_mode & 07777;
  if ((mode & kPassThrough) == kPassThrough || ::chmod(folder.c_str(), mode | kPassThrough) == 0) return {};
  return posix::system_failure("cannot let tasks' user pass through " + folder, errno);
}

bool reads_one(const std::string& path) {
  const auto text = posix::read_file(path, kMaxLevelBytes);
  return text && text->starts_with('1');
}

LocalPart::Plan plan_of(const LocalLayout& layout, const char* kind, const std::string& node,
                        std::vector<std::string> argv) {
  return {std::string(kind) + " " + node, std::move(argv), layout.log(std::string(kind) + "-" + node)};
}

std::vector<std::string> warden_argv(const std::string& program, const LocalLayout& layout, const LocalNode& node) {
  std::vector<std::string> argv = {program, "--state", layout.warden_state(node.name), "--slots",
                                   std::to_string(node.slots)};
  if (!node.task_user.empty()) argv.insert(argv.end(), {"--user", node.task_user});
  return argv;
}

}  // namespace

LocalMachine::LocalMachine(posix::EventLoop& loop, Console& console, const LocalLayout& layout,
                           const Programs& programs, LocalNode about, std::function<void()> on_change)
    : console_(console),
      layout_(layout),
      about_(std::move(about)),
      warden_(loop, console, plan_of(layout, "warden", about_.name, warden_argv(programs.warden, layout, about_)),
              on_change),
      agent_(loop, console,
             plan_of(layout, "agent", about_.name, {programs.agent, "--config", layout.agent_config(about_.name)}),
             on_change) {}

Status LocalMachine::prepare() {
  const std::string& name = about_.name;
  if (auto made = posix::make_directories(layout_.warden_state(name), 0700); !made) return made;
  if (!about_.task_user.empty()) {
    for (const std::string& each : {layout_.dir(), layout_.node(name), layout_.warden_state(name)}) {
      if (Status open = let_pass(each); !open) return open;
    }
  }
  if (auto made = posix::make_directories(layout_.agent_state(name), 0700); !made) return made;
  if (auto made = posix::make_directories(layout_.lines(), 0700); !made) return made;
  ::unlink(layout_.halt_request(name).c_str());  // of an earlier life of this folder
  say_halted(false);
  const std::string supply = layout_.supply_line(name);
  if (::access(supply.c_str(), F_OK) == 0) return {};
  return posix::write_file_atomically(supply, "1\n", {0600, false});
}

Status LocalMachine::plug_in(const BrokerAccess& broker) {
  broker_ = broker;
  if (!has_power()) {
    phase_ = Phase::off;
    return {};
  }
  phase_ = Phase::running;
  return start_parts();
}

void LocalMachine::look(MonoTime now) {
  if (phase_ == Phase::unplugged) return;
  if (!has_power()) {
    if (phase_ != Phase::off) lose_power();
    return;
  }
  switch (phase_) {
    case Phase::off:
      return begin_boot(now);
    case Phase::booting:
      if (now >= boots_at_) boot();
      return;
    case Phase::running:
      return heed_request();
    case Phase::halting:
      return end_of_halt(now);
    case Phase::halted:
    case Phase::unplugged:
      return;
  }
}

// As a relay does: a stopped process has no more power than others.
void LocalMachine::lose_power() {
  for (LocalPart* part : parts()) part->kill();
  phase_ = Phase::off;
  say_halted(false);
  console_.say(about_.name + " has no power");
}

void LocalMachine::begin_boot(MonoTime now) {
  if (runs()) return;  // what was killed is not gone yet
  phase_ = Phase::booting;
  boots_at_ = now + kBootMs;
  say_halted(false);
}

void LocalMachine::boot() {
  about_.boot_id = posix::random_uuid();
  phase_ = Phase::running;
  console_.say(about_.name + " boots");
  if (const Status started = start_parts(); !started) console_.say(about_.name + ": " + started.error().message);
}

Status LocalMachine::start_parts() {
  const std::string config = agent_toml(layout_, about_, broker_);
  if (auto written = posix::write_file_atomically(layout_.agent_config(about_.name), config, {0600, false}); !written) {
    return written;
  }
  if (auto status = warden_.start(); !status) return status;
  return agent_.start();
}

// The agent asks in its file for what it may not do itself, as it does on a Pi.
void LocalMachine::heed_request() {
  const std::string request = layout_.halt_request(about_.name);
  const auto word = posix::read_file(request, kMaxLevelBytes);
  if (!word) return;
  ::unlink(request.c_str());
  reboots_ = *word == "reboot\n";
  phase_ = Phase::halting;
  console_.say(about_.name + (reboots_ ? " reboots" : " halts"));
  for (LocalPart* part : parts()) part->ask_to_end();
}

void LocalMachine::end_of_halt(MonoTime now) {
  if (runs()) return;
  if (reboots_) return begin_boot(now);
  phase_ = Phase::halted;
  say_halted(true);
}

bool LocalMachine::has_power() const { return reads_one(layout_.supply_line(about_.name)); }

void LocalMachine::say_halted(bool halted) {
  const std::string line = layout_.halt_line(about_.name);
  if (const auto written = posix::write_file_atomically(line, halted ? "1\n" : "0\n", {0600, false}); !written) {
    console_.say(written.error().message);
  }
}

}  // namespace bramble::cli
