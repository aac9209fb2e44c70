#include "aggregator/cli/local_cluster.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>

#include "common/posix/files.hpp"
#include "common/posix/system_clock.hpp"
#include "common/posix/uuid.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

constexpr int64_t kStartLimitMs = 60'000;
constexpr int64_t kStartStepMs = 50;
constexpr uint32_t kDeathsBeforeReady = 5;
constexpr int64_t kWatchEveryMs = 500;
constexpr int64_t kLookEveryMs = 100;
constexpr int64_t kEndLimitMs = 10'000;
constexpr int64_t kEndStepMs = 10;
constexpr size_t kMaxClientBytes = 16 << 10;

bool any_runs(const std::vector<LocalPart*>& parts) {
  return std::any_of(parts.begin(), parts.end(), [](const LocalPart* part) { return part->pid() != 0; });
}

}  // namespace

LocalCluster::LocalCluster(posix::EventLoop& loop, Console& console, LocalLayout layout, LocalPlan plan,
                           Handlers handlers)
    : loop_(loop),
      console_(console),
      layout_(std::move(layout)),
      plan_(std::move(plan)),
      handlers_(std::move(handlers)),
      reconnect_(console, 0) {
  endpoint_.url = layout_.api_url();
  endpoint_.socket_path = layout_.api_socket();
}

Status LocalCluster::find_programs() {
  for (auto [name, path] :
       {std::pair{"bramble-aggregator", &aggregator_program_}, std::pair{"bramble-agent", &node_programs_.agent},
        std::pair{"bramble-warden", &node_programs_.warden}}) {
    auto found = find_program(name);
    if (!found) return tl::unexpected(found.error());
    *path = std::move(*found);
  }
  return {};
}

Status LocalCluster::prepare() {
  if (auto status = find_programs(); !status) return status;
  std::vector<std::string> names;
  for (uint32_t i = 1; i <= plan_.agents; ++i) {
    names.push_back(local_node_name(i, plan_.agents));
    // The longest of the sockets' paths must fit; a name of a part is longer than the aggregator's.
    if (auto fits = parse_url("unix:" + layout_.warden_socket(names.back())); !fits) {
      return tl::unexpected(fits.error());
    }
    machines_.push_back(
        std::make_unique<LocalMachine>(loop_, console_, layout_, node_programs_,
                                       LocalNode{names.back(), plan_.slots, plan_.memory_bytes, posix::random_uuid(),
                                                 posix::random_uuid(), plan_.task_user},
                                       [this] { write_pids(); }));
    if (auto made = machines_.back()->prepare(); !made) return made;
  }
  if (auto made = posix::make_directories(layout_.logs(), 0700); !made) return made;
  ::unlink(layout_.broker_client().c_str());  // of an earlier life of this folder
  return posix::write_file_atomically(layout_.aggregator_config(), aggregator_toml(layout_, names, plan_.config),
                                      {0600, false});
}

Status LocalCluster::start() {
  if (auto status = prepare(); !status) return status;
  adopt_orphans();
  aggregator_ =
      std::make_unique<LocalPart>(loop_, console_,
                                  LocalPart::Plan{"aggregator",
                                                  {aggregator_program_, "--config", layout_.aggregator_config()},
                                                  layout_.log("aggregator"),
                                                  true},
                                  [this] { write_pids(); });
  if (auto status = aggregator_->start(); !status) return status;
  start_deadline_ = posix::mono_now() + kStartLimitMs;
  loop_.call_after(kStartStepMs, [this] { check_start(); });
  return {};
}

void LocalCluster::check_start() {
  if (ending_) return;
  for (const LocalPart* part : parts()) {
    if (part->refused()) return fail_start(refusal_of(*part));
  }
  if (const LocalPart* dying = part_that_keeps_dying()) {
    return fail_start(
        {ErrorCode::io, dying->plan().name + " does not stay up; its log ends so:\n" + log_tail(dying->plan().log)});
  }
  if (posix::mono_now() > start_deadline_) {
    return fail_start({ErrorCode::io, "the cluster did not come up within 60 s"});
  }
  if (const auto started = start_nodes_when_broker_is_up(); !started) return fail_start(started.error());
  if (nodes_started_ && all_nodes_on()) {
    watch_over();
    return handlers_.on_ready();
  }
  loop_.call_after(kStartStepMs, [this] { check_start(); });
}

