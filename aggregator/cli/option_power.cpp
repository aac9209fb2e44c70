// power, audit.
#include <CLI/CLI.hpp>
#include <memory>

#include "aggregator/cli/option_tree.hpp"
#include "common/base/duration.hpp"

namespace bramble::cli {
namespace {

constexpr int64_t kMaxAuditRows = 10'000;

template <typename Type>
void add_power_leaf(OptionTree& tree, CLI::App* app, std::shared_ptr<Type> command,
                    std::function<Status(const Type&)> check = {}) {
  tree.leaves.push_back({app, Tail::none, [command, check](const std::vector<std::string>&) -> Result<Command> {
                           if (check) {
                             if (Status status = check(*command); !status) return tl::unexpected(status.error());
                           }
                           return *command;
                         }});
}

Status need_nodes(const std::string& nodes) {
  if (nodes.empty()) return fail("which nodes? Name them, as in pi[01-04], or write all");
  return {};
}

void declare_status(OptionTree& tree, CLI::App& power) {
  auto command = std::make_shared<PowerStatusCommand>();
  CLI::App* app = add_command(power, {"status", "what power nodes have, who wants what of it", "[OPTION...] [NODES]",
                                      "  bramble power status\n"});
  add_nodes(*app, command->nodes);
  add_flag(*app, "--json", "an object with `nodes`", tree.common.json);
  add_power_leaf<PowerStatusCommand>(tree, app, command);
}

struct Switch {
  const char* to;
  const char* summary;
  const char* examples;
};

void declare_switch(OptionTree& tree, CLI::App& power, const Switch& what) {
  auto command = std::make_shared<PowerSwitchCommand>();
  command->to = what.to;
  auto asap = std::make_shared<bool>(false);
  auto force = std::make_shared<bool>(false);
  CLI::App* app = add_command(power, {what.to, what.summary, "[OPTION...] NODES --reason TEXT", what.examples});
  add_nodes(*app, command->nodes);
  if (command->to == "off" || command->to == "cycle") {
    add_flag(*app, "--asap", "give back what waits; what has begun ends first", *asap);
    add_flag(*app, "--force", "wait for no task", *force);
  }
  add_text(*app, "--reason", "TEXT", "why, for the audit log", command->reason);
  if (command->to != "auto") {
    add_flag(*app, "--wait", "until they are there; Ctrl-C ends the waiting only", command->wait);
    add_duration(*app, "--timeout", "wait for so long at most, then status 1", 1'000, kMaxDurationMs,
                 command->timeout_ms);
  }
  add_flag(*app, "--json", "an array of the nodes and what becomes of them", tree.common.json);
  tree.leaves.push_back({app, Tail::none, [command, asap, force](const std::vector<std::string>&) -> Result<Command> {
                           if (Status status = need_nodes(command->nodes); !status) {
                             return tl::unexpected(status.error());
                           }
                           if (command->reason.empty()) {
                             return fail("say why, for the audit log: --reason 'new card'");
                           }
                           if (*asap && *force) return fail("--asap or --force, not both");
                           if (command->timeout_ms > 0 && !command->wait) return fail("--timeout goes with --wait");
                           command->how = *force ? "force" : *asap ? "asap" : "clean";
                           return *command;
                         }});
}

void declare_pause(OptionTree& tree, CLI::App& power, bool pause) {
  auto command = std::make_shared<PowerPauseCommand>();
  command->pause = pause;
  CLI::App* app =
      add_command(power, pause ? CommandText{"pause", "nothing is switched but what people ask for", "[OPTION...]",
                                             "  bramble power pause --reason 'work on the shelf'"}
                               : CommandText{"resume", "recovery and saving go on", "[OPTION...]", ""});
  add_text(*app, "--reason", "TEXT", "why, for the audit log", command->reason);
  add_flag(*app, "--json", "an object with `paused`", tree.common.json);
  add_power_leaf<PowerPauseCommand>(tree, app, command);
}

void declare_clear(OptionTree& tree, CLI::App& power) {
  auto command = std::make_shared<PowerClearCommand>();
  CLI::App* app = add_command(power, {"clear", "a fault was seen to: look at the nodes' lines anew",
                                      "[OPTION...] NODES", "  bramble power clear pi03 --reason 'relay replaced'"});
  add_nodes(*app, command->nodes);
  add_text(*app, "--reason", "TEXT", "why, for the audit log", command->reason);
  add_flag(*app, "--json", "an array of the nodes' names", tree.common.json);
  add_power_leaf<PowerClearCommand>(tree, app, command,
                                    [](const PowerClearCommand& clear) { return need_nodes(clear.nodes); });
}

void declare_audit(OptionTree& tree) {
  auto command = std::make_shared<AuditCommand>();
  CLI::App* app =
      add_command(tree.root, {"audit", "who switched what and why, and what came of it", "[OPTION...] [NODES]",
                              "  bramble audit --since 1d\n  bramble audit pi03 --json | jq ."});
  add_nodes(*app, command->nodes);
  add_moment(*app, "--since", "90m (ago), or 2026-11-21 14:02 (all)", command->since_ms);
  add_number(*app, "--limit", "the newest N (1000)", 1, kMaxAuditRows, command->limit);
  add_flag(*app, "--json", "an array of entries", tree.common.json);
  add_power_leaf<AuditCommand>(tree, app, command);
}

}  // namespace

void declare_power(OptionTree& tree) {
  CLI::App* power = add_command(tree.root, {"power", "switch nodes on and off", "COMMAND ...", ""});
  declare_status(tree, *power);
  declare_switch(tree, *power, {"on", "give nodes power", "  bramble power on 'pi[01-04]' --reason 'exam week'"});
  declare_switch(
      tree, *power,
      {"off", "let nodes finish and shut down, then cut them off",
       "  bramble power off pi03 --reason 'new card'\n  bramble power off all --asap --reason 'thunderstorm'"});
  declare_switch(tree, *power,
                 {"cycle", "off, and on again", "  bramble power cycle pi03 --force --reason 'it hangs'"});
  declare_switch(tree, *power,
                 {"auto", "leave nodes to the automation again", "  bramble power auto all --reason 'exams are over'"});
  declare_pause(tree, *power, true);
  declare_pause(tree, *power, false);
  declare_clear(tree, *power);
  declare_audit(tree);
}

}  // namespace bramble::cli
