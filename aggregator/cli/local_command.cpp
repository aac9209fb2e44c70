#include <fmt/format.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <thread>

#include "aggregator/cli/commands.hpp"
#include "aggregator/cli/exit_status.hpp"
#include "aggregator/cli/local_cluster.hpp"
#include "aggregator/cli/passage.hpp"
#include "common/posix/error.hpp"
#include "common/posix/event_loop.hpp"
#include "common/posix/files.hpp"
#include "common/posix/lock_file.hpp"

extern char** environ;

namespace bramble::cli {
namespace {

struct Folder {
  std::string path;
  bool temporary = false;
};

Result<Folder> choose_folder(const LocalCommand& command) {
  if (!command.dir.empty()) {
    std::error_code error;
    std::string path = std::filesystem::absolute(command.dir, error).lexically_normal().string();
    if (path.size() > 1 && path.ends_with('/')) path.pop_back();
    if (auto passes = check_passage(path, command.user); !passes) return tl::unexpected(passes.error());
    const mode_t mode = command.user.empty() ? 0700 : 0711;  // folders on the way to DIR, too
    if (auto made = posix::make_directories(path, mode); !made) return tl::unexpected(made.error());
    return Folder{path, false};
  }
  const char* chosen = std::getenv("TMPDIR");
  std::string path = std::string(chosen && *chosen ? chosen : "/tmp") + "/bramble-local-XXXXXX";
  if (auto passes = check_passage(path, command.user); !passes) return tl::unexpected(passes.error());
  if (!::mkdtemp(path.data())) return posix::system_failure("cannot make a folder like " + path, errno);
  return Folder{path, true};
}

// Two clusters in one folder would take each other's files.
Result<posix::UniqueFd> lock_folder(const LocalLayout& layout) {
  auto lock = posix::lock_file(layout.lock());
  if (!lock && lock.error().code == ErrorCode::conflict) {
    return fail(ErrorCode::conflict,
                "a cluster runs in " + layout.dir() + " already: end that one, or take another folder for --dir");
  }
  return lock;
}

LocalPlan plan_for(const LocalCommand& command, LocalKeys config) {
  const uint32_t cores = std::max(1U, std::thread::hardware_concurrency());
  struct sysinfo machine {};
  const bool known = ::sysinfo(&machine) == 0;
  const uint64_t memory = known ? uint64_t{machine.totalram} * machine.mem_unit : 0;
  return {command.agents, command.slots > 0 ? command.slots : std::max(1U, cores / command.agents),
          memory / command.agents, command.user, std::move(config)};
}

// This process' environment, with the cluster's address, and with our own programs found first.
std::vector<std::string> environment_for(const std::string& url) {
  std::vector<std::string> variables;
  std::string path = "/usr/local/bin:/usr/bin:/bin";
  for (char** at = environ; *at; ++at) {
    const std::string_view variable = *at;
    if (variable.starts_with("PATH=")) path = variable.substr(5);
    if (!variable.starts_with("PATH=") && !variable.starts_with("BRAMBLE_URL=")) variables.emplace_back(variable);
  }
  variables.push_back("BRAMBLE_URL=" + url);
  variables.push_back("PATH=" + own_folder() + ":" + path);
  return variables;
}

// The life of one `bramble local`: start, run the command (or wait for Ctrl-C), end.
class LocalRun {
 public:
  LocalRun(Console& console, const LocalCommand& command, const Folder& folder, LocalKeys config)
      : console_(console),
        command_(command),
        layout_(folder.path),
        cluster_(loop_, console, layout_, plan_for(command, std::move(config)),
                 {[this] { ready(); }, [this](const Error& error) { finish(tl::unexpected(error)); }}) {}

  Result<int> run() {
    loop_.on_signals({SIGINT, SIGTERM, SIGHUP}, [this](int signal) { signalled(signal); });
    if (auto status = cluster_.start(); !status) finish(tl::unexpected(status.error()));
    loop_.run();
    return *result_;
  }

 private:
  void ready() {
    if (command_.argv.empty()) {
      return say_how_to_use();
    }
    posix::SpawnOptions options;
    options.argv = command_.argv;
    options.env = environment_for(layout_.api_url());
    options.stdin_fd = STDIN_FILENO;
    options.die_with_parent = true;
    options.death_signal = SIGTERM;
    auto process = posix::Process::spawn(options);
    if (!process) return finish(tl::unexpected(process.error()));
    process_ = std::move(*process);
    cluster_.leave_alone(process_->pid());
    process_->on_exit(loop_, [this](posix::ExitStatus status) { finish(status.shell_code()); });
  }

  void say_how_to_use() {
    const std::string text = fmt::format(
        "{} up, until Ctrl-C. In another terminal:\n  export BRAMBLE_URL={}\n  bramble node list\n",
        command_.agents == 1 ? "1 node is" : fmt::format("{} nodes are", command_.agents), layout_.api_url());
    if (auto status = console_.print(text); !status) finish(tl::unexpected(status.error()));
  }

  // A terminal's Ctrl-C reaches the command by itself; what it makes of it is its own affair.
  void signalled(int signal) {
    if (!process_) return finish(kSignalBase + signal);
    if (signal != SIGINT) process_->kill(SIGTERM);
  }

  void finish(Result<int> result) {
    if (result_) return;
    result_ = std::move(result);
    cluster_.end([this] { loop_.stop(); });
  }

  Console& console_;
  const LocalCommand& command_;
  const LocalLayout layout_;
  posix::EventLoop loop_;
  LocalCluster cluster_;
  std::optional<posix::Process> process_;
  std::optional<Result<int>> result_;
};

Status check_user(const std::string& name) {
  if (name.empty()) return {};
  if (::geteuid() != 0) return fail(ErrorCode::invalid, "--user needs root: without it tasks run as you");
  if (name == "root") return fail(ErrorCode::invalid, "--user root: name another user, or none");
  return {};
}

}  // namespace

Result<int> local(Console& console, const LocalCommand& command) {
  if (Status good = check_user(command.user); !good) return tl::unexpected(good.error());
  const auto config = command.config.empty() ? Result<LocalKeys>(LocalKeys{}) : read_local_config(command.config);
  if (!config) return tl::unexpected(config.error());
  const auto folder = choose_folder(command);
  if (!folder) return tl::unexpected(folder.error());
  const auto lock = lock_folder(LocalLayout(folder->path));
  if (!lock) return tl::unexpected(lock.error());
  const auto result = LocalRun(console, command, *folder, *config).run();
  const bool wrong_config = !result && result.error().code == ErrorCode::invalid;  // told whole: no log says more
  if (!result && !wrong_config) {
    return fail(result.error().code, fmt::format("{}\nbramble: the logs are in {}", result.error().message,
                                                 LocalLayout(folder->path).logs()));
  }
  if (folder->temporary) {
    if (auto removed = posix::remove_tree(folder->path); !removed) console.say(removed.error().message);
  }
  return result;
}

}  // namespace bramble::cli
