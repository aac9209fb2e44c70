// token add, list, remove.
#include <CLI/CLI.hpp>
#include <memory>

#include "aggregator/cli/option_tree.hpp"

namespace bramble::cli {
namespace {

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kMaxLifetimeMs = int64_t{3660} * 24 * 3600 * 1000;

void add_token_name(CLI::App& app, std::string& target) {
  add_value(app, "NAME", "", "what the token is called", [&target](const std::string& value) -> Status {
    if (!is_valid_name(value)) return fail("'" + value + "' is not a name (letters, digits, '-', '_', '.')");
    target = value;
    return {};
  });
}

Result<Command> make_add(const TokenAddCommand& command) {
  if (command.name.empty()) return fail("what shall it be called? As in: bramble token add ci --role submitter");
  if (command.role.empty()) return fail("how far shall it go? --role viewer, submitter or operator");
  return command;
}

void declare_add(OptionTree& tree, CLI::App& tokens) {
  auto command = std::make_shared<TokenAddCommand>();
  CLI::App* app = add_command(tokens, {"add", "make a token and print it, this once", "[OPTION...] NAME --role ROLE",
                                       "  bramble token add grafana --role viewer > token\n"
                                       "  bramble token add ci --role submitter --owner ada --expires 90d"});
  add_token_name(*app, command->name);
  add_value(*app, "--role", "ROLE", "viewer, submitter (own jobs) or operator (all)",
            [command](const std::string& value) -> Status {
              if (value != "viewer" && value != "submitter" && value != "operator") {
                return fail("'" + value + "' is no role: write viewer, submitter or operator");
              }
              command->role = value;
              return {};
            });
  add_text(*app, "--owner", "USER", "whose jobs are submitted with it (you)", command->owner);
  add_duration(*app, "--expires", "it is good for so long (for ever)", kMinuteMs, kMaxLifetimeMs, command->lifetime_ms);
  add_flag(*app, "--json", "an object with `token`", tree.common.json);
  tree.leaves.push_back({app, Tail::none, [command](const std::vector<std::string>&) { return make_add(*command); }});
}

void declare_list(OptionTree& tree, CLI::App& tokens) {
  CLI::App* app = add_command(tokens, {"list", "the tokens that there are", "[OPTION...]", "  bramble token list"});
  add_flag(*app, "--json", "an array of token objects", tree.common.json);
  tree.leaves.push_back(
      {app, Tail::none, [](const std::vector<std::string>&) -> Result<Command> { return TokenListCommand{}; }});
}

void declare_remove(OptionTree& tree, CLI::App& tokens) {
  auto command = std::make_shared<TokenRemoveCommand>();
  CLI::App* app = add_command(
      tokens, {"remove", "a token opens nothing any more", "[OPTION...] NAME", "  bramble token remove ci"});
  add_token_name(*app, command->name);
  add_flag(*app, "--json", "an object with `removed`", tree.common.json);
  tree.leaves.push_back({app, Tail::none, [command](const std::vector<std::string>&) -> Result<Command> {
                           if (command->name.empty()) return fail("which token? bramble token list shows them");
                           return *command;
                         }});
}

}  // namespace

void declare_tokens(OptionTree& tree) {
  CLI::App* tokens = add_command(tree.root, {"token", "who may use the API over TCP", "COMMAND ...", ""});
  declare_add(tree, *tokens);
  declare_list(tree, *tokens);
  declare_remove(tree, *tokens);
}

}  // namespace bramble::cli
