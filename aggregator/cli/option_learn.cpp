// train and infer.
#include <CLI/CLI.hpp>
#include <limits>
#include <memory>

#include "aggregator/cli/option_tree.hpp"

namespace bramble::cli {
namespace {

constexpr const char* kKernel = "mlp";

// The files that the kernels need are laid there anyway, and they read no others.
Status check_learning(const TaskOptions& task) {
  if (!task.inputs.empty()) return fail("train and infer take no --input: they bring the nodes what they need");
  return check_task(task);
}

void declare_train(OptionTree& tree) {
  auto command = std::make_shared<TrainCommand>();
  CLI::App* app =
      add_command(tree.root, {"train", "train a neural network on all nodes", "[OPTION...] SPEC.toml",
                              "  bramble train digits.toml\n"
                              "  bramble train digits.toml --output digits.model --json\n"
                              "  bramble train digits.toml --resume 12\n"
                              "Stopped, it goes on from MODEL.checkpoint when it is said again. The job of\n"
                              "--resume is cancelled.\n"
                              "What SPEC.toml holds stands in aggregator/cli/LEARNING.md, installed as\n"
                              "/usr/share/doc/bramble/LEARNING.md.gz."});
  add_text(*app, "SPEC", "", "a TOML file: data, layers, how to train", command->spec);
  add_text(*app, "--output", "MODEL", "where the model goes (SPEC.model, here)", command->output);
  add_number(*app, "--resume", "go on from the checkpoint of this job", 1, std::numeric_limits<int64_t>::max(),
             command->resume);
  add_flag(*app, "--json", "an object for each epoch, a line each", tree.common.json);
  add_task_options(*app, command->task);
  tree.leaves.push_back({app, Tail::none, [command](const std::vector<std::string>&) -> Result<Command> {
                           if (command->spec.empty()) return fail("name a spec: bramble train SPEC.toml");
                           command->task.argv = {kKernel};
                           if (const Status good = check_learning(command->task); !good)
                             return tl::unexpected(good.error());
                           return *command;
                         }});
}

void declare_infer(OptionTree& tree) {
  auto command = std::make_shared<InferCommand>();
  auto header = std::make_shared<bool>(false), no_header = std::make_shared<bool>(false);
  CLI::App* app =
      add_command(tree.root, {"infer", "have a trained network answer rows or images", "[OPTION...] MODEL INPUT",
                              "  bramble infer digits.model new.csv > answers.tsv\n"
                              "  bramble infer mnist.model t10k-images --labels t10k-labels --summary"});
  add_text(*app, "MODEL", "", "what bramble train has made", command->model);
  add_text(*app, "INPUT", "", "rows as the model learned them, or images", command->input);
  add_text(*app, "--labels", "FILE", "the labels of images (IDX)", command->labels);
  add_flag(*app, "--header", "line 1 of the CSV has names (as when it learned)", *header);
  add_flag(*app, "--no-header", "line 1 of the CSV is a row", *no_header);
  add_flag(*app, "--summary", "show accuracy and confusion matrix alone", command->summary);
  add_flag(*app, "--json", "an object for each row, or of the summary", tree.common.json);
  add_task_options(*app, command->task);
  tree.leaves.push_back(
      {app, Tail::none, [command, header, no_header](const std::vector<std::string>&) -> Result<Command> {
         if (command->model.empty() || command->input.empty()) {
           return fail("name a model and its input: bramble infer MODEL INPUT");
         }
         if (*header && *no_header) return fail("--header and --no-header exclude each other");
         if (*header || *no_header) command->header = *header;
         command->task.argv = {kKernel};
         if (const Status good = check_learning(command->task); !good) return tl::unexpected(good.error());
         return *command;
       }});
}

}  // namespace

void declare_learning(OptionTree& tree) {
  declare_train(tree);
  declare_infer(tree);
}

}  // namespace bramble::cli