// What it said at last. Of a line in the configuration: in the person's own file.
Error LocalCluster::refusal_of(const LocalPart& part) const {
  std::string said = last_line(log_tail(part.plan().log));
  const bool is_config = said.find(layout_.aggregator_config() + ":") != std::string::npos;
  if (!is_config) return {ErrorCode::io, part.plan().name + " does not start: " + said};
  if (const size_t name = said.find(": "); name != std::string::npos && said.starts_with("bramble-")) {
    said.erase(0, name + 2);
  }
  return {ErrorCode::invalid, said_of_person(plan_.config, layout_.aggregator_config(), said)};
}

void LocalCluster::fail_start(const Error& error) { handlers_.on_failed(error); }

const LocalPart* LocalCluster::part_that_keeps_dying() const {
  for (const LocalPart* part : parts()) {
    if (part->deaths() >= kDeathsBeforeReady) return part;
  }
  return nullptr;
}

Result<bool> LocalCluster::start_nodes_when_broker_is_up() {
  if (nodes_started_) return true;
  const auto text = posix::read_file(layout_.broker_client(), kMaxClientBytes);
  if (!text) return false;  // not yet
  const auto broker = parse_broker_client(*text);
  if (!broker) return tl::unexpected(broker.error());
  for (const auto& machine : machines_) {
    if (auto status = machine->plug_in(*broker); !status) return tl::unexpected(status.error());
  }
  nodes_started_ = true;
  look_at_machines();
  return true;
}

bool LocalCluster::all_nodes_on() {
  const auto nodes = Api(endpoint_, reconnect_).get("/api/v1/nodes");
  if (!nodes || !nodes->is_array()) return false;
  return std::all_of(machines_.begin(), machines_.end(), [&](const auto& machine) {
    return !machine->wants_to_run() || std::any_of(nodes->begin(), nodes->end(), [&](const json& node) {
      return text_field(node, "node") == machine->about().name && text_field(node, "state") == "on";
    });
  });
}

void LocalCluster::look_at_machines() {
  if (ending_) return;
  for (const auto& machine : machines_) machine->look(posix::mono_now());
  loop_.call_after(kLookEveryMs, [this] { look_at_machines(); });
}

// Once the cluster is up: takes note of a new broker, and of orphans that have ended.
void LocalCluster::watch_over() {
  if (ending_) return;
  pid_t broker = find_child(aggregator_->pid(), "mosquitto");
  if (broker == 0) broker = find_child(::getpid(), "mosquitto");  // of an aggregator that died
  if (broker != broker_pid_) {
    broker_pid_ = broker;
    write_pids();
  }
  const auto all = parts();
  reap_orphans([&](pid_t pid) {
    const auto is_it = [&](const LocalPart* part) { return part->pid() == pid; };
    return pid == command_pid_ || std::any_of(all.begin(), all.end(), is_it);
  });
  loop_.call_after(kWatchEveryMs, [this] { watch_over(); });
}

void LocalCluster::write_pids() {
  json pids = {{"aggregator", aggregator_ ? aggregator_->pid() : 0}, {"nodes", json::object()}};
  if (broker_pid_ != 0) pids["broker"] = broker_pid_;
  for (const auto& machine : machines_) {
    pids["nodes"][machine->about().name] = {{"agent", machine->agent_pid()}, {"warden", machine->warden_pid()}};
  }
  const auto written = posix::write_file_atomically(layout_.pids(), pids.dump(2) + "\n", {0600, false});
  if (!written && !ending_) console_.say(written.error().message);
}

std::vector<LocalPart*> LocalCluster::node_parts() const {
  std::vector<LocalPart*> all;
  for (const auto& machine : machines_) {
    for (LocalPart* part : machine->parts()) all.push_back(part);
  }
  return all;
}

std::vector<LocalPart*> LocalCluster::parts() const {
  std::vector<LocalPart*> all = node_parts();
  if (aggregator_) all.push_back(aggregator_.get());
  return all;
}

void LocalCluster::end(std::function<void()> ended) {
  ending_ = true;
  for (LocalPart* part : node_parts()) part->ask_to_end();
  end_step(std::move(ended), posix::mono_now() + kEndLimitMs, false);
}

void LocalCluster::end_step(std::function<void()> ended, MonoTime deadline, bool nodes_ended) {
  const bool late = posix::mono_now() > deadline;
  const auto waited_for = nodes_ended ? parts() : node_parts();
  if (late) {
    for (LocalPart* part : waited_for) part->kill();
  }
  if (!any_runs(waited_for)) {
    if (nodes_ended || !aggregator_) {
      end_orphans();
      return ended();
    }
    aggregator_->ask_to_end();
    return end_step(std::move(ended), posix::mono_now() + kEndLimitMs, true);
  }
  loop_.call_after(kEndStepMs,
                   [this, ended = std::move(ended), deadline, nodes_ended] { end_step(ended, deadline, nodes_ended); });
}

}  // namespace bramble::cli
