// The tree of commands as CLI11 sees it. Shared by the files that declare commands; not part of the public interface.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "aggregator/cli/options.hpp"

namespace CLI {
class App;
}

namespace bramble::cli {

// What may stand behind "--".
enum class Tail { none, optional, required };

struct Leaf {
  CLI::App* app;
  Tail tail;
  std::function<Result<Command>(std::vector<std::string> tail)> make;
};

struct OptionTree {
  CLI::App& root;
  CommonOptions& common;
  std::vector<Leaf> leaves;
};

struct CommandText {
  const char* name;
  const char* summary;
  const char* usage;     // behind the command's name
  const char* examples;  // whole lines
};

using TakeValue = std::function<Status(const std::string& value)>;

CLI::App* add_command(CLI::App& parent, const CommandText& text);

// `kind` names the value in the help ("N"). A value that `take` refuses is a usage error that names the option.
void add_value(CLI::App& app, const char* flags, const char* kind, const char* help, TakeValue take);
void add_values(CLI::App& app, const char* flags, const char* kind, const char* help, TakeValue take);  // repeatable
void add_text(CLI::App& app, const char* flags, const char* kind, const char* help, std::string& target);
void add_nodes(CLI::App& app, std::string& target);  // a node set, by its place
void add_moment(CLI::App& app, const char* flags, const char* help, int64_t& target_ms);
void add_flag(CLI::App& app, const char* flags, const char* help, bool& target);
void add_duration(CLI::App& app, const char* flags, const char* help, int64_t& target_ms);
void add_duration(CLI::App& app, const char* flags, const char* help, int64_t least_ms, int64_t most_ms,
                  int64_t& target_ms);
void add_size(CLI::App& app, const char* flags, const char* help, uint64_t& target_bytes);

Result<double> parse_amount(std::string_view text);  // from 0 to 1e9
Result<int64_t> parse_number(const std::string& text, int64_t least, int64_t most);

template <typename Number>
void add_number(CLI::App& app, const char* flags, const char* help, int64_t least, int64_t most, Number& target) {
  add_value(app, flags, "N", help, [=, &target](const std::string& text) -> Status {
    const auto number = parse_number(text, least, most);
    if (!number) return tl::unexpected(number.error());
    target = static_cast<Number>(*number);
    return {};
  });
}

// How tasks are to be run: what submit, run, map and call have in common.
void add_task_options(CLI::App& app, TaskOptions& task);
Status check_task(const TaskOptions& task);

// A name of a kernel is looked for on each node; of a path the whole is needed there, but of one that goes along as an
// input of that name.
std::string kernel_path(const std::string& kernel, const TaskOptions& task);

void declare_work_commands(OptionTree& tree);  // submit, run, exec, map
void declare_call(OptionTree& tree);
void declare_learning(OptionTree& tree);  // train, infer
void declare_job_commands(OptionTree& tree);
void declare_check(OptionTree& tree);
void declare_cluster_commands(OptionTree& tree);  // node, local
void declare_node_add(OptionTree& tree, CLI::App& nodes);
void declare_node_remove(OptionTree& tree, CLI::App& nodes);
void declare_questions(OptionTree& tree);  // query, energy
void declare_power(OptionTree& tree);      // power, audit
void declare_tokens(OptionTree& tree);

}  // namespace bramble::cli
