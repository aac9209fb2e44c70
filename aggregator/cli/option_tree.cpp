#include "aggregator/cli/option_tree.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <memory>

#include "aggregator/cli/moment.hpp"
#include "aggregator/cli/unknown_word.hpp"
#include "common/base/duration.hpp"
#include "common/base/node_set.hpp"
#include "common/base/size.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::cli {
namespace {

constexpr size_t kOptionColumn = 30;

class HelpFormatter : public CLI::Formatter {
 public:
  explicit HelpFormatter(std::string usage) : usage_(std::move(usage)) { column_width(kOptionColumn); }

  std::string make_usage(const CLI::App*, std::string) const override { return "Usage: " + usage_ + "\n"; }

 private:
  std::string usage_;
};

void add_root_options(CLI::App& root, CommonOptions& common) {
  root.set_help_flag("-h,--help", "show this; also behind a command");
  root.set_version_flag("--version", "bramble " BRAMBLE_VERSION, "show the version");
  add_text(root, "--url", "URL", "the aggregator: unix:PATH or https://HOST:8737", common.endpoint.url);
  add_text(root, "--token-file", "FILE", "holds the token that https:// needs", common.endpoint.token_file);
  add_text(root, "--ca", "FILE", "the authority that https:// needs (the system's)", common.endpoint.ca_file);
  add_duration(root, "--give-up", "how long to wait for one that went away (60s)", common.give_up_ms);
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* at = &app; at; at = at->get_parent()) {
    for (const CLI::Option* option : at->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

std::string full_name(const CLI::App& app) {
  return app.get_parent() ? full_name(*app.get_parent()) + " " + app.get_name() : app.get_name();
}

// For a sentence, which begins with "bramble: " anyway.
std::string name_in_bramble(const CLI::App& app) {
  if (!app.get_parent()) return "";
  const bool below_root = app.get_parent()->get_parent() == nullptr;
  return (below_root ? "" : name_in_bramble(*app.get_parent()) + " ") + app.get_name();
}

std::string needs_command(const CLI::App& app) {
  return app.get_parent() ? name_in_bramble(app) + " needs a command: " : "which command? ";
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// The deepest command that was named.
const CLI::App& named_command(const CLI::App& root) {
  const auto parsed = root.get_subcommands();
  return parsed.empty() ? root : named_command(*parsed.front());
}

std::string see_help(const CLI::App& app) { return " (" + full_name(app) + " --help shows what there is)"; }

// The node set before a word that nobody expects; empty where the command takes none.
std::string nodes_given(const CLI::App& app) {
  const CLI::Option* nodes = app.get_option_no_throw("NODES");
  return nodes == nullptr || nodes->results().empty() ? "" : nodes->results().back();
}

tl::unexpected<Error> unexpected_word(const CLI::App& app, const std::string& word, bool takes_command) {
  if (word.starts_with("-") && word != "-") return fail(unknown_option(word, option_names(app)) + see_help(app));
  if (!app.get_subcommands([](const CLI::App*) { return true; }).empty()) {
    return fail(unknown_command(word, command_names(app)) + see_help(app));
  }
  if (takes_command && app.get_name() == "call") {
    return fail("'" + word + "' is one word too many: what a kernel reads comes in as " + full_name(app) +
                " KERNEL < " + word + ", what it is started with stands behind --");
  }
  if (takes_command) return fail("put -- before the command: " + full_name(app) + " -- " + word);
  const std::string first = nodes_given(app);
  if (!first.empty())
    return fail("'" + word + "' is one word too many: write nodes as one list, " + first + "," + word);
  return fail("'" + word + "' is one word too many" + see_help(app));
}

const Leaf* leaf_of(const OptionTree& tree, const CLI::App& app) {
  const auto found =
      std::find_if(tree.leaves.begin(), tree.leaves.end(), [&](const Leaf& leaf) { return leaf.app == &app; });
  return found == tree.leaves.end() ? nullptr : &*found;
}

Result<Command> make_command(const OptionTree& tree, std::vector<std::string> tail, bool separated) {
  const CLI::App& app = named_command(tree.root);
  const Leaf* leaf = leaf_of(tree, app);
  const auto extras = tree.root.remaining(true);
  if (!extras.empty()) return unexpected_word(app, extras.front(), leaf && leaf->tail != Tail::none && !separated);
  if (!leaf) return fail(needs_command(app) + joined(command_names(app)));
  if (leaf->tail == Tail::none && separated)
    return fail(name_in_bramble(app) + " takes no command behind --" + see_help(app));
  if (leaf->tail == Tail::required && tail.empty()) {
    return fail(name_in_bramble(app) + " needs a command to run: " + full_name(app) +
                " [OPTION...] -- COMMAND [ARG...]");
  }
  auto command = leaf->make(std::move(tail));
  if (!command) return fail(command.error().code, name_in_bramble(app) + ": " + command.error().message);
  return command;
}

std::string with_newline(std::string text) { return text.ends_with('\n') ? text : text + "\n"; }

// CLI11's own words for a missing value are for programmers: "--cpus: 1 required N missing".
std::string usage_message(const CLI::ParseError& error) {
  const std::string what = error.what();
  if (!dynamic_cast<const CLI::ArgumentMismatch*>(&error)) return what;
  return what.substr(0, what.find(':')) + " needs a value";
}

}  // namespace

CLI::App* add_command(CLI::App& parent, const CommandText& text) {
  CLI::App* app = parent.add_subcommand(text.name, text.summary);
  app->fallthrough()->allow_extras()->require_subcommand(0, 1);
  app->formatter(std::make_shared<HelpFormatter>(full_name(*app) + " " + text.usage));
  if (*text.examples) app->footer(std::string("Examples:\n") + text.examples);
  return app;
}

void add_value(CLI::App& app, const char* flags, const char* kind, const char* help, TakeValue take) {
  const std::string name = flags;
  const std::function<void(const std::string&)> parse = [name, take = std::move(take)](const std::string& value) {
    if (const auto status = take(value); !status) throw CLI::ValidationError(name, status.error().message);
  };
  app.add_option_function<std::string>(flags, parse, help)
      ->type_name(kind)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void add_values(CLI::App& app, const char* flags, const char* kind, const char* help, TakeValue take) {
  const std::string name = flags;
  const std::function<void(const std::vector<std::string>&)> parse =
      [name, take = std::move(take)](const std::vector<std::string>& values) {
        for (const std::string& value : values) {
          if (const auto status = take(value); !status) throw CLI::ValidationError(name, status.error().message);
        }
      };
  app.add_option_function<std::vector<std::string>>(flags, parse, help)
      ->type_name(kind)
      ->allow_extra_args(!name.starts_with("-"));
}

void add_text(CLI::App& app, const char* flags, const char* kind, const char* help, std::string& target) {
  add_value(app, flags, kind, help, [&target](const std::string& value) -> Status {
    target = value;
    return {};
  });
}

void add_flag(CLI::App& app, const char* flags, const char* help, bool& target) { app.add_flag(flags, target, help); }

void add_duration(CLI::App& app, const char* flags, const char* help, int64_t& target_ms) {
  add_duration(app, flags, help, 0, kMaxDurationMs, target_ms);
}

void add_duration(CLI::App& app, const char* flags, const char* help, int64_t least_ms, int64_t most_ms,
                  int64_t& target_ms) {
  add_value(app, flags, "TIME", help, [=, &target_ms](const std::string& value) -> Status {
    const auto duration_ms = parse_duration_ms(value);
    if (!duration_ms) return tl::unexpected(duration_ms.error());
    if (*duration_ms < least_ms) return fail("'" + value + "' is less than " + format_duration(least_ms));
    if (*duration_ms > most_ms) return fail("'" + value + "' is more than " + format_duration(most_ms));
    target_ms = *duration_ms;
    return {};
  });
}

void add_size(CLI::App& app, const char* flags, const char* help, uint64_t& target_bytes) {
  add_value(app, flags, "SIZE", help, [&target_bytes](const std::string& value) -> Status {
    const auto size = parse_size_bytes(value);
    if (!size) return tl::unexpected(size.error());
    target_bytes = *size;
    return {};
  });
}

void add_nodes(CLI::App& app, std::string& target) {
  add_value(app, "NODES", "", "pi[01-04], a list of these, or all", [&target](const std::string& value) -> Status {
    const auto nodes = parse_node_set(value);
    if (!nodes) return tl::unexpected(nodes.error());
    target = value;
    return {};
  });
}

void add_moment(CLI::App& app, const char* flags, const char* help, int64_t& target_ms) {
  add_value(app, flags, "TIME", help, [&target_ms](const std::string& value) -> Status {
    const auto moment_ms = parse_moment_ms(value, posix::wall_now());
    if (!moment_ms) return tl::unexpected(moment_ms.error());
    target_ms = *moment_ms;
    return {};
  });
}

Result<double> parse_amount(std::string_view text) {
  double amount = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  if (error == std::errc{} && end == text.data() + text.size() && amount >= 0 && amount <= 1e9) return amount;
  return fail("'" + std::string(text) + "' is no number from 0 on");
}

Result<int64_t> parse_number(const std::string& text, int64_t least, int64_t most) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size() && number >= least && number <= most) return number;
  return fail("'" + text + "' is not a whole number from " + std::to_string(least) + " to " + std::to_string(most));
}

Result<CommandLine> parse_command_line(const std::vector<std::string>& args) {
  const auto separator = std::find(args.begin(), args.end(), "--");
  std::vector<std::string> reversed(std::make_reverse_iterator(separator), args.rend());
  const bool separated = separator != args.end();
  std::vector<std::string> tail(separated ? separator + 1 : separator, args.end());
  CommandLine line;
  CLI::App root("A cluster of Raspberry Pis: hand out work, watch nodes, ask what it cost.", "bramble");
  root.allow_extras()->require_subcommand(0, 1);
  root.formatter(std::make_shared<HelpFormatter>("bramble COMMAND [OPTION...]"));
  root.footer(
      "BRAMBLE_URL, BRAMBLE_CA and BRAMBLE_TOKEN_FILE (or BRAMBLE_TOKEN) say the same.\n"
      "Exit status: 0 good, 1 the work failed, 2 wrong usage, 3 no aggregator reached;\n"
      "run and local return their command's own, and 255 when bramble itself fails;\n"
      "check has those of Nagios.");
  add_root_options(root, line.common);
  OptionTree tree{root, line.common, {}};
  declare_work_commands(tree);
  declare_job_commands(tree);
  declare_cluster_commands(tree);
  declare_check(tree);
  try {
    root.parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    line.command = HelpText{with_newline(root.help())};
    return line;
  } catch (const CLI::CallForVersion& version) {
    line.command = HelpText{with_newline(version.what())};
    return line;
  } catch (const CLI::ParseError& error) {
    return fail(usage_message(error) + see_help(named_command(root)));
  }
  auto command = make_command(tree, std::move(tail), separated);
  if (!command) return tl::unexpected(command.error());
  line.command = std::move(*command);
  return line;
}

}  // namespace bramble::cli
