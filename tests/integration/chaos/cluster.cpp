#include "cluster.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/posix/files.hpp"
#include "power_cut.hpp"
#include "support/bramble_process.hpp"

namespace bramble::test::chaos {
namespace {

constexpr int kSlots = 4;
constexpr const char* kDiskSize = "size=48m";
constexpr auto kUpLimit = std::chrono::seconds(120);
constexpr int64_t kStartAgainMs = 300;
constexpr int64_t kFullForMs = 5'000;  // a disk's being full may be felt a little later
constexpr int64_t kSlowCommitMs = 50;

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

void write(const std::string& path, const std::string& text) {
  const Status written = posix::write_file_atomically(path, text);
  if (!written) throw std::runtime_error(written.error().message);
}

MosquittoOptions broker_options(const std::string& dir) {
  std::filesystem::create_directories(dir + "/broker");
  return {.extra_lines = {"persistence true", "persistence_location " + dir + "/broker/", "autosave_interval 2"}};
}

// AddressSanitizer wants to be the first library, and the slow disk is before it.
std::vector<std::string> slow_disk_environment(const std::string& dir) {
  const char* asan = std::getenv("ASAN_OPTIONS");
  return {"LD_PRELOAD=" CHAOS_SLOW_DISK, "BRAMBLE_SLOW_DISK=" + dir + "/slow_disk",
          std::string("ASAN_OPTIONS=") + (asan ? std::string(asan) + ":" : "") + "verify_asan_link_order=0"};
}

}  // namespace

Cluster::Cluster(ClusterOptions options)
    : dir_(std::move(options.dir)),
      patience_(options.patience),
      random_(options.seed),
      broker_(broker_options(dir_)),
      proxy_(broker_.port(), static_cast<size_t>(options.agents) + 1) {
  std::filesystem::create_directories(diaries());
  std::filesystem::create_directories(dir_ + "/logs");
  std::filesystem::create_directories(dir_ + "/state");
  if (options.small_disk) mount_small_disk();
  for (int i = 1; i <= options.agents; ++i) names_.push_back("n" + std::to_string(i));
  start_head();
  for (size_t i = 0; i < names_.size(); ++i) start_node(i);
  wait_until_on();
}

// The nodes first, so that nothing is lost while the rest ends.
Cluster::~Cluster() {
  for (Node& node : nodes_) node.agent->kill();
  for (Node& node : nodes_) {
    node.warden->signal(SIGCONT);
    if (node.warden->runs()) node.warden->end();
  }
  aggregator_->kill();
  if (!small_disk_) return;
  std::error_code ignored;
  std::filesystem::copy(dir_ + "/state", dir_ + "/logs/state", std::filesystem::copy_options::recursive, ignored);
  ::umount2((dir_ + "/state").c_str(), MNT_DETACH);
}

// In a mount namespace of this thread's and its children's, so that nothing is left mounted whatever happens.
void Cluster::mount_small_disk() {
  const std::string state = dir_ + "/state";
  small_disk_ = ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                ::mount("tmpfs", state.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, kDiskSize) == 0;
}

void Cluster::start_head() {
  write(dir_ + "/aggregator.toml",
        "cluster = \"chaos\"\nkeep_jobs = 0\nsilent_ms = " + std::to_string(patience_.silent_ms) +
            "\nloss_ms = " + std::to_string(patience_.loss_ms) + "\nlease_ms = " + std::to_string(patience_.lease_ms) +
            "\nstate_dir = " + quoted(dir_ + "/state") + "\napi_socket = " + quoted(dir_ + "/api.sock") +
            "\nbroker_url = " + quoted("tcp://127.0.0.1:" + std::to_string(proxy_.port(names_.size()))) + "\n");
  aggregator_ = std::make_unique<Daemon>(
      "aggregator", dir_ + "/logs/aggregator",
      std::vector<std::string>{CHAOS_AGGREGATOR, "--config", dir_ + "/aggregator.toml"}, slow_disk_environment(dir_));
  aggregator_->start();
}

void Cluster::configure_agent(size_t index, int boot) const {
  const std::string& name = names_[index];
  const std::string home = home_of(index);
  write(home + "/agent.toml",
        "node = " + quoted(name) + "\ncluster = \"chaos\"\nmachine_id = " + quoted("machine-of-" + name) +
            "\nboot_id = " + quoted("boot-" + std::to_string(boot) + "-of-" + name) +
            "\nbroker_url = " + quoted("tcp://127.0.0.1:" + std::to_string(proxy_.port(index))) +
            "\nstate_dir = " + quoted(home + "/agent") + "\nwarden_socket = " + quoted(home + "/warden/warden.sock") +
            "\nslots = " + std::to_string(kSlots) + "\nmemory_bytes = 4000000000\n");
}

void Cluster::start_node(size_t index) {
  const std::string& name = names_[index];
  const std::string home = home_of(index);
  std::filesystem::create_directories(home + "/warden");
  std::filesystem::create_directories(home + "/agent");
  Node node;
  configure_agent(index, node.boots);
  node.warden = std::make_unique<Daemon>(
      "warden of " + name, dir_ + "/logs/warden-" + name,
      std::vector<std::string>{CHAOS_WARDEN, "--state", home + "/warden", "--slots", std::to_string(kSlots)});
  node.agent = std::make_unique<Daemon>("agent of " + name, dir_ + "/logs/agent-" + name,
                                        std::vector<std::string>{CHAOS_AGENT, "--config", home + "/agent.toml"});
  node.warden->start();
  node.agent->start();
  nodes_.push_back(std::move(node));
}

void Cluster::wait_until_on() const {
  const auto give_up = std::chrono::steady_clock::now() + kUpLimit;
  while (std::chrono::steady_clock::now() < give_up) {
    const auto nodes = nlohmann::json::parse(run_bramble(url(), {"node", "list", "--json"}).out, nullptr, false);
    size_t on = 0;
    for (const auto& node : nodes.is_array() ? nodes : nlohmann::json::array()) on += node.value("state", "") == "on";
    if (on == names_.size()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // node list has no long poll
  }
  throw std::runtime_error("the cluster does not come up; its logs: " + dir_ + "/logs");
}

void Cluster::set_disk(int64_t each_ms, int64_t stalled_until_ms) const {
  write(dir_ + "/slow_disk", std::to_string(each_ms) + " " + std::to_string(stalled_until_ms) + "\n");
}

void Cluster::stall_disk(int64_t ms) { set_disk(kSlowCommitMs, boot_ns() / kNsPerMs + ms); }

void Cluster::restart_aggregator() {
  aggregator_->end();
  aggregator_->start();
  wait_until_on();
}

// To the last byte. Close-on-exec: a command that another thread starts just now would keep the disk full.
void Cluster::fill_disk() const {
  const posix::UniqueFd filler(
      ::open((dir_ + "/state/filler").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  for (const size_t piece : {1 << 20, 4096, 1}) {
    const std::string zeros(piece, '\0');
    while (::write(filler.get(), zeros.data(), piece) > 0) {
    }
  }
}

void Cluster::empty_broker() {
  broker_.kill();
  std::filesystem::remove(dir_ + "/broker/mosquitto.db");
}

void Cluster::stop_or_continue_broker(bool stop) const {
  if (broker_.pid() != 0) ::kill(broker_.pid(), stop ? SIGSTOP : SIGCONT);
}

void Cluster::kill(Daemon& daemon) {
  daemon.kill();
  start_again_ns_.erase(&daemon);  // one that had ended by itself stays away until this fault ends
}

// Nobody is told: its connections are neither closed nor answered.
void Cluster::cut_power(size_t node) {
  proxy_.set(node, LinkState::stalled);
  Node& one = nodes_[node];
  std::vector<pid_t> running;
  for (const Daemon* daemon : {one.warden.get(), one.agent.get()}) {
    if (daemon->runs()) running.push_back(daemon->pid());
  }
  kill_at_once(running);
  kill(*one.warden);
  kill(*one.agent);
  // Of all that a node writes, only the agent's identity is synced.
  for (const char* part : {"/warden", "/agent"}) {
    forget_unsynced(home_of(node) + part, {home_of(node) + "/agent/agent.state"}, random_);
  }
}

void Cluster::restore_power(size_t node) {
  configure_agent(node, ++nodes_[node].boots);
  nodes_[node].warden->start();
  nodes_[node].agent->start();
  proxy_.set(node, LinkState::open);
}

void Cluster::begin(FaultKind kind, size_t node) {
  switch (kind) {
    case FaultKind::agent_killed:
      return kill(*nodes_[node].agent);
    case FaultKind::agent_stopped:
      return nodes_[node].agent->signal(SIGSTOP);
    case FaultKind::warden_killed:
      return kill(*nodes_[node].warden);
    case FaultKind::warden_stopped:
      return nodes_[node].warden->signal(SIGSTOP);
    case FaultKind::power_lost:
      return cut_power(node);
    case FaultKind::link_cut:
      return proxy_.set(node, LinkState::cut);
    case FaultKind::link_stalled:
      return proxy_.set(node, LinkState::stalled);
    case FaultKind::aggregator_killed:
      return kill(*aggregator_);
    case FaultKind::aggregator_stopped:
      return aggregator_->signal(SIGSTOP);
    case FaultKind::head_link_cut:
      return proxy_.set(names_.size(), LinkState::cut);
    case FaultKind::broker_killed:
      return broker_.kill();
    case FaultKind::broker_stopped:
      return stop_or_continue_broker(true);
    case FaultKind::broker_emptied:
      return empty_broker();
    case FaultKind::disk_full:
      full_until_ns_ = INT64_MAX;
      return fill_disk();
    case FaultKind::disk_slow:
      return set_disk(kSlowCommitMs, 0);
    case FaultKind::disk_stalled:
      return set_disk(kSlowCommitMs, INT64_MAX);
    case FaultKind::machine_stalled:
      return;
  }
}

void Cluster::end(FaultKind kind, size_t node) {
  switch (kind) {
    case FaultKind::agent_killed:
      return nodes_[node].agent->start();
    case FaultKind::agent_stopped:
      return nodes_[node].agent->signal(SIGCONT);
    case FaultKind::warden_killed:
      return nodes_[node].warden->start();
    case FaultKind::warden_stopped:
      return nodes_[node].warden->signal(SIGCONT);
    case FaultKind::power_lost:
      return restore_power(node);
    case FaultKind::link_cut:
    case FaultKind::link_stalled:
      return proxy_.set(node, LinkState::open);
    case FaultKind::aggregator_killed:
      return aggregator_->start();
    case FaultKind::aggregator_stopped:
      return aggregator_->signal(SIGCONT);
    case FaultKind::head_link_cut:
      return proxy_.set(names_.size(), LinkState::open);
    case FaultKind::broker_killed:
    case FaultKind::broker_emptied:
      return broker_.start();
    case FaultKind::broker_stopped:
      return stop_or_continue_broker(false);
    case FaultKind::disk_full:
      std::filesystem::remove(dir_ + "/state/filler");
      full_until_ns_ = boot_ns();
      return;
    case FaultKind::disk_slow:
    case FaultKind::disk_stalled:
      return set_disk(0, 0);
    case FaultKind::machine_stalled:
      return;
  }
}

void Cluster::look_after(Daemon& daemon, bool may_end) {
  if (const auto status = daemon.own_end()) {
    ++own_ends_;
    if (status->signal != 0 || !may_end) {
      incidents_.push_back(daemon.name() + " ended by itself, status " + std::to_string(status->shell_code()) +
                           ", at " + std::to_string(boot_ns() / kNsPerMs) + " ms");
    }
    start_again_ns_[&daemon] = boot_ns() + kStartAgainMs * kNsPerMs;
  }
  const auto due = start_again_ns_.find(&daemon);
  if (due == start_again_ns_.end() || due->second > boot_ns()) return;
  start_again_ns_.erase(due);
  if (!daemon.runs()) daemon.start();
}

void Cluster::look_after() {
  // It ends to reload when what it must write cannot be written.
  look_after(*aggregator_, full_until_ns_ > boot_ns() - kFullForMs * kNsPerMs);
  for (Node& node : nodes_) {
    look_after(*node.warden, false);
    look_after(*node.agent, false);
  }
}

}  // namespace bramble::test::chaos
