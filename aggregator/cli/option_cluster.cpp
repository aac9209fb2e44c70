// node list, info, doctor, drain, resume, calibrate; local.
#include <CLI/CLI.hpp>
#include <memory>

#include "aggregator/cli/option_tree.hpp"
#include "common/base/selector.hpp"
#include "common/wire/messages.hpp"

namespace bramble::cli {
namespace {

constexpr int64_t kMaxAgents = 64;
constexpr int64_t kMaxSlots = 1'024;

template <typename Type>
void add_node_leaf(OptionTree& tree, CLI::App* app, std::shared_ptr<Type> command, bool needs_nodes) {
  tree.leaves.push_back({app, Tail::none, [command, needs_nodes](const std::vector<std::string>&) -> Result<Command> {
                           if (needs_nodes && command->nodes.empty()) {
                             return fail("which nodes? Name them, as in pi[01-04], or write all");
                           }
                           return *command;
                         }});
}

void declare_node_list(OptionTree& tree, CLI::App& nodes) {
  auto command = std::make_shared<NodeListCommand>();
  CLI::App* app = add_command(nodes, {"list", "nodes with load and watts (~: modelled)", "[OPTION...] [NODES]",
                                      "  bramble node list\n  bramble node list 'pi[01-04]' --json | jq ."});
  add_nodes(*app, command->nodes);
  add_flag(*app, "--json", "an array of node objects", tree.common.json);
  add_node_leaf(tree, app, command, false);
}

void declare_node_info(OptionTree& tree, CLI::App& nodes) {
  auto command = std::make_shared<NodeInfoCommand>();
  CLI::App* app =
      add_command(nodes, {"info", "all that is known of nodes", "[OPTION...] NODES", "  bramble node info pi03"});
  add_nodes(*app, command->nodes);
  add_flag(*app, "--json", "an array of node objects", tree.common.json);
  add_node_leaf(tree, app, command, true);
}

void declare_node_doctor(OptionTree& tree, CLI::App& nodes) {
  auto command = std::make_shared<NodeDoctorCommand>();
  CLI::App* app =
      add_command(nodes, {"doctor", "what is amiss with nodes, their lines and the head", "[OPTION...] [NODES]",
                          "  bramble node doctor\n  bramble node doctor pi03 --all"});
  add_nodes(*app, command->nodes);
  add_flag(*app, "--all", "also what was found to be good", command->all);
  add_flag(*app, "--json", "an object with `head` and `nodes`", tree.common.json);
  add_node_leaf(tree, app, command, false);
}

void declare_node_drain(OptionTree& tree, CLI::App& nodes, bool drain) {
  auto command = std::make_shared<NodeDrainCommand>();
  command->drain = drain;
  CLI::App* app = add_command(
      nodes, drain ? CommandText{"drain", "give nodes no new tasks; those that run go on", "[OPTION...] NODES",
                                 "  bramble node drain 'pi[01-04]' --reason 'new card'"}
                   : CommandText{"resume", "give drained nodes tasks again", "[OPTION...] NODES",
                                 "  bramble node resume all"});
  add_nodes(*app, command->nodes);
  if (drain) add_text(*app, "--reason", "TEXT", "why, for those who look", command->reason);
  add_flag(*app, "--json", "an array of the nodes' names", tree.common.json);
  add_node_leaf(tree, app, command, true);
}

Result<Command> make_calibrate(const NodeCalibrateCommand& command) {
  if (command.nodes.empty()) return fail("which nodes? Name them, as in pi[01-04], or write all");
  const bool said = command.idle_w || command.busy_w;
  const int ways = (said ? 1 : 0) + (command.from.empty() ? 0 : 1) + (command.clear ? 1 : 0);
  if (ways != 1) return fail("give --idle-w and --busy-w, or --from a node with a meter, or --clear");
  if (said && !(command.idle_w && command.busy_w)) {
    return fail("give --idle-w and --busy-w both: what it draws at rest, and with all cores busy");
  }
  if (said && *command.idle_w > *command.busy_w) return fail("--busy-w must not be below --idle-w");
  if (said && *command.busy_w == 0) return fail("--busy-w must be more than 0: no node works without power");
  return command;
}

void add_watts(CLI::App& app, const char* flags, const char* help, std::optional<double>& target) {
  add_value(app, flags, "WATTS", help, [&target](const std::string& value) -> Status {
    const auto watts = parse_amount(value);
    if (!watts) return tl::unexpected(watts.error());
    if (*watts > wire::kMaxModelW) return fail("'" + value + "' is more than any such node draws");
    target = *watts;
    return {};
  });
}

void declare_node_calibrate(OptionTree& tree, CLI::App& nodes) {
  auto command = std::make_shared<NodeCalibrateCommand>();
  CLI::App* app = add_command(nodes, {"calibrate", "tell nodes without a meter what they draw", "[OPTION...] NODES",
                                      "  bramble node calibrate pi03 --idle-w 2.7 --busy-w 6.4\n"
                                      "  bramble node calibrate 'pi[02-08]' --from pi01    (as metered pi01)\n"
                                      "  bramble node calibrate pi03 --clear"});
  add_nodes(*app, command->nodes);
  add_watts(*app, "--idle-w", "what one draws at rest", command->idle_w);
  add_watts(*app, "--busy-w", "what one draws with all its cores busy", command->busy_w);
  add_value(*app, "--from", "NODE", "fit both to the readings of this metered node",
            [command](const std::string& value) -> Status {
              if (!is_valid_name(value)) return fail("'" + value + "' is not the name of a node");
              command->from = value;
              return {};
            });
  add_duration(*app, "--lookback", "its readings of so long (1d)", command->lookback_ms);
  add_flag(*app, "--clear", "go by the board's figures again", command->clear);
  add_flag(*app, "--json", "an array of the nodes' names", tree.common.json);
  tree.leaves.push_back(
      {app, Tail::none, [command](const std::vector<std::string>&) { return make_calibrate(*command); }});
}

void declare_local(OptionTree& tree) {
  auto command = std::make_shared<LocalCommand>();
  CLI::App* app =
      add_command(tree.root, {"local", "a whole cluster on this machine", "[OPTION...] [-- COMMAND [ARG...]]",
                              "  bramble local --agents 4 -- bramble run -- hostname\n"
                              "  bramble local --agents 2 -- sh -c 'seq 1000000 | bramble map -- wc -l'\n"
                              "  bramble local --agents 3 --dir ~/cluster    (until Ctrl-C)\n"
                              "  bramble local --config alerts.toml"});
  add_number(*app, "--agents", "nodes (2)", 1, kMaxAgents, command->agents);
  add_number(*app, "--slots", "cores of each (this machine's, shared out)", 1, kMaxSlots, command->slots);
  add_text(*app, "--dir", "DIR", "where its state is kept (else temporary)", command->dir);
  add_text(*app, "--config", "FILE", "more of aggregator.toml: alerts, tcp_listen...", command->config);
  add_value(*app, "--user", "NAME", "run tasks as this user (needs root)",
            [command](const std::string& name) -> Status {
              command->user = name;
              return name.empty() ? fail("--user needs a name") : Status();
            });
  tree.leaves.push_back({app, Tail::optional, [command](std::vector<std::string> tail) -> Result<Command> {
                           command->argv = std::move(tail);
                           return *command;
                         }});
}

}  // namespace

void declare_cluster_commands(OptionTree& tree) {
  CLI::App* nodes = add_command(tree.root, {"node", "list, look at, drain, add, remove nodes", "COMMAND ...", ""});
  declare_node_list(tree, *nodes);
  declare_node_doctor(tree, *nodes);
  declare_node_info(tree, *nodes);
  declare_node_drain(tree, *nodes, true);
  declare_node_drain(tree, *nodes, false);
  declare_node_calibrate(tree, *nodes);
  declare_node_add(tree, *nodes);
  declare_node_remove(tree, *nodes);
  declare_questions(tree);
  declare_power(tree);
  declare_tokens(tree);
  declare_local(tree);
}

}  // namespace bramble::cli
