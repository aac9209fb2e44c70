#include "aggregator/cli/app.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <utility>

#include "aggregator/cli/check_rules.hpp"
#include "aggregator/cli/commands.hpp"
#include "aggregator/cli/exit_status.hpp"

namespace bramble::cli {
namespace {

Result<int> dispatch(const Session& session, const SubmitCommand& command) { return submit(session, command); }
Result<int> dispatch(const Session& session, const RunCommand& command) { return run(session, command); }
Result<int> dispatch(const Session& session, const ExecCommand& command) { return exec(session, command); }
Result<int> dispatch(const Session& session, const MapCommand& command) { return map(session, command); }
Result<int> dispatch(const Session& session, const CallCommand& command) { return call(session, command); }
Result<int> dispatch(const Session& session, const TrainCommand& command) { return train(session, command); }
Result<int> dispatch(const Session& session, const InferCommand& command) { return infer(session, command); }
Result<int> dispatch(const Session& session, const JobListCommand& command) { return job_list(session, command); }
Result<int> dispatch(const Session& session, const JobInfoCommand& command) { return job_info(session, command); }
Result<int> dispatch(const Session& session, const JobWaitCommand& command) { return job_wait(session, command); }
Result<int> dispatch(const Session& session, const JobCancelCommand& command) { return job_cancel(session, command); }
Result<int> dispatch(const Session& session, const JobCatCommand& command) { return job_cat(session, command); }
Result<int> dispatch(const Session& session, const JobExplainCommand& command) { return job_explain(session, command); }
Result<int> dispatch(const Session& session, const JobRetryCommand& command) { return job_retry(session, command); }
Result<int> dispatch(const Session& session, const JobForgetCommand& command) { return job_forget(session, command); }
Result<int> dispatch(const Session& session, const NodeListCommand& command) { return node_list(session, command); }
Result<int> dispatch(const Session& session, const NodeDoctorCommand& command) { return node_doctor(session, command); }
Result<int> dispatch(const Session& session, const NodeInfoCommand& command) { return node_info(session, command); }
Result<int> dispatch(const Session& session, const NodeAddCommand& command) { return node_add(session, command); }
Result<int> dispatch(const Session& session, const NodeRemoveCommand& command) { return node_remove(session, command); }
Result<int> dispatch(const Session& session, const NodeDrainCommand& command) { return node_drain(session, command); }
Result<int> dispatch(const Session& session, const NodeCalibrateCommand& command) {
  return node_calibrate(session, command);
}
Result<int> dispatch(const Session& session, const PowerStatusCommand& command) {
  return power_status(session, command);
}
Result<int> dispatch(const Session& session, const PowerSwitchCommand& command) {
  return power_switch(session, command);
}
Result<int> dispatch(const Session& session, const PowerPauseCommand& command) { return power_pause(session, command); }
Result<int> dispatch(const Session& session, const PowerClearCommand& command) { return power_clear(session, command); }
Result<int> dispatch(const Session& session, const AuditCommand& command) { return audit(session, command); }
Result<int> dispatch(const Session& session, const QueryCommand& command) { return query(session, command); }
Result<int> dispatch(const Session& session, const CheckCommand& command) { return check(session, command); }
Result<int> dispatch(const Session& session, const EnergyCommand& command) { return energy(session, command); }
Result<int> dispatch(const Session& session, const LocalCommand& command) { return local(session.console, command); }

Result<int> dispatch(const Session& session, const TokenAddCommand& command) { return token_add(session, command); }
Result<int> dispatch(const Session& session, const TokenListCommand&) { return token_list(session); }
Result<int> dispatch(const Session& session, const TokenRemoveCommand& command) {
  return token_remove(session, command);
}

Result<int> dispatch(const Session& session, const HelpText& help) {
  if (auto status = session.console.print(help.text); !status) return tl::unexpected(status.error());
  return kGood;
}

// How long an aggregator that restarts is waited for by commands that do not wait for work anyway.
constexpr int64_t kRestartMs = 5'000;

// Of an aggregator that ended in its own way, no socket is left.
bool has_socket(const Endpoint& endpoint) {
  return !endpoint.socket_path.empty() && ::access(endpoint.socket_path.c_str(), F_OK) == 0;
}

bool waits_for_work(const Command& command) {
  if (const auto* job = std::get_if<SubmitCommand>(&command)) return !job->dry_run;
  if (const auto* cat = std::get_if<JobCatCommand>(&command)) return cat->follow;
  if (const auto* power = std::get_if<PowerSwitchCommand>(&command)) return power->wait;
  return std::holds_alternative<RunCommand>(command) || std::holds_alternative<MapCommand>(command) ||
         std::holds_alternative<CallCommand>(command) || std::holds_alternative<TrainCommand>(command) ||
         std::holds_alternative<InferCommand>(command) || std::holds_alternative<ExecCommand>(command) ||
         std::holds_alternative<JobWaitCommand>(command);
}

bool needs_aggregator(const Command& command) {
  return !std::holds_alternative<HelpText>(command) && !std::holds_alternative<LocalCommand>(command);
}

Result<int> run_line(const CommandLine& line, Console& console) {
  Endpoint endpoint;
  if (needs_aggregator(line.command)) {
    auto found = find_endpoint(line.common.endpoint);
    if (!found) return tl::unexpected(found.error());
    endpoint = std::move(*found);
  }
  const int64_t patience_ms = std::min(line.common.give_up_ms, kRestartMs);
  const bool waits = waits_for_work(line.command);
  Reconnect reconnect(console, waits ? line.common.give_up_ms : patience_ms, has_socket(endpoint), waits);
  const Session session{line.common, endpoint, console, reconnect};
  return std::visit([&](const auto& command) { return dispatch(session, command); }, line.command);
}

Result<int> parse_and_run(const std::vector<std::string>& args, Console& console) try {
  const auto line = parse_command_line(args);
  if (!line) return tl::unexpected(line.error());
  return run_line(*line, console);
} catch (const std::exception& unexpected) {
  return fail(ErrorCode::io, std::string("this should not happen: ") + unexpected.what());
}

// A monitor shows what stands on standard output.
int failed_check(Console& console, const Error& error) {
  const bool is_down = error.code == ErrorCode::unavailable;
  const std::string line = std::string("BRAMBLE ") + (is_down ? "CRITICAL" : "UNKNOWN") + " - " + error.message + "\n";
  (void)console.print(check_text(line, console.columns()));
  return is_down ? kCheckCritical : kCheckUnknown;
}

}  // namespace

int run_bramble(const std::vector<std::string>& args, Console& console) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that left is seen when writing: see Console::reader_gone()
  const auto status = parse_and_run(args, console);
  console.end_progress();
  if (status) return *status;
  if (console.reader_gone()) return kSignalBase + SIGPIPE;
  if (is_check(args)) return failed_check(console, status.error());
  console.say(status.error().message);
  return passes_status_on(args) ? kBrambleFailed : status_of(status.error());
}

}  // namespace bramble::cli
