// submit, run, exec and map.
#include <CLI/CLI.hpp>
#include <memory>

#include "aggregator/cli/option_tree.hpp"
#include "common/base/array_spec.hpp"
#include "common/base/node_set.hpp"
#include "common/base/size.hpp"

namespace bramble::cli {
namespace {

constexpr int64_t kMaxPriority = 1'000'000;
constexpr int64_t kMaxCpus = 1'024;
constexpr int64_t kMaxRetries = 1'000;
constexpr uint32_t kMaxPartitions = 64;  // the output of each is open while they are merged

Status take_loss_policy(const std::string& value, std::string& target) {
  if (value != "rerun" && value != "fence" && value != "fail") {
    return fail("'" + value + "' is none of rerun, fence, fail");
  }
  target = value;
  return {};
}

Status take_isolation(const std::string& value, std::string& target) {
  if (value != "none" && value != "sandbox") return fail("'" + value + "' is none of none, sandbox");
  target = value;
  return {};
}

// What the set means is the aggregator's to say; that it is one can be said here.
Status take_node_set(const std::string& value, std::string& target) {
  if (const auto set = parse_node_set(value); !set) return tl::unexpected(set.error());
  target = value;
  return {};
}

void add_environment(CLI::App& app, TaskOptions& task) {
  add_values(app, "--env", "NAME=VALUE", "a variable for the tasks; NAME: as it is here",
             [&task](const std::string& value) -> Status {
               auto variable = parse_env(value);
               if (!variable) return tl::unexpected(variable.error());
               task.env.push_back(std::move(*variable));
               return {};
             });
}

void add_isolation(CLI::App& app, TaskOptions& task) {
  add_value(app, "--isolate", "HOW", "none (default), or sandbox",
            [&task](const std::string& value) { return take_isolation(value, task.isolate); });
  add_flag(app, "--network", "let a sandbox reach the network", task.network);
}

void add_inputs(CLI::App& app, TaskOptions& task) {
  add_values(app, "--input", "FILE[=NAME]", "a file for tasks, or sha256:HASH=NAME; repeatable",
             [&task](const std::string& value) -> Status {
               auto input = parse_input(value);
               if (!input) return tl::unexpected(input.error());
               task.inputs.push_back(std::move(*input));
               return {};
             });
}

}  // namespace

Status check_task(const TaskOptions& task) {
  if (!task.network || task.isolate == "sandbox") return {};
  return fail("--network goes with --isolate sandbox; a task that is not isolated has the network anyway");
}

void add_task_options(CLI::App& app, TaskOptions& task) {
  add_text(app, "--name", "NAME", "what people shall call the job", task.name);
  add_number(app, "--priority", "higher runs first (0)", -kMaxPriority, kMaxPriority, task.priority);
  add_number(app, "--cpus", "cores that each task takes (1)", 1, kMaxCpus, task.cpus);
  add_size(app, "--memory", "memory that each task may use, as in 512M", task.memory_bytes);
  add_values(app, "--resource", "NAME=N", "further resources, as in gpu=1; repeatable",
             [&task](const std::string& value) -> Status {
               auto resource = parse_resource(value);
               if (!resource) return tl::unexpected(resource.error());
               task.resources.push_back(std::move(*resource));
               return {};
             });
  add_duration(app, "--time-limit", "a task is ended after this time, as in 10m", task.time_limit_ms);
  add_number(app, "--retries", "further tries after failures (0)", 0, kMaxRetries, task.retries);
  add_number(app, "--crash-limit", "node crashes until a task fails (3; 0: off)", 0, kMaxRetries, task.crash_limit);
  add_environment(app, task);
  add_value(app, "--on-node-loss", "HOW", "rerun elsewhere (default), fence, or fail",
            [&task](const std::string& value) { return take_loss_policy(value, task.on_node_loss); });
  add_value(app, "--on", "NODESET", "run on these nodes only, as in pi[01-04]",
            [&task](const std::string& value) { return take_node_set(value, task.on); });
  add_text(app, "--arch", "ARCH", "run on such nodes only, as in aarch64", task.arch);
  add_inputs(app, task);
  add_isolation(app, task);
}

namespace {

void declare_submit(OptionTree& tree) {
  auto command = std::make_shared<SubmitCommand>();
  CLI::App* app = add_command(tree.root, {"submit", "hand in a job and print its number", "[OPTION...] -- CMD [ARG...]",
                                          "  bramble submit -- make -C /srv/model\n"
                                          "  bramble submit --array 1-100:2%8 --wait -- sh -c 'sim $BRAMBLE_TASK_ID'\n"
                                          "  bramble submit --array 1-10 --dry-run -- echo hi"});
  add_value(*app, "--array", "A-B[:S][%N]", "tasks A to B in steps of S, N at once",
            [command](const std::string& value) -> Status {
              const auto array = parse_array_spec(value);
              if (!array) return tl::unexpected(array.error());
              command->array = *array;
              return {};
            });
  add_task_options(*app, command->task);
  add_text(*app, "--stdin-file", "FILE", "every task's standard input", command->stdin_file);
  add_flag(*app, "--wait", "wait for the job's end; status 1 if it failed", command->wait);
  add_flag(*app, "--progress", "the same, and show how far it is", command->progress);
  add_flag(*app, "--dry-run", "check everything and change nothing", command->dry_run);
  add_flag(*app, "--json", "print {\"job\": N}", tree.common.json);
  tree.leaves.push_back({app, Tail::required, [command](std::vector<std::string> tail) -> Result<Command> {
                           if (const Status good = check_task(command->task); !good)
                             return tl::unexpected(good.error());
                           command->task.argv = std::move(tail);
                           return *command;
                         }});
}

void declare_run(OptionTree& tree) {
  auto command = std::make_shared<RunCommand>();
  CLI::App* app =
      add_command(tree.root, {"run", "run one task, with its input and output here", "[OPTION...] -- CMD [ARG...]",
                              "  bramble run -- uname -a\n"
                              "  bramble run --cpus 2 --memory 512M -- ./render < scene > image\n"
                              "Ctrl-C cancels the task; a second one leaves at once."});
  add_task_options(*app, command->task);
  tree.leaves.push_back({app, Tail::required, [command](std::vector<std::string> tail) -> Result<Command> {
                           if (const Status good = check_task(command->task); !good)
                             return tl::unexpected(good.error());
                           command->task.argv = std::move(tail);
                           return *command;
                         }});
}

void declare_exec(OptionTree& tree) {
  auto command = std::make_shared<ExecCommand>();
  command->task.name = "exec";
  command->task.on_node_loss = "fail";  // once, and not twice
  CLI::App* app =
      add_command(tree.root, {"exec", "run a command once on each node of a set", "[OPTION...] NODESET -- CMD [ARG...]",
                              "  bramble exec all -- uptime\n"
                              "  bramble exec pi[01-04] -- df -h /\n"
                              "Each is a job of its own, and waits its turn where a node is busy. Status 0:\n"
                              "all succeeded; 1: not all. Ctrl-C cancels; a second one leaves at once."});
  add_nodes(*app, command->nodes);
  add_text(*app, "--name", "NAME", "what people shall call the jobs (exec)", command->task.name);
  add_duration(*app, "--time-limit", "a task is ended after this time, as in 10m", command->task.time_limit_ms);
  add_environment(*app, command->task);
  add_isolation(*app, command->task);
  tree.leaves.push_back({app, Tail::required, [command](std::vector<std::string> tail) -> Result<Command> {
                           if (command->nodes.empty()) return fail("name the nodes: all, or as in pi[01-04]");
                           if (const Status good = check_task(command->task); !good)
                             return tl::unexpected(good.error());
                           command->task.argv = std::move(tail);
                           return *command;
                         }});
}

Status take_split(const std::string& value, SplitRule& split) {
  const auto size = parse_size_bytes(value);
  if (!size) return tl::unexpected(size.error());
  if (*size < 1 || *size > kMaxPieceBytes) return fail("a piece has 1 byte to 64M, not '" + value + "'");
  split.bytes = static_cast<size_t>(*size);
  return {};
}

Status check_map(const MapCommand& command, const std::vector<std::string>& tail) {
  if (command.kernel.empty() && tail.empty()) return fail("name a command, after --, or a kernel: --kernel NAME");
  if (!command.kernel.empty() && !tail.empty()) return fail("give a command or --kernel, not both");
  if (command.by_key() && command.reduce.empty()) return fail("--combine and --partitions go with --reduce CMD");
  return {};
}

void declare_map(OptionTree& tree) {
  auto command = std::make_shared<MapCommand>();
  auto by_size = std::make_shared<bool>(false);
  CLI::App* app = add_command(
      tree.root, {"map", "run a command on each piece of an input", "[OPTION...] [INPUT...] [-- CMD [ARG...]]",
                  "  bramble map big.txt -- tr a-z A-Z > loud.txt\n"
                  "  bramble map --split 4M logs/*.log -- wc -l\n"
                  "  bramble map --kernel wordcount --combine tally --reduce tally big.txt\n"
                  "  seq 1 1000000 | bramble map --records 5000 --reduce 'paste -sd+ | bc' -- wc -l"});
  add_values(*app, "INPUT", "", "files; none, or -: standard input", [command](const std::string& value) -> Status {
    command->inputs.push_back(value);
    return {};
  });
  add_value(*app, "--split", "SIZE", "whole lines of about SIZE make a piece (1M)",
            [command, by_size](const std::string& value) {
              *by_size = true;
              return take_split(value, command->split);
            });
  add_number(*app, "--records", "so many lines make a piece", 1, int64_t{1} << 40, command->split.records);
  add_text(*app, "--kernel", "KERNEL", "instead of CMD: answers each piece as a call", command->kernel);
  add_text(*app, "--reduce", "CMD", "run CMD by sh -c once over all outputs", command->reduce);
  add_text(*app, "--combine", "CMD", "reduce key by key; CMD shrinks a piece before", command->combine);
  add_number(*app, "--partitions", "reduce key by key, in so many tasks", 1, kMaxPartitions, command->partitions);
  add_flag(*app, "--progress", "show how far it is", command->progress);
  add_task_options(*app, command->task);
  tree.leaves.push_back({app, Tail::optional, [command, by_size](std::vector<std::string> tail) -> Result<Command> {
                           if (*by_size && command->split.records > 0) {
                             return fail("choose one of --split and --records");
                           }
                           if (const Status good = check_task(command->task); !good)
                             return tl::unexpected(good.error());
                           if (const Status good = check_map(*command, tail); !good)
                             return tl::unexpected(good.error());
                           if (!command->kernel.empty()) command->kernel = kernel_path(command->kernel, command->task);
                           if (command->inputs.empty()) command->inputs.push_back("-");
                           command->task.argv = std::move(tail);
                           return *command;
                         }});
}

}  // namespace

void declare_work_commands(OptionTree& tree) {
  declare_submit(tree);
  declare_run(tree);
  declare_exec(tree);
  declare_map(tree);
  declare_call(tree);
  declare_learning(tree);
}

}  // namespace bramble::cli
