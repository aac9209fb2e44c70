// The command line as values. parse_command_line() is all that knows CLI11.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "aggregator/cli/endpoint.hpp"
#include "aggregator/cli/splitter.hpp"
#include "common/base/array_spec.hpp"
#include "common/base/duration.hpp"
#include "common/base/ids.hpp"
#include "common/base/result.hpp"

namespace bramble::cli {

struct CommonOptions {
  EndpointOptions endpoint;
  int64_t give_up_ms = 60'000;  // how long an aggregator that went away is waited for
  bool json = false;
};

inline constexpr const char* kBlobPrefix = "sha256:";

// A file that tasks find in their directories under `name`.
struct InputOption {
  std::string path;  // here, or "sha256:..." of one that the aggregator has
  std::string name;

  bool operator==(const InputOption&) const = default;
};

// What submit, run, map and call have in common: how tasks are to be run.
struct TaskOptions {
  std::vector<std::string> argv;
  std::string name;
  int32_t priority = 0;
  uint32_t cpus = 1;
  uint64_t memory_bytes = 0;
  std::vector<std::pair<std::string, int64_t>> resources;
  int64_t time_limit_ms = 0;
  uint32_t retries = 0;
  uint32_t crash_limit = 3;
  std::vector<std::pair<std::string, std::string>> env;
  std::string on_node_loss = "rerun";
  std::string isolate = "none";
  bool network = false;
  std::string on;    // a node set; empty: any node
  std::string arch;  // empty: any
  std::vector<InputOption> inputs;
};

struct SubmitCommand {
  TaskOptions task;
  std::optional<ArraySpec> array;
  std::string stdin_file;
  bool wait = false;
  bool progress = false;
  bool dry_run = false;
};

struct RunCommand {
  TaskOptions task;
};

// On each node of the set, once.
struct ExecCommand {
  TaskOptions task;
  std::string nodes;
};

struct MapCommand {
  // With a combination or partitions the lines of all outputs are shuffled by key, and reduced key by key.
  bool by_key() const { return !combine.empty() || partitions > 0; }

