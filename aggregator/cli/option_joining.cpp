// node add, node remove.
#include <CLI/CLI.hpp>
#include <memory>

#include "aggregator/cli/option_tree.hpp"

namespace bramble::cli {

void declare_node_add(OptionTree& tree, CLI::App& nodes) {
  auto command = std::make_shared<NodeAddCommand>();
  CLI::App* app =
      add_command(nodes, {"add", "make keys and certificates for new nodes", "[OPTION...] NODES",
                          "  bramble node add pi07       (writes pi07.join, for bramble-agent --join there)\n"
                          "  bramble node add pi07 | ssh root@pi07 bramble-agent --join -\n"
                          "  bramble node add 'pi[01-20]' --output joins"});
  add_nodes(*app, command->nodes);
  add_text(*app, "--output", "FILE", "where to; of several a folder; - is stdout", command->output);
  add_flag(*app, "--replace", "one that it has already is revoked", command->replace);
  add_flag(*app, "--json", "an array of what was made", tree.common.json);
  tree.leaves.push_back({app, Tail::none, [command](const std::vector<std::string>&) -> Result<Command> {
                           if (command->nodes.empty()) return fail("which node? Name it, as in: bramble node add pi07");
                           return *command;
                         }});
}

void declare_node_remove(OptionTree& tree, CLI::App& nodes) {
  auto command = std::make_shared<NodeRemoveCommand>();
  CLI::App* app = add_command(nodes, {"remove", "forget nodes and revoke their certificates", "[OPTION...] NODES",
                                      "  bramble node drain pi07 && bramble node remove pi07 --reason 'sold'"});
  add_nodes(*app, command->nodes);
  add_text(*app, "--reason", "TEXT", "why, for the audit log", command->reason);
  add_flag(*app, "--force", "though it has tasks: they run elsewhere", command->force);
  add_flag(*app, "--json", "an array of the nodes' names", tree.common.json);
  tree.leaves.push_back({app, Tail::none, [command](const std::vector<std::string>&) -> Result<Command> {
                           if (command->nodes.empty()) return fail("which nodes? Name them, as in pi[01-04]");
                           return *command;
                         }});
}

}  // namespace bramble::cli
