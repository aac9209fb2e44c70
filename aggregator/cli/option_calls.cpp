// call.
#include <CLI/CLI.hpp>
#include <memory>

#include "aggregator/cli/option_tree.hpp"
#include "common/wire/messages.hpp"

namespace bramble::cli {
namespace {

constexpr uint32_t kMaxInstances = 1'000'000;

}  // namespace

void declare_call(OptionTree& tree) {
  auto command = std::make_shared<CallCommand>();
  auto kernel = std::make_shared<std::string>();
  CLI::App* app =
      add_command(tree.root, {"call", "have calls answered by processes that stay", "[OPTION...] KERNEL [-- ARG...]",
                              "  bramble call wordcount < big.txt\n"
                              "  seq 1 1000 | sed 's/$/ 1000000/' | bramble call montecarlo --each-line\n"
                              "  bramble call --each-line /srv/kernel.py -- --fast < calls.txt > results.txt\n"
                              "Without either all of the input is one call. Lengths have their low byte first.\n"
                              "A call that failed leaves an empty line or frame, so that results stay beside\n"
                              "their calls; what failed is told, and the status is then 1.\n"
                              "Every node has the kernels wordcount, montecarlo, matmul, mapreduce and mlp.\n"
                              "What they take, and how to write one, stands in agent/kernels/README.md,\n"
                              "installed on nodes as /usr/share/doc/bramble-agent/KERNELS.md.gz."});
  add_text(*app, "KERNEL", "", "what answers calls: a name or a path on the nodes", *kernel);
  auto each_line = std::make_shared<bool>(false);
  auto each_frame = std::make_shared<bool>(false);
  add_flag(*app, "--each-line", "a call of each line, and a line of each result", *each_line);
  add_flag(*app, "--each-frame", "a call of each frame: 4 bytes of length, then data", *each_frame);
  add_duration(*app, "--call-limit", "a call fails that takes longer (60s; 0: never)", command->call_limit_ms);
  add_duration(*app, "--idle-limit", "ends a process without calls for so long (60s)", 0, wire::kMaxIdleMs,
               command->idle_limit_ms);
  add_number(*app, "--instances", "at most so many at once (one for each slot)", 1, kMaxInstances, command->instances);
  add_number(*app, "--call-retries", "more tries of a call in which the kernel died (0)", 0, wire::kMaxCallRetries,
             command->call_retries);
  add_flag(*app, "--progress", "show how far it is", command->progress);
  add_task_options(*app, command->task);
  tree.leaves.push_back({app, Tail::optional, [=](std::vector<std::string> tail) -> Result<Command> {
                           if (kernel->empty() && tail.empty()) {
                             return fail("name a kernel: bramble call KERNEL < input");
                           }
                           if (kernel->empty()) {  // as `run` has its command
                             *kernel = std::move(tail.front());
                             tail.erase(tail.begin());
                           }
                           if (*each_line && *each_frame) return fail("give one of --each-line and --each-frame");
                           if (*each_line) command->form = CallForm::lines;
                           if (*each_frame) command->form = CallForm::frames;
                           if (const Status good = check_task(command->task); !good)
                             return tl::unexpected(good.error());
                           tail.insert(tail.begin(), kernel_path(*kernel, command->task));
                           command->task.argv = std::move(tail);
                           return *command;
                         }});
}

}  // namespace bramble::cli
