// What the commands do. Each returns the exit status, or an error that main tells and turns into one.
#pragma once

#include "aggregator/cli/api.hpp"
#include "aggregator/cli/console.hpp"
#include "aggregator/cli/exit_status.hpp"
#include "aggregator/cli/options.hpp"
#include "aggregator/cli/reconnect.hpp"

namespace bramble::cli {

// What a command runs with. `reconnect` is shared by all connections that it opens.
struct Session {
  const CommonOptions& common;
  const Endpoint& endpoint;
  Console& console;
  Reconnect& reconnect;

  Api connect() const { return Api(endpoint, reconnect); }

  // For a job that has failed or was interrupted, over a connection of its own; 0: none was made yet. Where that fails,
  // too, nothing more is said: what can be said was said.
  void cancel(JobId job) const {
    reconnect.stop_waiting_for_room();
    if (job != 0) static_cast<void>(connect().cancel(job));
  }
};

// The text on standard output, and the status of success.
inline Result<int> printed(const Session& session, const std::string& text) {
  if (auto status = session.console.print(text); !status) return tl::unexpected(status.error());
  return kGood;
}

Result<int> submit(const Session& session, const SubmitCommand& command);
Result<int> run(const Session& session, const RunCommand& command);
Result<int> exec(const Session& session, const ExecCommand& command);
Result<int> map(const Session& session, const MapCommand& command);
Result<int> call(const Session& session, const CallCommand& command);
Result<int> train(const Session& session, const TrainCommand& command);
Result<int> infer(const Session& session, const InferCommand& command);
Result<int> job_list(const Session& session, const JobListCommand& command);
Result<int> job_info(const Session& session, const JobInfoCommand& command);
Result<int> job_wait(const Session& session, const JobWaitCommand& command);
Result<int> job_cancel(const Session& session, const JobCancelCommand& command);
Result<int> job_cat(const Session& session, const JobCatCommand& command);
Result<int> job_explain(const Session& session, const JobExplainCommand& command);
Result<int> job_retry(const Session& session, const JobRetryCommand& command);
Result<int> job_forget(const Session& session, const JobForgetCommand& command);
Result<int> node_list(const Session& session, const NodeListCommand& command);
Result<int> node_doctor(const Session& session, const NodeDoctorCommand& command);
Result<int> node_info(const Session& session, const NodeInfoCommand& command);
Result<int> node_add(const Session& session, const NodeAddCommand& command);
Result<int> node_remove(const Session& session, const NodeRemoveCommand& command);
Result<int> node_drain(const Session& session, const NodeDrainCommand& command);
Result<int> node_calibrate(const Session& session, const NodeCalibrateCommand& command);
Result<int> power_status(const Session& session, const PowerStatusCommand& command);
Result<int> power_switch(const Session& session, const PowerSwitchCommand& command);
Result<int> power_pause(const Session& session, const PowerPauseCommand& command);
Result<int> power_clear(const Session& session, const PowerClearCommand& command);
Result<int> audit(const Session& session, const AuditCommand& command);
Result<int> query(const Session& session, const QueryCommand& command);
Result<int> energy(const Session& session, const EnergyCommand& command);

Result<int> token_add(const Session& session, const TokenAddCommand& command);
Result<int> token_list(const Session& session);
Result<int> token_remove(const Session& session, const TokenRemoveCommand& command);

Result<int> check(const Session& session, const CheckCommand& command);

// Starts its own aggregator, so it takes no session.
Result<int> local(Console& console, const LocalCommand& command);

}  // namespace bramble::cli