  TaskOptions task;
  SplitRule split;
  std::vector<std::string> inputs;  // none: standard input, as "-"
  std::string reduce;
  std::string kernel;       // answers each piece as a call; empty: the command of the task runs on each
  std::string combine;      // a shell command
  uint32_t partitions = 0;  // of a shuffle; 0: one for each slot
  bool progress = false;
};

// What of the input is a call, and of the output a result.
enum class CallForm {
  whole,  // all of it
  lines,  // each line
  frames  // each frame: 4 bytes, low byte first, that say how long it is, and so many bytes
};

struct CallCommand {
  TaskOptions task;  // argv: the kernel and its arguments
  CallForm form = CallForm::whole;
  int64_t call_limit_ms = 60'000;
  int64_t idle_limit_ms = 60'000;
  uint32_t instances = 0;  // 0: as many as there are slots
  uint32_t call_retries = 0;
  bool progress = false;
};

struct TrainCommand {
  TaskOptions task;  // argv: the kernel
  std::string spec;
  std::string output;  // empty: SPEC.model, in the current folder
  JobId resume = 0;    // goes on from this job's checkpoint; 0: from the file beside the model, if there is one
};

struct InferCommand {
  TaskOptions task;  // argv: the kernel
  std::string model;
  std::string input;
  std::string labels;
  std::optional<bool> header;  // of a CSV; nothing: as the model learned it
  bool summary = false;
};

struct JobListCommand {
  std::string selector;
  std::string owner;
  int64_t limit = 0;       // 0: the API's own
  std::string state = {};  // empty: any
};

struct JobInfoCommand {
  std::string selector;
};

struct JobWaitCommand {
  std::string selector;
  bool progress = false;
};

struct JobCancelCommand {
  std::string selector;
};

struct JobPlace {
  std::string selector;
  std::optional<TaskIndex> task;  // of each job that is selected; none: the jobs as a whole
};

struct JobCatCommand {
  std::vector<JobPlace> places;
  bool standard_error = false;
  bool follow = false;
  bool frames = false;
};

struct JobRetryCommand {
  std::string selector;
  bool failed = false;  // the default, to be said where it should be plain
  bool all = false;
};

struct JobForgetCommand {
  std::string selector;
};

struct JobExplainCommand {
  std::vector<JobPlace> places;
};

struct NodeListCommand {
  std::string nodes;  // a node set; empty or "all": all
};

struct NodeDoctorCommand {
  std::string nodes;  // empty: all
  bool all = false;   // also what is good
};

struct NodeInfoCommand {
  std::string nodes;
};

struct NodeDrainCommand {
  std::string nodes;
  std::string reason;
  bool drain = true;  // false: resume
};

struct NodeAddCommand {
  std::string nodes;
  std::string output;  // empty: NAME.join, or standard output where that is no terminal
  bool replace = false;
};

struct NodeRemoveCommand {
  std::string nodes;
  std::string reason;
  bool force = false;
};

// A model that was said, one that is fitted from a node with a meter, or none: as the board.
struct NodeCalibrateCommand {
  std::string nodes;
  std::optional<double> idle_w;
  std::optional<double> busy_w;
  std::string from;              // a node with a meter
  int64_t lookback_ms = kDayMs;  // its readings of so long
  bool clear = false;
};

// Either SQL, or one or more metrics, or the list of tables.
struct QueryCommand {
  std::string sql;
  std::string metric;  // a list with commas
  std::string nodes = "all";
  int64_t since_ms = 0;  // Unix milliseconds
  int64_t until_ms = 0;
  int64_t step_ms = 60'000;  // unless said, finer where the time is short
  std::string aggregate;     // empty: rate of a counter, mean of a gauge
  bool tables = false;
  std::string format = "table";
  int64_t max_rows = 10'000;
  int64_t time_limit_ms = 10'000;
};

// "80:90": the values from which on it is a warning, and critical. Absent: not looked at.
struct CheckLimits {
  double warning = 0;
  double critical = 0;
};

struct CheckCommand {
  std::string nodes;  // a node set; empty or "all": all
  std::optional<CheckLimits> temperature_celsius = CheckLimits{75, 82};
  std::optional<CheckLimits> disk_used_ratio = CheckLimits{0.9, 0.97};
  std::optional<CheckLimits> power_w;  // of all nodes that were named
};

struct EnergyCommand {
  std::string by = "node";
  std::string nodes = "all";
  std::string jobs;  // a selector
  int64_t since_ms = 0;
  int64_t until_ms = 0;
  std::optional<double> price;  // of a kilowatt-hour
  int64_t time_limit_ms = 10'000;
  std::string format = "table";
};

struct PowerStatusCommand {
  std::string nodes;  // a node set; empty or "all": all
};

struct PowerSwitchCommand {
  std::string nodes;
  std::string to;   // on, off, cycle
  std::string how;  // clean, asap, force
  std::string reason;
  bool wait = false;       // until the nodes are there
  int64_t timeout_ms = 0;  // for so long at most; 0: for as long as it takes
};

struct PowerPauseCommand {
  bool pause = true;  // false: resume
  std::string reason;
};

struct PowerClearCommand {
  std::string nodes;
  std::string reason;
};

struct AuditCommand {
  std::string nodes;  // empty or "all": all, and what concerns none
  int64_t since_ms = 0;
  uint32_t limit = 1'000;
};

struct TokenAddCommand {
  std::string name;
  std::string role;
  std::string owner;        // empty: who asks
  int64_t lifetime_ms = 0;  // 0: for ever
};

struct TokenListCommand {};

struct TokenRemoveCommand {
  std::string name;
};

struct LocalCommand {
  uint32_t agents = 2;
  uint32_t slots = 0;  // of each agent; 0: its share of the cores, at least 1
  std::string dir;     // empty: a temporary one
  std::string config;  // more lines for the aggregator's configuration; empty: none
  std::string user;    // as whom tasks run, of root's cluster; empty: as whoever starts it
  std::vector<std::string> argv;
};

struct HelpText {
  std::string text;
};

using Command =
    std::variant<HelpText, SubmitCommand, RunCommand, ExecCommand, MapCommand, CallCommand, TrainCommand, InferCommand,
                 JobListCommand, JobInfoCommand, JobWaitCommand, JobCancelCommand, JobCatCommand, JobExplainCommand,
                 JobRetryCommand, JobForgetCommand, NodeListCommand, NodeInfoCommand, NodeDoctorCommand,
                 NodeDrainCommand, NodeAddCommand, NodeRemoveCommand, NodeCalibrateCommand, QueryCommand, CheckCommand,
                 EnergyCommand, PowerStatusCommand, PowerSwitchCommand, PowerPauseCommand, PowerClearCommand,
                 AuditCommand, LocalCommand, TokenAddCommand, TokenListCommand, TokenRemoveCommand>;

struct CommandLine {
  CommonOptions common;
  Command command;
};

// args: without the program's name. An error is one sentence that says what to write instead.
Result<CommandLine> parse_command_line(const std::vector<std::string>& args);

// Does this command line return its command's own status (run, local), so that bramble's failures are 255? Answered
// for wrong command lines too.
bool passes_status_on(const std::vector<std::string>& args);

// Is this a command line of `check`, whose statuses are Nagios' own?
bool is_check(const std::vector<std::string>& args);

// "gpu=1"; the name must be one and the number 1 or more.
Result<std::pair<std::string, int64_t>> parse_resource(std::string_view text);

// "12", "last.7": a selector, and the index of a task behind the last dot.
Result<JobPlace> parse_job_place(const std::string& text);

// "FILE", or "FILE=NAME"; the name must be one for an input file.
Result<InputOption> parse_input(std::string_view text);

// "KEY=VALUE", or "KEY": its value in this command's own environment.
Result<std::pair<std::string, std::string>> parse_env(std::string_view text);

}  // namespace bramble::cli
