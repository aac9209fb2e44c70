// job list, info, wait, cancel, cat, explain, retry, forget.
#include <CLI/CLI.hpp>
#include <limits>
#include <memory>

#include "aggregator/cli/option_tree.hpp"
#include "common/base/selector.hpp"

namespace bramble::cli {
namespace {

constexpr int64_t kMaxTaskIndex = std::numeric_limits<TaskIndex>::max();

// Only its form is looked at here: which jobs there are, the aggregator knows.
void add_selector(CLI::App& app, std::string& target) {
  add_values(app, "SELECTOR", "", "12, 3-7, last, all, or several of these",
             [&target](const std::string& value) -> Status {
               const auto selector = parse_job_selector(value);
               if (!selector) return tl::unexpected(selector.error());
               target += (target.empty() ? "" : ",") + value;
               return {};
             });
}

void add_places(CLI::App& app, std::vector<JobPlace>& places) {
  add_values(app, "SELECTOR", "", "12, 3-7, last, all; with .TASK: that task of it",
             [&places](const std::string& value) -> Status {
               auto place = parse_job_place(value);
               if (!place) return tl::unexpected(place.error());
               places.push_back(std::move(*place));
               return {};
             });
}

template <typename Type>
void add_job_leaf(OptionTree& tree, CLI::App* app, std::shared_ptr<Type> command, bool needs_selector) {
  tree.leaves.push_back(
      {app, Tail::none, [command, needs_selector](const std::vector<std::string>&) -> Result<Command> {
         if (needs_selector && command->selector.empty()) {
           return fail("which job? Give a SELECTOR: 12, 3-7, last or all");
         }
         return *command;
       }});
}

void declare_list(OptionTree& tree, CLI::App& jobs) {
  auto command = std::make_shared<JobListCommand>();
  CLI::App* app = add_command(jobs, {"list", "jobs, by number", "[OPTION...] [SELECTOR]",
                                     "  bramble job list\n  bramble job list --state failed\n"
                                     "  bramble job list --owner anna --json | jq ."});
  add_selector(*app, command->selector);
  add_text(*app, "--owner", "NAME", "only this person's jobs", command->owner);
  add_text(*app, "--state", "STATE", "waiting, running, succeeded, failed, cancelled", command->state);
  add_number(*app, "--limit", "at most N jobs", 1, 1'000'000, command->limit);
  add_flag(*app, "--json", "an array of job objects", tree.common.json);
  add_job_leaf(tree, app, command, false);
}

void declare_info(OptionTree& tree, CLI::App& jobs) {
  auto command = std::make_shared<JobInfoCommand>();
  CLI::App* app = add_command(jobs, {"info", "jobs with every try of their tasks", "[OPTION...] SELECTOR",
                                     "  bramble job info last\n  bramble job info 3-7 --json | jq '.[].tasks'"});
  add_selector(*app, command->selector);
  add_flag(*app, "--json", "an array of job objects, with task_list", tree.common.json);
  add_job_leaf(tree, app, command, true);
}

void declare_wait(OptionTree& tree, CLI::App& jobs) {
  auto command = std::make_shared<JobWaitCommand>();
  CLI::App* app = add_command(jobs, {"wait", "wait for the end of jobs; status 1 if one failed", "[OPTION...] SELECTOR",
                                     "  bramble job wait last --progress"});
  add_selector(*app, command->selector);
  add_flag(*app, "--progress", "show how far it is", command->progress);
  add_job_leaf(tree, app, command, true);
}

void declare_cancel(OptionTree& tree, CLI::App& jobs) {
  auto command = std::make_shared<JobCancelCommand>();
  CLI::App* app = add_command(jobs, {"cancel", "end jobs; those that have ended are passed over",
                                     "[OPTION...] SELECTOR", "  bramble job cancel 12\n  bramble job cancel all"});
  add_selector(*app, command->selector);
  add_flag(*app, "--json", "an array of the numbers of cancelled jobs", tree.common.json);
  add_job_leaf(tree, app, command, true);
}

void declare_cat(OptionTree& tree, CLI::App& jobs) {
  auto command = std::make_shared<JobCatCommand>();
  CLI::App* app =
      add_command(jobs, {"cat", "print what tasks wrote; of calls the results", "[OPTION...] SELECTOR[.TASK]",
                         "  bramble job cat 12.7 --stderr\n  bramble job cat last --follow\n"
                         "A call without an answer has an empty line. The status is 1 where results of\n"
                         "calls are printed and one failed or has no answer for good; how other tasks\n"
                         "ended does not change it: bramble job wait tells."});
  add_places(*app, command->places);
  add_flag(*app, "--stderr", "their standard error instead", command->standard_error);
  add_flag(*app, "--follow", "go on until all tasks have ended", command->follow);
  add_flag(*app, "--frames", "of calls the frames of their replies, as they are", command->frames);
  auto task = std::make_shared<std::optional<TaskIndex>>();
  add_value(*app, "--task", "N", "only the task with this index", [task](const std::string& value) -> Status {
    const auto index = parse_number(value, 0, kMaxTaskIndex);
    if (!index) return tl::unexpected(index.error());
    *task = static_cast<TaskIndex>(*index);
    return {};
  });
  tree.leaves.push_back({app, Tail::none, [command, task](const std::vector<std::string>&) -> Result<Command> {
                           if (command->places.empty()) return fail("which job? Give a SELECTOR: 12, last, or 12.7");
                           if (!*task) return *command;
                           JobCatCommand cat = *command;
                           for (JobPlace& place : cat.places) {
                             if (place.task) return fail("JOB.TASK or --task N, not both");
                             place.task = *task;
                           }
                           return cat;
                         }});
}

void declare_retry(OptionTree& tree, CLI::App& jobs) {
  auto command = std::make_shared<JobRetryCommand>();
  CLI::App* app = add_command(jobs, {"retry", "run tasks that failed or were cancelled again", "[OPTION...] SELECTOR",
                                     "  bramble job retry last\n  bramble job retry 12 --all"});
  add_selector(*app, command->selector);
  add_flag(*app, "--failed", "those that failed or were cancelled (default)", command->failed);
  add_flag(*app, "--all", "those that succeeded, too; their output is dropped", command->all);
  add_flag(*app, "--json", "an array of {job, tasks}", tree.common.json);
  tree.leaves.push_back({app, Tail::none, [command](const std::vector<std::string>&) -> Result<Command> {
                           if (command->selector.empty()) return fail("which job? Give a SELECTOR: 12, 3-7 or last");
                           if (command->failed && command->all) return fail("--failed or --all, not both");
                           return *command;
                         }});
}

void declare_forget(OptionTree& tree, CLI::App& jobs) {
  auto command = std::make_shared<JobForgetCommand>();
  CLI::App* app = add_command(jobs, {"forget", "remove jobs that have ended, with their files", "[OPTION...] SELECTOR",
                                     "  bramble job forget 3-7\n  bramble job forget all"});
  add_selector(*app, command->selector);
  add_flag(*app, "--json", "an array of the numbers of forgotten jobs", tree.common.json);
  add_job_leaf(tree, app, command, true);
}

void declare_explain(OptionTree& tree, CLI::App& jobs) {
  auto command = std::make_shared<JobExplainCommand>();
  CLI::App* app =
      add_command(jobs, {"explain", "why tasks are not done yet, or how they ended", "[OPTION...] SELECTOR[.TASK]",
                         "  bramble job explain last\n  bramble job explain 12.7"});
  add_places(*app, command->places);
  add_flag(*app, "--json", "an array of objects with their reasons", tree.common.json);
  tree.leaves.push_back({app, Tail::none, [command](const std::vector<std::string>&) -> Result<Command> {
                           if (command->places.empty()) return fail("which job? Give a SELECTOR: 12, last, or 12.7");
                           return *command;
                         }});
}

}  // namespace

void declare_job_commands(OptionTree& tree) {
  CLI::App* jobs =
      add_command(tree.root, {"job", "list, explain, await, cancel, retry, forget jobs", "COMMAND ...", ""});
  declare_list(tree, *jobs);
  declare_info(tree, *jobs);
  declare_wait(tree, *jobs);
  declare_cancel(tree, *jobs);
  declare_cat(tree, *jobs);
  declare_explain(tree, *jobs);
  declare_retry(tree, *jobs);
  declare_forget(tree, *jobs);
}

}  // namespace bramble::cli
